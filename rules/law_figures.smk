"""Figures of mixing laws: losses with the fitted laws, effects of sources, and how well the laws hold.

Makes figures/{experiment}_{figure}.png and figures/{study}_law_fits.png.
"""


rule plot_static_law:
    """Draw the losses of a sweep with the fitted static law, on a logarithmic scale."""
    input:
        law="law_results/{experiment}/static_law.json",
        script=script_file("plot_static_law"),
        library=imports_of("plot_static_law"),
    output:
        report(
            "figures/{experiment}_static_law.png",
            caption="../report/static_law.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "static law"},
        ),
    log:
        "logs/plot_static_law/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("static_law"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_dynamic_law:
    """Draw the losses of branches with the fitted dynamic law."""
    input:
        law="law_results/{experiment}/dynamic_law.json",
        script=script_file("plot_dynamic_law"),
        library=imports_of("plot_dynamic_law"),
    output:
        report(
            "figures/{experiment}_dynamic_law.png",
            caption="../report/dynamic_law.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "dynamic law"},
        ),
    log:
        "logs/plot_dynamic_law/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("dynamic_law"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_effects:
    """Draw the effects of sources over time, and what a diagonal matrix of them leaves out."""
    input:
        law="law_results/{experiment}/dynamic_law.json",
        script=script_file("plot_effects"),
        library=imports_of("plot_effects"),
    output:
        report(
            "figures/{experiment}_effects.png",
            caption="../report/effects.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "effects"},
        ),
    log:
        "logs/plot_effects/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("effects"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_similarity:
    """Draw how alike methods' effects and the fitted ones are, against how much better than stratified they are."""
    input:
        similarity="law_results/{experiment}/similarity.json",
        script=script_file("plot_similarity"),
        library=imports_of("plot_similarity"),
    output:
        report(
            "figures/{experiment}_similarity.png",
            caption="../report/similarity.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "similarity"},
        ),
    log:
        "logs/plot_similarity/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("similarity"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.similarity:q} " "--output {output:q} " "2> {log:q}"


rule plot_law_fits:
    """Draw how well the laws hold in every setting of a study, beside the noise of its runs."""
    input:
        static=laws_of_study("static_law"),
        dynamic=laws_of_study("dynamic_law"),
        script=script_file("plot_law_fits"),
        library=imports_of("plot_law_fits"),
    output:
        report(
            "figures/{study}_law_fits.png",
            caption="../report/law_fits.rst",
            category="Laws",
            labels={"experiment": "{study}", "figure": "fits"},
        ),
    log:
        "logs/plot_law_fits/{study}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=study_setting("title"),
        labels=labels_of_study,
        # Of the first table: one figure has room for one pair of lines.
        published=lambda wildcards: canonical_json(config["law_studies"][wildcards.study]["tables"][0]["published"]),
    shell:
        "printf '%s\\0' "
        "--static {input.static:q} "
        "--dynamic {input.dynamic:q} "
        "--labels {params.labels:q} "
        "--published {params.published:q} "
        "--title {params.title:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
