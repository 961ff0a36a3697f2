"""Training: any mixture file becomes a model.

Makes models/{experiment}-{run}/, and results/{experiment}/{run}/smoke.json where it is asked for. A run that is cut off
goes on from checkpoints/{experiment}-{run}/, which no rule declares, for Snakemake deletes what a failed job was to make.
"""


rule check_training:
    """Train the first steps of a run on its own data and stop: does the loss fall, and what does it take?"""
    input:
        mixture=from_config(paths.mixture_file, "experiment", "run"),
        stores=from_config(paths.token_stores, "experiment"),
        tokenizer=from_config(paths.tokenizer_definition, "experiment"),
        weights=from_config(paths.initial_weights, "experiment", "run"),
    output:
        "results/{experiment}/{run}/smoke.json",
    log:
        "logs/check_training/{experiment}-{run}.log",
    wildcard_constraints:
        experiment=one_of(limits.smoke_checked(config)),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=60,
        micro_batch=from_config(experiments.micro_batch, "experiment", "run"),
    params:
        spec=json_from_config(experiments.run_spec, "experiment", "run"),
        tokenizer=subpath(input.tokenizer, parent=True),
        steps=from_config(limits.smoke_steps, "experiment"),
        least_fall=from_config(limits.smoke_fall, "experiment"),
    shell:
        f"python {script('check_training')} "
        "--mixture {input.mixture:q} --stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} --weights {input.weights:q} --spec {params.spec:q} --steps {params.steps} "
        "--least-fall {params.least_fall} --micro-batch {resources.micro_batch} --threads {threads} "
        "--work checkpoints/{wildcards.experiment}-{wildcards.run}-smoke --output {output:q} 2> {log:q}"


rule fetch_weights:
    """Fetch the weights that training starts from, at a revision that is resolved once."""
    output:
        weights="data/weights/{model}/model.safetensors",
        config="data/weights/{model}/config.json",
        provenance="data/weights/{model}/provenance.json",
    log:
        "logs/fetch_weights/{model}.log",
    wildcard_constraints:
        model=one_of(paths.weights_on_the_hub(config)),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        recipe=1,
        identifier=lookup(dpath="models/{model}/weights/id", within=config),
        revision=lambda wildcards: config["models"][wildcards.model]["weights"].get("revision", "main"),
        folder=subpath(output.weights, parent=True),
    shell:
        f"python {script('fetch_weights')} "
        "--id {params.identifier:q} --revision {params.revision:q} "
        "--output {params.folder:q} 2> {log:q}"


rule train:
    """Train one model on a mixture; a change of its mixture, data or spec trains it again, and nothing else."""
    input:
        mixture=from_config(paths.mixture_file, "experiment", "run"),
        stores=from_config(paths.token_stores, "experiment"),
        tokenizer=from_config(paths.tokenizer_definition, "experiment"),
        weights=from_config(paths.initial_weights, "experiment", "run"),
    output:
        model="models/{experiment}-{run}/model.safetensors",
        config="models/{experiment}-{run}/config.json",
        tokenizer="models/{experiment}-{run}/tokenizer.json",
        record="models/{experiment}-{run}/run.json",
        log="models/{experiment}-{run}/training_log.jsonl",
        card="models/{experiment}-{run}/README.md",
    log:
        "logs/train/{experiment}-{run}.log",
    benchmark:
        "logs/train/{experiment}-{run}.benchmark.jsonl"
    retries: 2
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
        # Not params, for these may change without training again.
        micro_batch=from_config(experiments.micro_batch, "experiment", "run"),
        most_epochs=from_config(limits.most_epochs, "experiment"),
        smoke_steps=from_config(limits.smoke_steps, "experiment"),
        smoke_fall=from_config(limits.smoke_fall, "experiment"),
    params:
        spec=json_from_config(experiments.run_spec, "experiment", "run"),
        tokenizer=subpath(input.tokenizer, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        f"python {script('train')} "
        "--mixture {input.mixture:q} --stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} --weights {input.weights:q} --spec {params.spec:q} --output {params.folder:q} "
        "--checkpoints checkpoints/{wildcards.experiment}-{wildcards.run} --micro-batch {resources.micro_batch} "
        "--most-epochs {resources.most_epochs} --smoke-steps {resources.smoke_steps} "
        "--smoke-fall {resources.smoke_fall} --minutes {resources.runtime} --threads {threads} --processes {resources.gpu} 2> {log:q}"
