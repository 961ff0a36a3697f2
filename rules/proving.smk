"""The proving ground: every method in simulated worlds whose best mixture is known.

Makes results/proving_ground/methods.md and figures/proving_ground.png, for any configuration: it trains nothing, and no
experiment plays a part.
"""


rule prove_method:
    """Run one method in simulated worlds of every kind."""
    input:
        script=script_file("prove_method"),
        library=imports_of("prove_method"),
        method=imports_of_entrant,
    output:
        "results/proving_ground/{method}.json",
    log:
        "logs/prove_method/{method}.log",
    wildcard_constraints:
        method=one_of(config["proving_ground"]["methods"]),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        worlds=config["proving_ground"]["worlds"],
        seed=config["proving_ground"]["seed"],
    shell:
        "python {input.script:q} "
        "--method {wildcards.method} "
        "--worlds-each {params.worlds} "
        "--seed {params.seed} "
        "--output {output:q} "
        "2> {log:q}"


rule tabulate_proving_ground:
    """Tabulate the regret of all methods in simulated worlds against their cost."""
    input:
        trials=collect("results/proving_ground/{method}.json", method=config["proving_ground"]["methods"]),
        script=script_file("tabulate_proving_ground"),
        library=imports_of("tabulate_proving_ground"),
    output:
        csv="results/proving_ground/methods.csv",
        sources="results/proving_ground/by_sources.csv",
        page="results/proving_ground/methods.md",
    log:
        "logs/tabulate_proving_ground.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        seed=config["proving_ground"]["seed"],
    shell:
        "python {input.script:q} "
        "--trials {input.trials:q} "
        "--seed {params.seed} "
        "--csv {output.csv:q} "
        "--sources {output.sources:q} "
        "--output {output.page:q} "
        "2> {log:q}"


rule plot_proving_ground:
    """Draw the regret of all methods beside their cost, and by kind of world."""
    input:
        table="results/proving_ground/methods.csv",
        script=script_file("plot_proving_ground"),
        library=imports_of("plot_proving_ground"),
    output:
        report(
            "figures/proving_ground.png",
            caption="../report/proving_ground.rst",
            category="Conclusions",
            labels={"experiment": "simulated worlds", "figure": "methods"},
        ),
    log:
        "logs/plot_proving_ground.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.table:q} " "--output {output:q} " "2> {log:q}"
