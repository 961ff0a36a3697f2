"""Mixtures: whatever decides one is a method, and ends in a rule that writes a mixture file.

Makes mixtures/{experiment}/{mix}.json and, for any of them, data/{experiment}_{mix}_info.json; for methods that learn
from runs also results/{experiment}/{mix}_mix.json, what the choice rests on.
"""


rule write_mixture:
    """Write a mixture that needs no run: a strategy, a baseline, one source alone or left out, a point of a swarm."""
    input:
        stores=of_experiment(files.token_stores_needed, "mix"),
    output:
        "mixtures/{experiment}/{mix}.json",
    log:
        "logs/write_mixture/{experiment}-{mix}.log",
    wildcard_constraints:
        mix=one_of(study.each(Experiment.fixed)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    resources:
        most_epochs=of_experiment(Experiment.most_epochs),
    params:
        recipe=2,
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, mix: experiment.entries[mix].method, "mix"),
        budget=of_experiment(files.budget_needed, "mix"),
    shell:
        f"python {script('write_mixture')} "
        "--experiment {wildcards.experiment} "
        "--name {wildcards.mix:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--stores {input.stores:q} "
        "{params.budget} "
        "--most-epochs {resources.most_epochs} "
        "--output {output:q} "
        "2> {log:q}"


rule propose_mixture:
    """Find a mixture from the runs of a swarm, and from others of their size."""
    input:
        swarm=of_experiment(files.swarm_of_mixture, "mix"),
        stores=of_experiment(files.token_stores),
        records=of_experiment(files.further_records, "mix"),
        capabilities=of_experiment(files.further_capabilities, "mix"),
    output:
        record="results/{experiment}/{mix}_mix.json",
        mixture="mixtures/{experiment}/{mix}.json",
    log:
        "logs/propose_mixture/{experiment}-{mix}.log",
    wildcard_constraints:
        mix=one_of(study.each(Experiment.proposed)),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
        most_epochs=of_experiment(Experiment.most_epochs),
    params:
        recipe=2,
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, mix: experiment.entries[mix].method, "mix"),
        budget=of_experiment(files.budget),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--name {wildcards.mix:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--stores {input.stores:q} "
        "--records {input.records:q} "
        "--capabilities {input.capabilities:q} "
        "{params.budget} "
        "--most-epochs {resources.most_epochs} "
        "--output {output.record:q} "
        "--mixture {output.mixture:q} "
        f"| python {script('propose_mixture')} @- "
        "2> {log:q}"


rule predict_mixtures:
    """Say what the optimum and every other candidate will score, before the optimum is trained."""
    input:
        swarm=of_experiment(lambda experiment: files.swarm_of_mixture(experiment, experiment.optimum())),
        stores=of_experiment(files.token_stores),
        records=of_experiment(lambda experiment: files.further_records(experiment, experiment.optimum())),
        capabilities=of_experiment(lambda experiment: files.further_capabilities(experiment, experiment.optimum())),
        mixtures=of_experiment(files.predicted_mixtures),
    output:
        "results/{experiment}/predictions.json",
    log:
        "logs/predict_mixtures/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(name for name in config["experiments"] if files.predicts(study[name])),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
        most_epochs=of_experiment(Experiment.most_epochs),
    params:
        recipe=2,
        optimum=of_experiment(Experiment.optimum),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment: experiment.entries[experiment.optimum()].method),
        budget=of_experiment(files.budget),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--name {params.optimum:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--stores {input.stores:q} "
        "--records {input.records:q} "
        "--capabilities {input.capabilities:q} "
        "--mixtures {input.mixtures:q} "
        "{params.budget} "
        "--most-epochs {resources.most_epochs} "
        "--output {output:q} "
        f"| python {script('predict_mixtures')} @- "
        "2> {log:q}"


rule map_surface:
    """Map the surrogate that the optimum was found on: its values, and the mixtures it cannot tell from the best."""
    input:
        swarm=of_experiment(lambda experiment: files.swarm_of_mixture(experiment, experiment.optimum())),
        stores=of_experiment(files.token_stores),
        records=of_experiment(lambda experiment: files.further_records(experiment, experiment.optimum())),
        capabilities=of_experiment(lambda experiment: files.further_capabilities(experiment, experiment.optimum())),
    output:
        "results/{experiment}/surface.json",
    log:
        "logs/map_surface/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(name for name in config["experiments"] if files.predicts(study[name])),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
        most_epochs=of_experiment(Experiment.most_epochs),
    params:
        recipe=1,
        optimum=of_experiment(Experiment.optimum),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment: experiment.entries[experiment.optimum()].method),
        budget=of_experiment(files.budget),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--name {params.optimum:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--stores {input.stores:q} "
        "--records {input.records:q} "
        "--capabilities {input.capabilities:q} "
        "{params.budget} "
        "--most-epochs {resources.most_epochs} "
        "--output {output:q} "
        f"| python {script('map_surface')} @- "
        "2> {log:q}"


rule search_mixture:
    """Search for a mixture with a small training at every evaluation, kept to go on from."""
    input:
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_search, "mix"),
        suites=of_experiment(files.suite_files),
    output:
        record="results/{experiment}/{mix}_mix.json",
        mixture="mixtures/{experiment}/{mix}.json",
    log:
        "logs/search_mixture/{experiment}-{mix}.log",
    wildcard_constraints:
        mix=one_of(study.each(Experiment.searched)),
    retries: 9
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards, attempt: 2000 + 2000 * attempt,
        runtime=720,
        micro_batch=micro_batch_of(Experiment.size_of_search, "mix"),
        most_epochs=of_experiment(Experiment.most_epochs),
    params:
        recipe=2,
        tokenizer=subpath(input.tokenizer, parent=True),
        spec=spec_of(Experiment.size_of_search, "mix"),
        evaluation=experiment_setting("evaluation"),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, mix: experiment.entries[mix].method, "mix"),
        budget=of_experiment(files.budget),
    shell:
        f"python {script('search_mixture')} "
        "--experiment {wildcards.experiment} "
        "--name {wildcards.mix:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--suites {input.suites:q} "
        "--spec {params.spec:q} "
        "--evaluation {params.evaluation:q} "
        "{params.budget} "
        "--micro-batch {resources.micro_batch} "
        "--most-epochs {resources.most_epochs} "
        "--threads {threads} "
        "${{SLURM_JOB_ID:+--minutes {resources.runtime}}} "
        "--checkpoints checkpoints/swarms "
        "--output {output.record:q} "
        "--mixture {output.mixture:q} "
        "2> {log:q}"


