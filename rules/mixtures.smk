"""Mixtures: every mixing method ends in a rule that writes a mixture file.

Makes mixtures/{experiment}/{mix}.json and, for any of them, data/{experiment}_{mix}_info.json.
"""


rule write_mixture:
    """Write a strategy of the configuration as a mixture file."""
    output:
        "mixtures/{experiment}/{mix}.json",
    log:
        "logs/write_mixture/{experiment}-{mix}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        recipe=1,
        sources=lookup(dpath="experiments/{experiment}/sources", within=config),
        stages=strategy_stages,
    shell:
        "python workflow/scripts/write_mixture.py --experiment {wildcards.experiment} --name {wildcards.mix:q} "
        "--sources {params.sources:q} --stages {params.stages:q} --output {output:q} 2> {log:q}"


rule describe_mixture:
    """Say what a mixture will draw from each source, and stop one that would repeat a source too often."""
    input:
        mixture="mixtures/{experiment}/{mix}.json",
        stores=token_stores,
        script="workflow/scripts/describe_mixture.py",
        library="workflow/scripts/emulsion/planning.py",
    output:
        "data/{experiment}_{mix}_info.json",
    log:
        "logs/describe_mixture/{experiment}-{mix}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        spec=run_spec,
        max_epochs=lambda wildcards: canonical_json(experiment_of(wildcards)["max_epochs"]),
    shell:
        "python {input.script:q} --mixture {input.mixture:q} --stores {input.stores:q} --spec {params.spec:q} "
        "--max-epochs {params.max_epochs:q} --output {output:q} 2> {log:q}"
