"""Conclusions: what an experiment will cost, what it did cost, and what it found.

Makes results/{experiment}/plan.md, budget.json, recommendations.json and recommendations.md.
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
        context=from_config(catalogue.longest_context, "experiment"),
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --plan {params.plan:q} "
        "--stores {input.stores:q} --ledgers {input.ledgers:q} --context {params.context} --output {output:q} 2> {log:q}"


rule account_budget:
    """Add up what an experiment cost, stage by stage, beside what was planned."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", experiments.trained),
        results=of_each_run("results/{experiment}/{run}/capabilities.json", experiments.trained),
        sweep=from_config(paths.sweep, "experiment"),
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
        runs=runs_of(experiments.trained),
        stages=stages_of,
    shell:
        "python {input.script:q} --plan {params.plan:q} --runs {params.runs:q} --records {input.records:q} "
        "--stages {params.stages:q} --sweep {input.sweep:q} --benchmarks logs "
        "--direct checkpoints/{wildcards.experiment}-direct --output {output:q} 2> {log:q}"


rule recommend:
    """Draw the conclusions: best mixtures, contributions, trade-offs, and the recipe to use."""
    input:
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", experiments.concluded),
        records=of_each_run("models/{experiment}-{run}/run.json", experiments.concluded),
        stores=from_config(paths.token_stores, "experiment"),
        heatmap="figures/{experiment}_capability_heatmap.png",
        contributions=from_config(paths.contributions, "experiment"),
        optimum=from_config(paths.optimum, "experiment"),
        repeated=of_each_run("models/{experiment}-{run}/run.json", experiments.repeated_pair),
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
        title=lookup(dpath="experiments/{experiment}/title", within=config),
        groups=json_from_config(experiments.groups, "experiment"),
        runs=runs_of(experiments.concluded),
        first_seed=experiment_setting("seeds", 0),
    shell:
        "python {input.script:q} --experiment {wildcards.experiment} --title {params.title:q} "
        "--groups {params.groups:q} --runs {params.runs:q} --capabilities {input.capabilities:q} "
        "--records {input.records:q} --first-seed {params.first_seed} --stores {input.stores:q} "
        "--contributions {input.contributions:q} --optimum {input.optimum:q} --repeated {input.repeated:q} "
        "--heatmap {input.heatmap:q} "
        "--json {output.json:q} --markdown {output.markdown:q} --answer {output.answer:q} 2> {log:q}"
