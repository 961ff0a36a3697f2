"""Evaluation: any model, on every source's held-out text and on capability suites.

Makes data/suites/{suite}.json and results/{experiment}/{run}/.
"""


rule generate_suite:
    """Write the capability suite of the embedded corpus."""
    output:
        "data/suites/{suite}.json",
    log:
        "logs/generate_suite/{suite}.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        recipe=2,
        number=lookup(dpath="suites/{suite}/synthetic/items_per_capability", within=config),
        seed=lookup(dpath="suites/{suite}/synthetic/seed", within=config),
    shell:
        f"python {script('generate_suite')} "
        "--name {wildcards.suite:q} "
        "--items-per-capability {params.number} "
        "--seed {params.seed} "
        "--output {output:q} "
        "2> {log:q}"


rule evaluate:
    """Evaluate a model: loss and perplexity per source, capability scores, and every generation behind them."""
    input:
        model="models/{experiment}-{run}/model.safetensors",
        stores=of_experiment(files.token_stores),
        suites=of_experiment(files.suite_files),
    output:
        perplexity="results/{experiment}/{run}/perplexity.json",
        capabilities="results/{experiment}/{run}/capabilities.json",
        generations="results/{experiment}/{run}/generations.jsonl",
    log:
        "logs/evaluate/{experiment}-{run}.log",
    benchmark:
        "logs/evaluate/{experiment}-{run}.benchmark.jsonl"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=4000,
        runtime=120,
    params:
        recipe=2,
        model=subpath(input.model, parent=True),
        settings=experiment_setting("evaluation"),
    shell:
        f"python {script('evaluate')} "
        "--model {params.model:q} "
        "--stores {input.stores:q} "
        "--suites {input.suites:q} "
        "--settings {params.settings:q} "
        "--threads {threads} "
        "--perplexity {output.perplexity:q} "
        "--capabilities {output.capabilities:q} "
        "--generations {output.generations:q} "
        "2> {log:q}"
