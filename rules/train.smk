"""Training: any mixture file becomes a model.

Makes models/{experiment}-{run}/. A run that is cut off goes on from checkpoints/{experiment}-{run}/, which no rule
declares, for Snakemake deletes what a failed job was to make.
"""


rule train:
    """Train one model on a mixture; a change of its mixture, data or spec trains it again, and nothing else."""
    input:
        mixture=from_config(paths.mixture_file, "experiment", "run"),
        stores=from_config(paths.token_stores, "experiment"),
        tokenizer=from_config(paths.tokenizer_definition, "experiment"),
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
        most_epochs=from_config(experiments.most_epochs, "experiment"),
    params:
        spec=json_from_config(experiments.run_spec, "experiment", "run"),
        tokenizer=subpath(input.tokenizer, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "python workflow/scripts/train.py --mixture {input.mixture:q} --stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} --spec {params.spec:q} --output {params.folder:q} "
        "--checkpoints checkpoints/{wildcards.experiment}-{wildcards.run} --micro-batch {resources.micro_batch} "
        "--most-epochs {resources.most_epochs} --minutes {resources.runtime} --threads {threads} --processes {resources.gpu} 2> {log:q}"
