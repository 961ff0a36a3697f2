"""Mixing laws: how loss depends on the mixture, from sweeps over it and from branches of their runs.

Makes law_results/{experiment}/, law_results/{study}/ where settings stand side by side, and law_results/{replay}/ from
published sweeps. Runs of a sweep share jobs and keep their losses, not their models. What is
done of a job that is cut off lies in checkpoints/{experiment}-sweep/, which no rule declares.
"""


rule write_point:
    """Write the mixture of one point of a sweep."""
    output:
        "mixtures/{experiment}/{point}.json",
    log:
        "logs/write_point/{experiment}-{point}.log",
    wildcard_constraints:
        experiment=one_of(sweeps.swept(config)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        recipe=1,
        sources=lookup(dpath="experiments/{experiment}/sources", within=config),
        points=json_from_config(sweeps.point_spec, "experiment"),
    shell:
        f"python {script('write_point')} "
        "--experiment {wildcards.experiment} --name {wildcards.point} "
        "--sources {params.sources:q} --points {params.points:q} --output {output:q} 2> {log:q}"


rule train_sweep:
    """Train a batch of a sweep's runs and the branches that start from their states; keep the losses."""
    input:
        mixtures=from_config(paths.sweep_mixtures, "experiment", "batch"),
        stores=from_config(paths.token_stores, "experiment"),
        tokenizer=from_config(paths.tokenizer_definition, "experiment"),
        weights=from_config(paths.initial_weights, "experiment", "batch"),
    output:
        "law_results/{experiment}/sweep/{batch}.json",
    log:
        "logs/train_sweep/{experiment}-{batch}.log",
    benchmark:
        "logs/train_sweep/{experiment}-{batch}.benchmark.jsonl"
    wildcard_constraints:
        experiment=one_of(sweeps.swept(config)),
    retries: 2
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
        micro_batch=from_config(experiments.micro_batch, "experiment", "batch"),
        most_epochs=from_config(limits.most_epochs, "experiment"),
    params:
        spec=json_from_config(sweeps.sweep_spec, "experiment"),
        trunks=json_from_config(sweeps.batch, "experiment", "batch"),
        branches=json_from_config(sweeps.branches_of_batch, "experiment", "batch"),
        tokenizer=subpath(input.tokenizer, parent=True),
    shell:
        f"python {script('train_sweep')} "
        "--experiment {wildcards.experiment} --mixtures {input.mixtures:q} "
        "--stores {input.stores:q} --tokenizer {params.tokenizer:q} --weights {input.weights:q} "
        "--spec {params.spec:q} --trunks {params.trunks:q} --branches {params.branches:q} "
        "--checkpoints checkpoints/{wildcards.experiment}-sweep "
        "--micro-batch {resources.micro_batch} --most-epochs {resources.most_epochs} --minutes {resources.runtime} "
        "--threads {threads} --output {output:q} 2> {log:q}"


rule fit_static_law:
    """Fit the static laws to the runs of a sweep, and hold their R2 against the noise of the runs."""
    input:
        sweep=from_config(paths.sweep, "experiment"),
        script=f"{SCRIPTS}/fit_static_law.py",
        library=imports_of("fit_static_law"),
    output:
        "law_results/{experiment}/static_law.json",
    log:
        "logs/fit_static_law/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(sweeps.swept(config)),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --sweep {input.sweep:q} "
        "--output {output:q} 2> {log:q}"


rule fit_dynamic_law:
    """Fit the dynamic laws to the branches of every trunk: the effects of each source at that point of training."""
    input:
        sweep=from_config(paths.sweep, "experiment"),
        script=f"{SCRIPTS}/fit_dynamic_law.py",
        library=imports_of("fit_dynamic_law"),
    output:
        "law_results/{experiment}/dynamic_law.json",
    log:
        "logs/fit_dynamic_law/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(sweeps.with_branches(config)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --sweep {input.sweep:q} "
        "--output {output:q} 2> {log:q}"


rule compare_greedy:
    """Compare the mixtures that are best round by round with those that are best of all."""
    input:
        sweep=from_config(paths.sweep, "experiment"),
        script=f"{SCRIPTS}/compare_greedy.py",
        library=imports_of("compare_greedy"),
    output:
        "law_results/{experiment}/greedy.json",
    log:
        "logs/compare_greedy/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(sweeps.to_the_end(config)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --sweep {input.sweep:q} "
        "--output {output:q} 2> {log:q}"


rule fit_parameters:
    """Set a method's matrix of effects beside the one that the branches from the same states show."""
    input:
        static="law_results/{experiment}/static_law.json",
        dynamic="law_results/{experiment}/dynamic_law.json",
        matrix=from_config(paths.matrix, "experiment", "method"),
        script=f"{SCRIPTS}/fit_parameters.py",
        library=imports_of("fit_parameters"),
    output:
        "law_results/{experiment}/{method}_parameters.json",
    log:
        "logs/fit_parameters/{experiment}-{method}.log",
    wildcard_constraints:
        experiment=one_of(sweeps.with_methods(config)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        settings=lambda wildcards: canonical_json(sweeps.methods(config, wildcards.experiment)[wildcards.method]),
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --method {wildcards.method} "
        "--settings {params.settings:q} --matrix {input.matrix:q} --static {input.static:q} "
        "--dynamic {input.dynamic:q} "
        "--output {output:q} 2> {log:q}"


rule measure_similarity:
    """Gather how alike each method's matrix and the fitted one are."""
    input:
        parameters=from_config(paths.method_parameters, "experiment"),
        script=f"{SCRIPTS}/measure_similarity.py",
        library=imports_of("measure_similarity"),
    output:
        "law_results/{experiment}/similarity.json",
    log:
        "logs/measure_similarity/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(sweeps.with_methods(config)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --parameters {input.parameters:q} "
        "--output {output:q} 2> {log:q}"


rule tabulate_laws:
    """Set the settings of a study side by side, in the form of the published tables."""
    input:
        static=laws_of_study("static"),
        dynamic=laws_of_study("dynamic"),
        greedy=laws_of_study("greedy"),
        similarity=laws_of_study("similarity"),
        script=f"{SCRIPTS}/tabulate_laws.py",
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
        title=lookup(dpath="law_studies/{study}/title", within=config),
        tables=study_setting("tables"),
    shell:
        "python {input.script:q} --study {wildcards.study} --title {params.title:q} --tables {params.tables:q} "
        "--static {input.static:q} --dynamic {input.dynamic:q} --greedy {input.greedy:q} "
        "--similarity {input.similarity:q} "
        "--json {output.json:q} --markdown {output.markdown:q} 2> {log:q}"


rule replay_laws:
    """Fit laws to a published sweep, and judge how they rank and predict runs of its other tables."""
    input:
        train=lookup(dpath="replays/{replay}/train", within=config),
        tests=from_config(paths.replayed_tables, "replay"),
        script=f"{SCRIPTS}/replay_laws.py",
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
        "python {input.script:q} --train {input.train:q} {params.tests:q} --laws {params.laws} "
        "--sizes {params.sizes} --resamples {params.resamples} --seed {params.seed} "
        "--output {output.json:q} --markdown {output.markdown:q} 2> {log:q}"
