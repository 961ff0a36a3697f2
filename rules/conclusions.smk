"""What people look at to decide: the decision's page, figures of contributions, trade-offs and the search, metrics.

Makes results/{experiment}/decision.html, figures/{experiment}_{figure}.png, results/{experiment}-metrics.json and -metrics.md.
"""


rule present_decision:
    """Write the page that answers an experiment's question: decision, mixture, evidence, caveats."""
    input:
        recommendations="results/{experiment}/recommendations.json",
        budget="results/{experiment}/budget.json",
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.candidates),
        ledgers=of_experiment(files.ledgers),
        optimum=of_experiment(files.optimum),
        figures=of_experiment(files.decisive_figures),
        captions=lambda wildcards: [house(file) for file in files.captions(study[wildcards.experiment])],
        # Linked to, not read: the page stays as it is where one of them is made again.
        linked=lambda wildcards: [ancient(file) for file in files.further_conclusions(study[wildcards.experiment])],
        template=house("report/decision.html.jinja"),
        script=f"{SCRIPTS}/present_decision.py",
        library=imports_of("present_decision"),
    output:
        report(
            "results/{experiment}/decision.html",
            caption="../report/decision.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "decision"},
        ),
    log:
        "logs/present_decision/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        mixtures=mixtures_of_runs(Experiment.candidates),
    shell:
        "printf '%s\\0' "
        "--template {input.template:q} "
        "--recommendations {input.recommendations:q} "
        "--budget {input.budget:q} "
        "--mixtures {params.mixtures:q} "
        "--records {input.records:q} "
        "--ledgers {input.ledgers:q} "
        "--optimum {input.optimum:q} "
        "--figures {input.figures:q} "
        "--captions {input.captions:q} "
        "--linked {input.linked:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_contributions:
    """Draw how much each capability and each loss changes without each source."""
    input:
        contributions="results/{experiment}/contributions.json",
        script=f"{SCRIPTS}/plot_contributions.py",
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
        script=f"{SCRIPTS}/plot_pareto.py",
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


rule plot_optimizer:
    """Draw the search for the best mixture, and how well the surrogate predicts the proxies."""
    input:
        optimum=of_experiment(files.optimum),
        script=f"{SCRIPTS}/plot_optimizer.py",
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
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.optimum:q} " "--output {output:q} " "2> {log:q}"


rule plot_surface:
    """Draw the surrogate's surface over mixtures, with its runs, the optimum and what cannot be told from it."""
    input:
        surface="results/{experiment}/surface.json",
        script=f"{SCRIPTS}/plot_surface.py",
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
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.surface:q} " "--output {output:q} " "2> {log:q}"


rule summarize_metrics:
    """Hold the runs of the strategies against the experiment's limits and published results; collect their texts."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.strategies),
        logs=of_each_run("models/{experiment}-{run}/training_log.jsonl", Experiment.strategies),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.strategies),
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", Experiment.strategies),
        generations=of_each_run("results/{experiment}/{run}/generations.jsonl", Experiment.strategies),
        tasks=of_each_run_with_downstream("results/{experiment}/{run}/lm_eval.json", Experiment.strategies),
        published=of_experiment(files.published_results),
        script=f"{SCRIPTS}/summarize_metrics.py",
        library=imports_of("summarize_metrics"),
    output:
        json="results/{experiment}-metrics.json",
        texts="results/{experiment}-generations.txt",
        markdown=report(
            "results/{experiment}-metrics.md",
            caption="../report/metrics.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "metrics"},
        ),
    log:
        "logs/summarize_metrics/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_setting("metrics")),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=experiment_setting("title"),
        limits=json_of_experiment(Experiment.limits),
        runs=runs_of(Experiment.strategies),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--title {params.title:q} "
        "--limits {params.limits:q} "
        "--published {input.published:q} "
        "--runs {params.runs:q} "
        "--records {input.records:q} "
        "--logs {input.logs:q} "
        "--perplexity {input.perplexity:q} "
        "--capabilities {input.capabilities:q} "
        "--generations {input.generations:q} "
        "--tasks {input.tasks:q} "
        "--json {output.json:q} "
        "--markdown {output.markdown:q} "
        "--texts {output.texts:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
