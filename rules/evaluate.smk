"""Evaluation: any model, on every source's held-out text, on capability suites and, where asked, on published tasks.

Makes data/suites/{suite}.json, results/{experiment}/{run}/ and results/{experiment}/downstream.json. Published tasks are asked by
lm-eval, an optional package.
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
        version=2,
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
        suites=made_or_given(of_experiment(files.suite_files)),
    output:
        perplexity="results/{experiment}/{run}/perplexity.json",
        capabilities="results/{experiment}/{run}/capabilities.json",
        generations="results/{experiment}/{run}/generations.jsonl",
    log:
        "logs/evaluate/{experiment}-{run}.log",
    benchmark:
        "logs/evaluate/{experiment}-{run}.benchmark.jsonl"
    # Before further trainings, so that a suite that cannot be asked is refused when the first model is there.
    priority: 1
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory_of_evaluation,
        runtime=120,
    params:
        version=8,
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


rule evaluate_downstream:
    """Ask a model the items of published tasks, by lm-eval."""
    input:
        model="models/{experiment}-{run}/model.safetensors",
        task_files=of_experiment(files.downstream_files),
    output:
        scores="results/{experiment}/{run}/lm_eval.json",
        answers="results/{experiment}/{run}/lm_eval_items.jsonl",
    log:
        "logs/evaluate_downstream/{experiment}-{run}.log",
    benchmark:
        "logs/evaluate_downstream/{experiment}-{run}.benchmark.jsonl"
    wildcard_constraints:
        experiment=one_of(study.with_setting("downstream")),
    conda:
        "../envs/downstream.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=lambda wildcards: 4000 + memory_of_evaluation(wildcards),  # lm-eval's tasks besides
        runtime=240,
    params:
        version=1,
        model=subpath(input.model, parent=True),
        settings=experiment_setting("downstream"),
        evaluation=experiment_setting("evaluation"),
    shell:
        f"python {script('evaluate_downstream')} "
        "--model {params.model:q} "
        "--settings {params.settings:q} "
        "--evaluation {params.evaluation:q} "
        "--threads {threads} "
        "--output {output.scores:q} "
        "--items {output.answers:q} "
        "2> {log:q}"


rule correlate_downstream:
    """Correlate the losses of all full-size runs with their scores on downstream tasks."""
    input:
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.compared),
        downstream=of_each_run("results/{experiment}/{run}/lm_eval.json", Experiment.compared),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.compared),
        script=script_file("correlate_downstream"),
        library=imports_of("correlate_downstream"),
    output:
        "results/{experiment}/downstream.json",
    log:
        "logs/correlate_downstream/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_setting("downstream")),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=runs_of(Experiment.compared),
        mixtures=mixtures_of_runs(Experiment.compared),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--mixtures {params.mixtures:q} "
        "--perplexity {input.perplexity:q} "
        "--downstream {input.downstream:q} "
        "--records {input.records:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
