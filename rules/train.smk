"""Training: any mixture file becomes a model.

Makes models/{experiment}-{mix}/. A run that is cut off goes on from checkpoints/{experiment}-{mix}/, which no rule
declares, for Snakemake deletes what a failed job was to make.
"""


rule train:
    """Train one model on a mixture; a change of its mixture, data or spec trains it again, and nothing else."""
    input:
        mixture="mixtures/{experiment}/{mix}.json",
        stores=token_stores,
        tokenizer=tokenizer_of_experiment,
    output:
        model="models/{experiment}-{mix}/model.safetensors",
        config="models/{experiment}-{mix}/config.json",
        tokenizer="models/{experiment}-{mix}/tokenizer.json",
        record="models/{experiment}-{mix}/run.json",
        log="models/{experiment}-{mix}/training_log.jsonl",
        card="models/{experiment}-{mix}/README.md",
    log:
        "logs/train/{experiment}-{mix}.log",
    benchmark:
        "logs/train/{experiment}-{mix}.benchmark.jsonl"
    retries: 2
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=lambda wildcards, attempt: 240 * attempt,
        # Not params, for these may change without training again.
        micro_batch=lambda wildcards: training_of(wildcards)["micro_batch"],
        most_epochs=most_epochs,
    params:
        spec=run_spec,
        tokenizer=subpath(input.tokenizer, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        "python workflow/scripts/train.py --mixture {input.mixture:q} --stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} --spec {params.spec:q} --output {params.folder:q} "
        "--checkpoints checkpoints/{wildcards.experiment}-{wildcards.mix} --micro-batch {resources.micro_batch} "
        "--most-epochs {resources.most_epochs} --minutes {resources.runtime} --threads {threads} --processes {resources.gpu} 2> {log:q}"
