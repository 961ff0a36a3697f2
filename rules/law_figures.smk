"""Figures of mixing laws: fitted curves, effects over time, and how well the laws of a study hold.

Makes figures/{experiment}_{figure}.png and figures/{study}_law_fits.png.
"""


rule plot_static_law:
    """Draw the losses of a sweep with the fitted static law, on a logarithmic scale."""
    input:
        law="law_results/{experiment}/static_law.json",
        script=f"{SCRIPTS}/plot_static_law.py",
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
        experiment=one_of(study.with_laws()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_dynamic_law:
    """Draw the losses of branches with the fitted dynamic law."""
    input:
        law="law_results/{experiment}/dynamic_law.json",
        script=f"{SCRIPTS}/plot_dynamic_law.py",
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
        experiment=one_of(study.with_branches()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_effects:
    """Draw the effects of sources over time, and what a diagonal matrix of them leaves out."""
    input:
        law="law_results/{experiment}/dynamic_law.json",
        script=f"{SCRIPTS}/plot_effects.py",
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
        experiment=one_of(study.with_branches()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_law_fits:
    """Draw how well the laws hold in every setting of a study, beside the noise of its runs."""
    input:
        static=laws_of_study("static_law"),
        dynamic=laws_of_study("dynamic_law"),
        script=f"{SCRIPTS}/plot_law_fits.py",
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
