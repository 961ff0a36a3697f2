"""Ablations: what each source contributes, by leaving it out.

Makes results/{experiment}/contributions.json from the base mixture and the mixtures without one source.
"""


rule compare_ablations:
    """Measure how much each capability and each source's loss changes without each source."""
    input:
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", experiments.base_and_ablations),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", experiments.base_and_ablations),
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
        base=lookup(dpath="experiments/{experiment}/ablations/base", within=config),
        runs=runs_of(experiments.base_and_ablations),
        first_seed=experiment_setting("seeds", 0),
    shell:
        "python {input.script:q} --base {params.base:q} --runs {params.runs:q} --capabilities {input.capabilities:q} "
        "--perplexity {input.perplexity:q} --first-seed {params.first_seed} --output {output:q} 2> {log:q}"
