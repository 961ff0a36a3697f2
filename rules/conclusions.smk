"""Conclusions: what an experiment will cost, what it did cost, and what it found.

Makes results/{experiment}/plan.md, budget.json, contributions.json, recommendations.json, recommendations.md and
decision.html, results/{experiment}-metrics.json and -metrics.md.
"""


rule plan_budget:
    """Say what an experiment will cost and what it can detect; trains nothing."""
    input:
        stores=token_stores_there_are,
        ledgers=ledgers_there_are,
        script=script_file("plan_budget"),
        library=imports_of("plan_budget"),
    output:
        "results/{experiment}/plan.md",
    log:
        "logs/plan_budget/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        plan=json_of_experiment(experiment_plan.plan_of),
        context=of_experiment(Experiment.longest_context),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--plan {params.plan:q} "
        "--stores {input.stores:q} "
        "--ledgers {input.ledgers:q} "
        "--context {params.context} "
        "--results results/{wildcards.experiment} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plan:
    """Print what the experiments will cost and what they can detect; trains nothing."""
    input:
        plans=collect("results/{experiment}/plan.md", experiment=planned),
        script=script_file("plan"),
        library=imports_of("plan"),
    log:
        "logs/plan.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--plans {input.plans:q} " "2> {log:q}"


rule account_budget:
    """Add up what an experiment cost, stage by stage, beside what was planned."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.trained),
        results=of_each_run("results/{experiment}/{run}/capabilities.json", Experiment.evaluated),
        swarms=of_experiment(files.swarms),
        branches=of_experiment(files.branches),
        searches=of_experiment(files.searches),
        script=script_file("account_budget"),
        library=imports_of("account_budget"),
    output:
        "results/{experiment}/budget.json",
    log:
        "logs/account_budget/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        plan=json_of_experiment(experiment_plan.plan_of),
        runs=runs_of(Experiment.trained),
        guides=runs_of(Experiment.guides),
        stages=json_of_experiment(budget.runs_of_stages),
    shell:
        "printf '%s\\0' "
        "--plan {params.plan:q} "
        "--runs {params.runs:q} "
        "--records {input.records:q} "
        "--guides {params.guides:q} "
        "--stages {params.stages:q} "
        "--swarms {input.swarms:q} "
        "--branches {input.branches:q} "
        "--searches {input.searches:q} "
        "--benchmarks logs "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule compare_ablations:
    """Measure how much each capability and each source's loss changes without each source."""
    input:
        capabilities=of_each_run_judged_by(
            "capabilities", "results/{experiment}/{run}/capabilities.json", Experiment.base_and_ablations
        ),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.base_and_ablations),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.base_and_ablations),
        script=script_file("compare_ablations"),
        library=imports_of("compare_ablations"),
    output:
        "results/{experiment}/contributions.json",
    log:
        "logs/compare_ablations/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.with_setting("ablations")),
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
        "--records {input.records:q} "
        "--weights {params.weights:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule recommend:
    """Draw the conclusions: best mixtures, contributions, trade-offs, and the recipe to use."""
    input:
        capabilities=of_each_run_judged_by(
            "capabilities", "results/{experiment}/{run}/capabilities.json", Experiment.concluded
        ),
        perplexity=of_each_run_judged_by("losses", "results/{experiment}/{run}/perplexity.json", Experiment.concluded),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.concluded),
        stores=of_experiment(files.token_stores),
        contributions=of_experiment(files.contributions),
        optimum=of_experiment(files.optimum),
        predictions=of_experiment(files.predictions),
        repeated=of_each_run("models/{experiment}-{run}/run.json", Experiment.repeated_pair),
        worlds=house("resources/proving_ground.csv"),
        trained=house("resources/trainings.csv"),
        script=script_file("recommend"),
        library=imports_of("recommend"),
    output:
        json="results/{experiment}/recommendations.json",
        answer="results/{experiment}/answer.rst",
        markdown=report(
            "results/{experiment}/recommendations.md",
            caption="../report/recommendations.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "recommendations"},
        ),
    log:
        "logs/recommend/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(study.comparing()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=experiment_setting("title"),
        groups=json_of_experiment(Experiment.groups),
        runs=runs_of(Experiment.concluded),
        mixtures=mixtures_of_runs(Experiment.concluded),
        seeds=seeds_of_runs(Experiment.concluded),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--title {params.title:q} "
        "--groups {params.groups:q} "
        "--runs {params.runs:q} "
        "--mixtures {params.mixtures:q} "
        "--seeds {params.seeds} "
        "--capabilities {input.capabilities:q} "
        "--perplexity {input.perplexity:q} "
        "--records {input.records:q} "
        "--stores {input.stores:q} "
        "--contributions {input.contributions:q} "
        "--optimum {input.optimum:q} "
        "--repeated {input.repeated:q} "
        "--predictions {input.predictions:q} "
        "--results results "
        "--worlds {input.worlds:q} "
        "--trained {input.trained:q} "
        "--json {output.json:q} "
        "--markdown {output.markdown:q} "
        "--answer {output.answer:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


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
        linked=of_experiment(files.further_conclusions),
        template=house("report/decision.html.jinja"),
        script=script_file("present_decision"),
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
    wildcard_constraints:
        experiment=one_of(study.comparing()),
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


rule summarize_metrics:
    """Hold the runs of the strategies against the experiment's limits and published results; collect their texts."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.strategies),
        logs=of_each_run("models/{experiment}-{run}/training_log.jsonl", Experiment.strategies),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.strategies),
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", Experiment.strategies),
        generations=of_each_run("results/{experiment}/{run}/generations.jsonl", Experiment.strategies),
        tasks=of_each_run_with_downstream("results/{experiment}/{run}/lm_eval.json", Experiment.strategies),
        published=made_or_given(of_experiment(files.published_results)),
        script=script_file("summarize_metrics"),
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
