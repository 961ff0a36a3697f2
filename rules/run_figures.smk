"""Figures of runs: scores, losses, training and mixtures, redrawn when their data, script or module changes.

Makes figures/{experiment}_{figure}.png.
"""


rule plot_capability_heatmap:
    """Draw capability scores, mixtures by capabilities, with their intervals."""
    input:
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", Experiment.candidates),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.candidates),
        script=script_file("plot_capability_heatmap"),
        library=imports_of("plot_capability_heatmap"),
    output:
        report(
            "figures/{experiment}_capability_heatmap.png",
            caption="../report/capability_heatmap.rst",
            category="Capabilities",
            labels={"experiment": "{experiment}", "figure": "heatmap"},
        ),
    log:
        "logs/plot_capability_heatmap/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("capability_heatmap"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=mixtures_of_runs(Experiment.candidates),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.capabilities:q} "
        "--records {input.records:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_capability_radar:
    """Draw the capability profile of each mixture."""
    input:
        capabilities=of_each_run("results/{experiment}/{run}/capabilities.json", Experiment.candidates),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.candidates),
        script=script_file("plot_capability_radar"),
        library=imports_of("plot_capability_radar"),
    output:
        report(
            "figures/{experiment}_capability_radar.png",
            caption="../report/capability_radar.rst",
            category="Capabilities",
            labels={"experiment": "{experiment}", "figure": "radar"},
        ),
    log:
        "logs/plot_capability_radar/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("capability_radar"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=mixtures_of_runs(Experiment.candidates),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.capabilities:q} "
        "--records {input.records:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_losses:
    """Draw losses on test text by source and mixture, as differences to the even mixture."""
    input:
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.concluded),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.concluded),
        stores=of_experiment(files.token_stores),
        script=script_file("plot_losses"),
        library=imports_of("plot_losses"),
    output:
        report(
            "figures/{experiment}_losses.png",
            caption="../report/losses.rst",
            category="Losses",
            labels={"experiment": "{experiment}", "figure": "losses"},
        ),
    log:
        "logs/plot_losses/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("losses"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        groups=json_of_experiment(Experiment.groups),
        mixtures=mixtures_of_runs(Experiment.concluded),
        seeds=seeds_of_runs(Experiment.concluded),
    shell:
        "printf '%s\\0' "
        "--groups {params.groups:q} "
        "--mixtures {params.mixtures:q} "
        "--seeds {params.seeds} "
        "--perplexity {input.perplexity:q} "
        "--records {input.records:q} "
        "--stores {input.stores:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_training_curves:
    """Draw training loss and the validation loss on each source over the run."""
    input:
        logs=of_each_run("models/{experiment}-{run}/training_log.jsonl", Experiment.candidates),
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.candidates),
        script=script_file("plot_training_curves"),
        library=imports_of("plot_training_curves"),
    output:
        report(
            "figures/{experiment}_training_curves.png",
            caption="../report/training_curves.rst",
            category="Training",
            labels={"experiment": "{experiment}", "figure": "training curves"},
        ),
    log:
        "logs/plot_training_curves/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("training_curves"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=mixtures_of_runs(Experiment.candidates),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.logs:q} "
        "--records {input.records:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_mixtures:
    """Draw what each mixture asks for and what its run draws from each source."""
    input:
        infos=of_experiment(files.infos_of_candidates),
        script=script_file("plot_mixtures"),
        library=imports_of("plot_mixtures"),
    output:
        report(
            "figures/{experiment}_mixtures.png",
            caption="../report/mixtures.rst",
            category="Mixtures",
            labels={"experiment": "{experiment}", "figure": "mixtures"},
        ),
    log:
        "logs/plot_mixtures/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("mixtures"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=of_experiment(Experiment.candidates),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.infos:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_schedule:
    """Draw the shares of sources over the run, stage by stage, with the boundaries between stages."""
    input:
        infos=of_experiment(files.infos_of_candidates),
        script=script_file("plot_schedule"),
        library=imports_of("plot_schedule"),
    output:
        report(
            "figures/{experiment}_schedule.png",
            caption="../report/schedule.rst",
            category="Mixtures",
            labels={"experiment": "{experiment}", "figure": "schedule"},
        ),
    log:
        "logs/plot_schedule/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("schedule"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=of_experiment(Experiment.candidates),
        types=json_from_config(catalogue.types_of_sources, "experiment"),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.infos:q} "
        "--types {params.types:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule plot_trajectories:
    """Draw the mixtures that online methods decided on over their runs."""
    input:
        logs=of_each_run("models/{experiment}-{run}/training_log.jsonl", Experiment.deciding),
        script=script_file("plot_trajectories"),
        library=imports_of("plot_trajectories"),
    output:
        report(
            "figures/{experiment}_trajectories.png",
            caption="../report/trajectories.rst",
            category="Mixtures",
            labels={"experiment": "{experiment}", "figure": "trajectories"},
        ),
    log:
        "logs/plot_trajectories/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("trajectories"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        runs=mixtures_of_runs(Experiment.deciding),
    shell:
        "printf '%s\\0' "
        "--runs {params.runs:q} "
        "--inputs {input.logs:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
