"""Mixing laws: how loss depends on the mixture, from swarms over it and from branches of their runs.

Makes law_results/{experiment}/, law_results/{study}/ where settings stand side by side, and law_results/{replay}/ from
published sweeps.
"""


rule fit_static_law:
    """Fit the static laws to the runs of a sweep, and hold their R2 against the noise of the runs."""
    input:
        sweep=of_experiment(files.swarm_of_laws),
        script=script_file("fit_static_law"),
        library=imports_of("fit_static_law"),
    output:
        "law_results/{experiment}/static_law.json",
    log:
        "logs/fit_static_law/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_laws()),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=of_experiment(job_memory.of_fitting),
        runtime=60,
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--sweep {input.sweep:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule fit_dynamic_law:
    """Fit the dynamic laws to the branches of every trunk: the effects of each source at that point of training."""
    input:
        sweep=of_experiment(files.swarm_of_laws),
        script=script_file("fit_dynamic_law"),
        library=imports_of("fit_dynamic_law"),
    output:
        "law_results/{experiment}/dynamic_law.json",
    log:
        "logs/fit_dynamic_law/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_branches()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--sweep {input.sweep:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule compare_greedy:
    """Compare the mixtures that are best round by round with those that are best of all."""
    input:
        sweep=of_experiment(files.swarm_of_laws),
        script=script_file("compare_greedy"),
        library=imports_of("compare_greedy"),
    output:
        "law_results/{experiment}/greedy.json",
    log:
        "logs/compare_greedy/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_full_length_branches()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--sweep {input.sweep:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule fit_parameters:
    """Set a method's matrix of effects beside the one that the branches from the same states show."""
    input:
        static="law_results/{experiment}/static_law.json",
        dynamic="law_results/{experiment}/dynamic_law.json",
        matrix=of_experiment(files.matrix, "matrix"),
        script=script_file("fit_parameters"),
        library=imports_of("fit_parameters"),
    output:
        "law_results/{experiment}/{matrix}_parameters.json",
    log:
        "logs/fit_parameters/{experiment}-{matrix}.log",
    wildcard_constraints:
        experiment=one_of(study.with_matrices()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        settings=json_of_experiment(lambda experiment, matrix: Laws(experiment).matrices()[matrix], "matrix"),
    shell:
        "python {input.script:q} "
        "--experiment {wildcards.experiment} "
        "--method {wildcards.matrix} "
        "--settings {params.settings:q} "
        "--matrix {input.matrix:q} "
        "--static {input.static:q} "
        "--dynamic {input.dynamic:q} "
        "--output {output:q} "
        "2> {log:q}"


rule fit_own_parameters:
    """Set the matrices that an online method went by beside those that branches of its own runs show."""
    input:
        branches=of_experiment(files.branches_of_method, "method"),
        logs=of_experiment(files.logs_of_method, "method"),
        script=script_file("fit_own_parameters"),
        library=imports_of("fit_own_parameters"),
    output:
        "law_results/{experiment}/{method}_parameters.json",
    log:
        "logs/fit_own_parameters/{experiment}-{method}.log",
    wildcard_constraints:
        experiment=one_of(study.where(lambda experiment: Laws(experiment).methods())),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        settings=json_of_experiment(lambda experiment, method: Laws(experiment).own_matrix(method), "method"),
    shell:
        "python {input.script:q} "
        "--experiment {wildcards.experiment} "
        "--method {wildcards.method:q} "
        "--settings {params.settings:q} "
        "--branches {input.branches:q} "
        "--logs {input.logs:q} "
        "--output {output:q} "
        "2> {log:q}"


rule measure_similarity:
    """Gather how alike each method's matrix and the fitted one are, and how much better methods are for it."""
    input:
        parameters=of_experiment(files.parameters),
        board=of_experiment(files.board),
        script=script_file("measure_similarity"),
        library=imports_of("measure_similarity"),
    output:
        "law_results/{experiment}/similarity.json",
    log:
        "logs/measure_similarity/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_similarities()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} "
        "--experiment {wildcards.experiment} "
        "--parameters {input.parameters:q} "
        "--board {input.board:q} "
        "--output {output:q} "
        "2> {log:q}"


rule tabulate_laws:
    """Set the settings of a study side by side, in the form of the published tables."""
    input:
        static=laws_of_study("static_law"),
        dynamic=laws_of_study("dynamic_law"),
        greedy=laws_of_study("greedy"),
        similarity=laws_of_study("similarity"),
        script=script_file("tabulate_laws"),
        library=imports_of("tabulate_laws"),
    output:
        json="law_results/{study}/tables.json",
        markdown=report(
            "law_results/{study}/tables.md",
            caption="../report/law_tables.rst",
            category="Laws",
            labels={"experiment": "{study}", "figure": "tables"},
        ),
    log:
        "logs/tabulate_laws/{study}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=study_setting("title"),
        tables=study_setting("tables"),
    shell:
        "printf '%s\\0' "
        "--study {wildcards.study} "
        "--title {params.title:q} "
        "--tables {params.tables:q} "
        "--static {input.static:q} "
        "--dynamic {input.dynamic:q} "
        "--greedy {input.greedy:q} "
        "--similarity {input.similarity:q} "
        "--json {output.json:q} "
        "--markdown {output.markdown:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule replay_laws:
    """Fit laws to a published sweep, and judge how they rank and predict runs of its other tables."""
    input:
        train=lambda wildcards: local(config["replays"][wildcards.replay]["train"]),
        tests=made_or_given(from_config(paths.replayed_tables, "replay")),
        script=script_file("replay_laws"),
        library=imports_of("replay_laws"),
    output:
        json="law_results/{replay}/replay.json",
        markdown="law_results/{replay}/replay.md",
    log:
        "logs/replay_laws/{replay}.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        tests=replayed_tests,
        laws=lookup(dpath="replays/{replay}/laws", within=config),
        sizes=lookup(dpath="replays/{replay}/sizes", within=config),
        resamples=lookup(dpath="replays/{replay}/resamples", within=config),
        seed=lookup(dpath="replays/{replay}/seed", within=config),
    shell:
        "python {input.script:q} "
        "--train {input.train:q} "
        "{params.tests:q} "
        "--laws {params.laws} "
        "--sizes {params.sizes} "
        "--resamples {params.resamples} "
        "--seed {params.seed} "
        "--output {output.json:q} "
        "--markdown {output.markdown:q} "
        "2> {log:q}"
