"""Conclusions: what an experiment will cost, what it did cost, and what it found.

Makes results/{experiment}/plan.md, budget.json, recommendations.json, recommendations.md and methods.csv.
"""


rule plan_budget:
    """Say what an experiment will cost and what it can detect; trains nothing."""
    input:
        stores=token_stores_there_are,
        ledgers=ledgers_there_are,
        script=f"{SCRIPTS}/plan_budget.py",
        library=imports_of("plan_budget"),
    output:
        "results/{experiment}/plan.md",
    log:
        "logs/plan_budget/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        plan=plan_of,
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
        script=f"{SCRIPTS}/plan.py",
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
        searches=of_experiment(files.searches),
        script=f"{SCRIPTS}/account_budget.py",
        library=imports_of("account_budget"),
    output:
        "results/{experiment}/budget.json",
    log:
        "logs/account_budget/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        plan=plan_of,
        runs=runs_of(Experiment.trained),
        stages=stages_of,
    shell:
        "printf '%s\\0' "
        "--plan {params.plan:q} "
        "--runs {params.runs:q} "
        "--records {input.records:q} "
        "--stages {params.stages:q} "
        "--swarms {input.swarms:q} "
        "--searches {input.searches:q} "
        "--benchmarks logs "
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
        script=f"{SCRIPTS}/recommend.py",
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
        "--json {output.json:q} "
        "--markdown {output.markdown:q} "
        "--answer {output.answer:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule compare_methods:
    """Compare strategies and methods by their losses on test text, against stratified sampling, with their costs."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.candidates),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.candidates),
        guides=of_each_run("models/{experiment}-{run}/run.json", Experiment.guides),
        script=f"{SCRIPTS}/compare_methods.py",
        library=imports_of("compare_methods"),
    output:
        csv="results/{experiment}/methods.csv",
        json="results/{experiment}/methods.json",
        page=report(
            "results/{experiment}/methods.md",
            caption="../report/methods.rst",
            category="Conclusions",
            labels={"experiment": "{experiment}", "figure": "methods"},
        ),
    log:
        "logs/compare_methods/{experiment}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=experiment_setting("title"),
        mixtures=mixtures_of_runs(Experiment.candidates),
        seeds=seeds_of_runs(Experiment.candidates),
        guides=json_of_experiment(files.guides),
        extra_tokens=json_of_experiment(Experiment.extra_tokens),
        weights=experiment_setting("loss_weights"),
    shell:
        "printf '%s\\0' "
        "--title {params.title:q} "
        "--mixtures {params.mixtures:q} "
        "--seeds {params.seeds} "
        "--records {input.records:q} "
        "--perplexity {input.perplexity:q} "
        "--guides {params.guides:q} "
        "--extra-tokens {params.extra_tokens:q} "
        "--weights {params.weights:q} "
        "--csv {output.csv:q} "
        "--json {output.json:q} "
        "--page {output.page:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
