"""Downstream tasks by lm-eval, for the experiments that ask for them. Optional: it needs a package of its own.

Makes results/{experiment}/{run}/lm_eval.json and results/{experiment}/downstream.json.
"""


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
        mem_mb=8000,
        runtime=240,
    params:
        recipe=1,
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
        script=f"{SCRIPTS}/correlate_downstream.py",
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