rule write_trajectory:
    """Write what an online method decided during a run as a mixture: its trajectory, its answer, the mean, or a replay."""
    input:
        record=of_experiment(files.deciding_run, "mix"),
    output:
        "mixtures/{experiment}/{mix}.json",
    log:
        "logs/write_trajectory/{experiment}-{mix}.log",
    wildcard_constraints:
        mix=one_of(study.each(Experiment.from_trajectories)),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        recipe=1,
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, mix: experiment.entries[mix].method, "mix"),
    shell:
        f"python {script('write_trajectory')} "
        "--experiment {wildcards.experiment} "
        "--name {wildcards.mix:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--record {input.record:q} "
        "--output {output:q} "
        "2> {log:q}"


rule describe_mixture:
    """Say what a mixture will draw from each source, and stop one that would repeat a source too often."""
    input:
        mixture="mixtures/{experiment}/{mix}.json",
        stores=of_experiment(files.token_stores),
        script=f"{SCRIPTS}/describe_mixture.py",
        library=imports_of("describe_mixture"),
    output:
        "data/{experiment}_{mix}_info.json",
    log:
        "logs/describe_mixture/{experiment}-{mix}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        spec=json_of_experiment(Experiment.spec, "mix"),
        max_epochs=experiment_setting("max_epochs"),
    shell:
        "python {input.script:q} "
        "--mixture {input.mixture:q} "
        "--stores {input.stores:q} "
        "--spec {params.spec:q} "
        "--max-epochs {params.max_epochs:q} "
        "--output {output:q} "
        "2> {log:q}"
