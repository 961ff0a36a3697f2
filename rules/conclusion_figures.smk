"""Figures of conclusions: what sources contribute, what mixtures trade off and cost, and the search for the best one.

Makes figures/{experiment}_{figure}.png and figures/{comparison}_settings.png.
"""


rule plot_contributions:
    """Draw how much each capability and each loss changes without each source."""
    input:
        contributions="results/{experiment}/contributions.json",
        script=script_file("plot_contributions"),
        library=imports_of("plot_contributions"),
    output:
        report(
            "figures/{experiment}_contributions.png",
            caption="../report/contributions.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "contributions"},
        ),
    log:
        "logs/plot_contributions/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("contributions"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.contributions:q} " "--output {output:q} " "2> {log:q}"


rule plot_pareto:
    """Draw the trade-off between capabilities, or losses, over the mixtures, and which of them nothing beats."""
    input:
        results=of_experiment(files.results_that_judge),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.concluded),
        script=script_file("plot_pareto"),
        library=imports_of("plot_pareto"),
    output:
        report(
            "figures/{experiment}_pareto.png",
            caption="../report/pareto.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "Pareto front"},
        ),
    log:
        "logs/plot_pareto/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("pareto"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=mixtures_of_runs(Experiment.concluded),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.results:q} "
        "--records {input.records:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_methods:
    """Draw mixtures against stratified sampling: differences of test perplexity and of each source's loss."""
    input:
        board="results/{experiment}/methods.json",
        script=script_file("plot_methods"),
        library=imports_of("plot_methods"),
    output:
        report(
            "figures/{experiment}_methods.png",
            caption="../report/method_differences.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "methods"},
        ),
    log:
        "logs/plot_methods/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("methods"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.board:q} " "--output {output:q} " "2> {log:q}"


rule plot_cost_pareto:
    """Draw what better mixtures cost, and which of them no cheaper one beats."""
    input:
        board="results/{experiment}/methods.json",
        script=script_file("plot_cost_pareto"),
        library=imports_of("plot_cost_pareto"),
    output:
        report(
            "figures/{experiment}_cost_pareto.png",
            caption="../report/cost_pareto.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "cost"},
        ),
    log:
        "logs/plot_cost_pareto/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("cost_pareto"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.board:q} " "--output {output:q} " "2> {log:q}"


rule plot_settings:
    """Draw methods against stratified sampling in several settings, and on average."""
    input:
        settings="results/{comparison}/settings.json",
        script=script_file("plot_settings"),
        library=imports_of("plot_settings"),
    output:
        report(
            "figures/{comparison}_settings.png",
            caption="../report/setting_differences.rst",
            category="Conclusions",
            labels={"experiment": "{comparison}", "figure": "methods over settings"},
        ),
    log:
        "logs/plot_settings/{comparison}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.settings:q} " "--output {output:q} " "2> {log:q}"


rule plot_optimizer:
    """Draw the search for the best mixture, and how well the surrogate predicts the runs of its swarm."""
    input:
        optimum=of_experiment(files.optimum),
        script=script_file("plot_optimizer"),
        library=imports_of("plot_optimizer"),
    output:
        report(
            "figures/{experiment}_optimizer.png",
            caption="../report/optimizer.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "optimiser"},
        ),
    log:
        "logs/plot_optimizer/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("optimizer"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.optimum:q} " "--output {output:q} " "2> {log:q}"


rule plot_surface:
    """Draw the surrogate's surface over mixtures, with its runs, the optimum and what cannot be told from it."""
    input:
        surface="results/{experiment}/surface.json",
        script=script_file("plot_surface"),
        library=imports_of("plot_surface"),
    output:
        report(
            "figures/{experiment}_surface.png",
            caption="../report/surface.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "surface"},
        ),
    log:
        "logs/plot_surface/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("surface"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.surface:q} " "--output {output:q} " "2> {log:q}"
