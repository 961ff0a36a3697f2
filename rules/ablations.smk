"""Ablations: what each source contributes, by leaving it out.

Makes results/{experiment}/contributions.json from the base mixture and the mixtures without one source.
"""


rule compare_ablations:
    """Measure how much each capability and each source's loss changes without each source."""
    input:
        capabilities=of_each_run_judged_by(
            "capabilities", "results/{experiment}/{run}/capabilities.json", Experiment.base_and_ablations
        ),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.base_and_ablations),
        script=f"{SCRIPTS}/compare_ablations.py",
        library=imports_of("compare_ablations"),
    output:
        "results/{experiment}/contributions.json",
    log:
        "logs/compare_ablations/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        without=json_of_experiment(Experiment.left_out),
        mixtures=mixtures_of_runs(Experiment.base_and_ablations),
        seeds=seeds_of_runs(Experiment.base_and_ablations),
        weights=experiment_setting("loss_weights"),
    shell:
        "printf '%s\\0' "
        "--without {params.without:q} "
        "--mixtures {params.mixtures:q} "
        "--seeds {params.seeds} "
        "--capabilities {input.capabilities:q} "
        "--perplexity {input.perplexity:q} "
        "--weights {params.weights:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
