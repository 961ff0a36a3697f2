"""Mixtures: every mixing method ends in a rule that writes a mixture file.

Makes mixtures/{experiment}/{mix}.json and, for any of them, data/{experiment}_{mix}_info.json.
"""


rule write_mixture:
    """Write a mixture that follows from the configuration: a strategy, one source alone, or one left out."""
    output:
        "mixtures/{experiment}/{fixed}.json",
    log:
        "logs/write_mixture/{experiment}-{fixed}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        recipe=1,
        sources=lookup(dpath="experiments/{experiment}/sources", within=config),
        stages=json_from_config(experiments.mixture_stages, "experiment", "fixed"),
    shell:
        f"python {script('write_mixture')} "
        "--experiment {wildcards.experiment} --name {wildcards.fixed:q} "
        "--sources {params.sources:q} --stages {params.stages:q} --output {output:q} 2> {log:q}"


rule write_baseline:
    """Write a mixture that follows from the sizes of the sources: proportional, temperature, UniMax."""
    input:
        stores=from_config(paths.token_stores, "experiment"),
    output:
        "mixtures/{experiment}/{sized}.json",
    log:
        "logs/write_baseline/{experiment}-{sized}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        recipe=1,
        budget=from_config(experiments.unimax_budget, "experiment", "sized"),
    shell:
        f"python {script('write_baseline')} "
        "--experiment {wildcards.experiment} --name {wildcards.sized:q} "
        "--stores {input.stores:q} {params.budget} --output {output:q} 2> {log:q}"


rule describe_mixture:
    """Say what a mixture will draw from each source, and stop one that would repeat a source too often."""
    input:
        mixture="mixtures/{experiment}/{mix}.json",
        stores=from_config(paths.token_stores, "experiment"),
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
        spec=json_from_config(experiments.run_spec, "experiment", "mix"),
        max_epochs=experiment_setting("max_epochs"),
    shell:
        "python {input.script:q} --mixture {input.mixture:q} --stores {input.stores:q} --spec {params.spec:q} "
        "--max-epochs {params.max_epochs:q} --output {output:q} 2> {log:q}"
