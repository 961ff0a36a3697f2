"""Mixtures: the files that runs train on, of methods that need no run, and of those that decide while they train.

Makes mixtures/{experiment}/{mix}.json and, for any mixture, data/{experiment}_{mix}_info.json.
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
        mix=of_its_experiment(Experiment.fixed),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    resources:
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=2,
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
        "--on-excess {resources.on_excess} "
        "--output {output:q} "
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
        mix=of_its_experiment(Experiment.from_trajectories),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        version=1,
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
        script=script_file("describe_mixture"),
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
