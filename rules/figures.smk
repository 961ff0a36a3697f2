"""Figures: each from the files of an experiment or a study, redrawn when its data, script or module changes.

Makes figures/{experiment}_{figure}.png and figures/{study}_law_fits.png.
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


rule plot_static_law:
    """Draw the losses of a sweep with the fitted static law, on a logarithmic scale."""
    input:
        law="law_results/{experiment}/static_law.json",
        script=script_file("plot_static_law"),
        library=imports_of("plot_static_law"),
    output:
        report(
            "figures/{experiment}_static_law.png",
            caption="../report/static_law.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "static law"},
        ),
    log:
        "logs/plot_static_law/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("static_law"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_dynamic_law:
    """Draw the losses of branches with the fitted dynamic law."""
    input:
        law="law_results/{experiment}/dynamic_law.json",
        script=script_file("plot_dynamic_law"),
        library=imports_of("plot_dynamic_law"),
    output:
        report(
            "figures/{experiment}_dynamic_law.png",
            caption="../report/dynamic_law.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "dynamic law"},
        ),
    log:
        "logs/plot_dynamic_law/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("dynamic_law"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_effects:
    """Draw the effects of sources over time, and what a diagonal matrix of them leaves out."""
    input:
        law="law_results/{experiment}/dynamic_law.json",
        script=script_file("plot_effects"),
        library=imports_of("plot_effects"),
    output:
        report(
            "figures/{experiment}_effects.png",
            caption="../report/effects.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "effects"},
        ),
    log:
        "logs/plot_effects/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("effects"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.law:q} " "--output {output:q} " "2> {log:q}"


rule plot_similarity:
    """Draw how alike methods' effects and the fitted ones are, against how much better than stratified they are."""
    input:
        similarity="law_results/{experiment}/similarity.json",
        script=script_file("plot_similarity"),
        library=imports_of("plot_similarity"),
    output:
        report(
            "figures/{experiment}_similarity.png",
            caption="../report/similarity.rst",
            category="Laws",
            labels={"experiment": "{experiment}", "figure": "similarity"},
        ),
    log:
        "logs/plot_similarity/{experiment}.log",
    wildcard_constraints:
        experiment=drawing("similarity"),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} " "--input {input.similarity:q} " "--output {output:q} " "2> {log:q}"


rule plot_law_fits:
    """Draw how well the laws hold in every setting of a study, beside the noise of its runs."""
    input:
        static=laws_of_study("static_law"),
        dynamic=laws_of_study("dynamic_law"),
        script=script_file("plot_law_fits"),
        library=imports_of("plot_law_fits"),
    output:
        report(
            "figures/{study}_law_fits.png",
            caption="../report/law_fits.rst",
            category="Laws",
            labels={"experiment": "{study}", "figure": "fits"},
        ),
    log:
        "logs/plot_law_fits/{study}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=study_setting("title"),
        labels=labels_of_study,
        # Of the first table: one figure has room for one pair of lines.
        published=lambda wildcards: canonical_json(config["law_studies"][wildcards.study]["tables"][0]["published"]),
    shell:
        "printf '%s\\0' "
        "--static {input.static:q} "
        "--dynamic {input.dynamic:q} "
        "--labels {params.labels:q} "
        "--published {params.published:q} "
        "--title {params.title:q} "
        "--output {output:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"
