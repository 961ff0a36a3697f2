"""Optimisation: the best mixture within bounds, from small proxy runs.

Makes the proxies' mixtures, results/{experiment}/optimal_mix.json and mixtures/{experiment}/optimal.json, which is
trained like any other mixture.
"""


rule write_proxy:
    """Write the mixture of one proxy: a point of a design that is spread over all that bounds and epochs allow."""
    input:
        stores=from_config(paths.token_stores, "experiment"),
    output:
        "mixtures/{experiment}/{proxy}.json",
    log:
        "logs/write_proxy/{experiment}-{proxy}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        # A longer design begins with the shorter one, so a further proxy trains no other again.
        recipe=2,
        bounds=lookup(dpath="experiments/{experiment}/optimize/bounds", within=config),
        seed=lookup(dpath="experiments/{experiment}/optimize/seed", within=config),
        tokens=lookup(dpath="experiments/{experiment}/tokens", within=config),
        limit=lookup(dpath="experiments/{experiment}/max_epochs/limit", within=config),
    shell:
        f"python {script('write_proxy')} "
        "--experiment {wildcards.experiment} --name {wildcards.proxy:q} "
        "--stores {input.stores:q} --bounds {params.bounds} --seed {params.seed} --tokens {params.tokens} "
        "--max-epochs {params.limit} --output {output:q} 2> {log:q}"


rule optimize_mixture:
    """Fit surrogates to the proxies, keep the one that predicts best, and search it for the best mixture."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", experiments.informing),
        stores=from_config(paths.token_stores, "experiment"),
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", experiments.informing),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", experiments.informing),
    output:
        record="results/{experiment}/optimal_mix.json",
        mixture="mixtures/{experiment}/optimal.json",
    log:
        "logs/optimize_mixture/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(experiments.optimised_by(config, "surrogate")),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        recipe=2,
        settings=experiment_setting("optimize"),
        tokens=lookup(dpath="experiments/{experiment}/tokens", within=config),
        limit=lookup(dpath="experiments/{experiment}/max_epochs/limit", within=config),
    shell:
        f"python {script('optimize_mixture')} "
        "--experiment {wildcards.experiment} --records {input.records:q} "
        "--capabilities {input.capabilities:q} --perplexity {input.perplexity:q} --stores {input.stores:q} "
        "--settings {params.settings:q} --tokens {params.tokens} --max-epochs {params.limit} "
        "--output {output.record:q} --mixture {output.mixture:q} 2> {log:q}"


rule optimize_directly:
    """Search by differential evolution with a small training for each evaluation, kept to go on from."""
    input:
        stores=from_config(paths.token_stores, "experiment"),
        tokenizer=from_config(paths.tokenizer_definition, "experiment"),
        weights=lambda wildcards: paths.initial_weights(config, wildcards.experiment, "proxy_000"),
        suites=from_config(paths.suite_files, "experiment"),
    output:
        record="results/{experiment}/optimal_mix.json",
        mixture="mixtures/{experiment}/optimal.json",
    log:
        "logs/optimize_directly/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(experiments.optimised_by(config, "direct")),
    retries: 2
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 720 * attempt,
        micro_batch=lambda wildcards: experiments.micro_batch(config, wildcards.experiment, "proxy_000"),
    params:
        recipe=2,
        tokenizer=subpath(input.tokenizer, parent=True),
        spec=lambda wildcards: canonical_json(experiments.run_spec(config, wildcards.experiment, "proxy_000")),
        evaluation=experiment_setting("evaluation"),
        settings=experiment_setting("optimize"),
        tokens=lookup(dpath="experiments/{experiment}/tokens", within=config),
        limit=lookup(dpath="experiments/{experiment}/max_epochs/limit", within=config),
    shell:
        f"python {script('optimize_directly')} "
        "--experiment {wildcards.experiment} --stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} --weights {input.weights:q} --suites {input.suites:q} "
        "--spec {params.spec:q} --evaluation {params.evaluation:q} --settings {params.settings:q} "
        "--tokens {params.tokens} --max-epochs {params.limit} --micro-batch {resources.micro_batch} --threads {threads} "
        "--cache checkpoints/{wildcards.experiment}-direct --output {output.record:q} --mixture {output.mixture:q} "
        "2> {log:q}"
