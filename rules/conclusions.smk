"""Figures of the conclusions: contributions, trade-offs, the search for the best mixture.

Makes figures/{experiment}_{figure}.png.
"""


rule plot_contributions:
    """Draw how much each capability and each loss changes without each source."""
    input:
        contributions="results/{experiment}/contributions.json",
        script="workflow/scripts/plot_contributions.py",
        library=[
            "workflow/scripts/emulsion/figures/contributions.py",
            "workflow/scripts/emulsion/figures/style.py",
        ],
    output:
        report(
            "figures/{experiment}_contributions.png",
            caption="../report/contributions.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "contributions"},
        ),
    log:
        "logs/plot_contributions/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} --input {input.contributions:q} --output {output:q} 2> {log:q}"


rule plot_pareto:
    """Draw the trade-off between capabilities over the mixtures, and which of them nothing beats."""
    input:
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", experiments.concluded),
        script="workflow/scripts/plot_pareto.py",
        library=[
            "workflow/scripts/emulsion/figures/pareto.py",
            "workflow/scripts/emulsion/figures/style.py",
        ],
    output:
        report(
            "figures/{experiment}_pareto.png",
            caption="../report/pareto.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "Pareto front"},
        ),
    log:
        "logs/plot_pareto/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=mixtures_of_runs(experiments.concluded),
    shell:
        "python {input.script:q} --runs {params.runs:q} --inputs {input.capabilities:q} --output {output:q} 2> {log:q}"


rule plot_optimizer:
    """Draw the search for the best mixture, and how well the surrogate predicts the proxies."""
    input:
        optimum="results/{experiment}/optimal_mix.json",
        script="workflow/scripts/plot_optimizer.py",
        library=[
            "workflow/scripts/emulsion/figures/optimizer.py",
            "workflow/scripts/emulsion/figures/style.py",
        ],
    output:
        report(
            "figures/{experiment}_optimizer.png",
            caption="../report/optimizer.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "optimiser"},
        ),
    log:
        "logs/plot_optimizer/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} --input {input.optimum:q} --output {output:q} 2> {log:q}"
