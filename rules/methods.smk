"""Methods that learn from runs: they propose a mixture, say beforehand what it will reach, and are compared.

Makes mixtures/{experiment}/{mix}.json with results/{experiment}/{mix}_mix.json, what the choice rests on;
results/{experiment}/predictions.json, surface.json and methods.csv; and results/finished_runs/, from runs that were trained
elsewhere.
"""


rule propose_mixture:
    """Find a mixture from the runs of a swarm, and from others of their size."""
    input:
        swarm=of_experiment(files.swarm_of_mixture, "mix"),
        stores=of_experiment(files.token_stores),
        records=of_experiment(files.further_records, "mix"),
        capabilities=of_experiment(files.further_capabilities, "mix"),
    output:
        record="results/{experiment}/{mix}_mix.json",
        mixture="mixtures/{experiment}/{mix}.json",
    log:
        "logs/propose_mixture/{experiment}-{mix}.log",
    wildcard_constraints:
        mix=of_its_experiment(Experiment.proposed),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=of_experiment(job_memory.of_fitting),
        runtime=60,
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=5,
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, mix: experiment.entries[mix].method, "mix"),
        budget=of_experiment(files.budget),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--name {wildcards.mix:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--stores {input.stores:q} "
        "--records {input.records:q} "
        "--capabilities {input.capabilities:q} "
        "{params.budget} "
        "--on-excess {resources.on_excess} "
        "--output {output.record:q} "
        "--mixture {output.mixture:q} "
        f"| python {script('propose_mixture')} @- "
        "2> {log:q}"


rule search_mixture:
    """Search for a mixture with a small training at every evaluation; each is kept, so that a search resumes."""
    input:
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_search, "mix"),
        suites=made_or_given(of_experiment(files.suite_files)),
    output:
        record="results/{experiment}/{mix}_mix.json",
        mixture="mixtures/{experiment}/{mix}.json",
    log:
        "logs/search_mixture/{experiment}-{mix}.log",
    wildcard_constraints:
        mix=of_its_experiment(Experiment.searched),
    retries: RETRIES
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory_of_training(Experiment.size_of_search, "mix"),
        runtime=720,
        micro_batch=micro_batch_of(Experiment.size_of_search, "mix"),
        evaluation_batch=of_experiment(lambda experiment: experiment.settings["evaluation"]["batch"]),
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=2,
        tokenizer=subpath(input.tokenizer, parent=True),
        spec=spec_of(Experiment.size_of_search, "mix"),
        evaluation=json_of_experiment(Experiment.judging),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, mix: experiment.entries[mix].method, "mix"),
        budget=of_experiment(files.budget),
    shell:
        f"python {script('search_mixture')} "
        "--experiment {wildcards.experiment} "
        "--name {wildcards.mix:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--suites {input.suites:q} "
        "--spec {params.spec:q} "
        "--evaluation {params.evaluation:q} "
        "--evaluation-batch {resources.evaluation_batch} "
        "{params.budget} "
        "--micro-batch {resources.micro_batch} "
        "--on-excess {resources.on_excess} "
        "--threads {threads} "
        "${{SLURM_JOB_ID:+--minutes {resources.runtime}}} "
        "--checkpoints checkpoints/swarms "
        "--output {output.record:q} "
        "--mixture {output.mixture:q} "
        "2> {log:q}"


rule predict_mixtures:
    """Say what the optimum and every other candidate will score, from nothing that the optimum's runs come to."""
    input:
        swarm=of_experiment(lambda experiment: files.swarm_of_mixture(experiment, experiment.optimum())),
        stores=of_experiment(files.token_stores),
        records=of_experiment(lambda experiment: files.further_records(experiment, experiment.optimum())),
        capabilities=of_experiment(lambda experiment: files.further_capabilities(experiment, experiment.optimum())),
        mixtures=of_experiment(files.predicted_mixtures),
    output:
        "results/{experiment}/predictions.json",
    log:
        "logs/predict_mixtures/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(name for name in config["experiments"] if files.predicts(study[name])),
    # Before the optimum is trained. As an input of its training it would train it again with each other strategy, and
    # an input that is ancient keeps Snakemake from comparing what comes after the training with its records.
    priority: 2
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=of_experiment(job_memory.of_fitting),
        runtime=60,
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=3,
        optimum=of_experiment(Experiment.optimum),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment: experiment.entries[experiment.optimum()].method),
        budget=of_experiment(files.budget),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--name {params.optimum:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--stores {input.stores:q} "
        "--records {input.records:q} "
        "--capabilities {input.capabilities:q} "
        "--mixtures {input.mixtures:q} "
        "{params.budget} "
        "--on-excess {resources.on_excess} "
        "--output {output:q} "
        f"| python {script('predict_mixtures')} @- "
        "2> {log:q}"


rule map_surface:
    """Map the surrogate that the optimum was found on: its values, and the mixtures it cannot tell from the best."""
    input:
        swarm=of_experiment(lambda experiment: files.swarm_of_mixture(experiment, experiment.optimum())),
        stores=of_experiment(files.token_stores),
        records=of_experiment(lambda experiment: files.further_records(experiment, experiment.optimum())),
        capabilities=of_experiment(lambda experiment: files.further_capabilities(experiment, experiment.optimum())),
    output:
        "results/{experiment}/surface.json",
    log:
        "logs/map_surface/{experiment}.log",
    wildcard_constraints:
        experiment=one_of(name for name in config["experiments"] if files.predicts(study[name])),
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=of_experiment(job_memory.of_fitting),
        runtime=60,
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=3,
        optimum=of_experiment(Experiment.optimum),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment: experiment.entries[experiment.optimum()].method),
        budget=of_experiment(files.budget),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--name {params.optimum:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--stores {input.stores:q} "
        "--records {input.records:q} "
        "--capabilities {input.capabilities:q} "
        "{params.budget} "
        "--on-excess {resources.on_excess} "
        "--output {output:q} "
        f"| python {script('map_surface')} @- "
        "2> {log:q}"


rule compare_methods:
    """Compare strategies and methods by their losses on test text, against stratified sampling, with their costs."""
    input:
        records=of_each_run("models/{experiment}-{run}/run.json", Experiment.candidates),
        perplexity=of_each_run("results/{experiment}/{run}/perplexity.json", Experiment.candidates),
        guides=of_each_run("models/{experiment}-{run}/run.json", Experiment.guides),
        script=script_file("compare_methods"),
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
    wildcard_constraints:
        experiment=one_of(study.comparing()),
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=experiment_setting("title"),
        mixtures=mixtures_of_runs(Experiment.candidates),
        seeds=seeds_of_runs(Experiment.candidates),
        guides=json_of_experiment(files.guides),
        replays=json_of_experiment(Experiment.replays),
        weights=experiment_setting("loss_weights"),
    shell:
        "printf '%s\\0' "
        "--title {params.title:q} "
        "--mixtures {params.mixtures:q} "
        "--seeds {params.seeds} "
        "--records {input.records:q} "
        "--perplexity {input.perplexity:q} "
        "--guides {params.guides:q} "
        "--replays {params.replays:q} "
        "--weights {params.weights:q} "
        "--csv {output.csv:q} "
        "--json {output.json:q} "
        "--page {output.page:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule tabulate_methods:
    """Set the leaderboards of several settings side by side, in the form of the published tables."""
    input:
        boards=boards_of_comparison,
        script=script_file("tabulate_methods"),
        library=imports_of("tabulate_methods"),
    output:
        json="results/{comparison}/settings.json",
        page=report(
            "results/{comparison}/settings.md",
            caption="../report/method_settings.rst",
            category="Conclusions",
            labels={"experiment": "{comparison}", "figure": "methods over settings"},
        ),
    log:
        "logs/tabulate_methods/{comparison}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    params:
        title=comparison_setting("title"),
        settings=comparison_setting("settings"),
        prefixes=comparison_setting("prefixes"),
    shell:
        "printf '%s\\0' "
        "--title {params.title:q} "
        "--settings {params.settings:q} "
        "--prefixes {params.prefixes:q} "
        "--boards {input.boards:q} "
        "--json {output.json:q} "
        "--page {output.page:q} "
        "| python {input.script:q} @- "
        "2> {log:q}"


rule propose_from_runs:
    """Find a mixture from a table of runs that were trained elsewhere."""
    input:
        tables=lambda wildcards: local(config["finished_runs"][wildcards.table]["tables"]),
        curve=made_or_given(from_config(finished_runs_entry.curve_of, "table")),
        script=script_file("propose_from_runs"),
        library=imports_of("propose_from_runs"),
        method=lambda wildcards: imports_of_method(
            finished_runs_entry.method_of(config, wildcards.table, wildcards.proposal)["kind"]
        ),
    output:
        "results/finished_runs/{table}/{proposal}.json",
    log:
        "logs/propose_from_runs/{table}-{proposal}.log",
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        method=json_from_config(finished_runs_entry.method_of, "table", "proposal"),
        sizes=json_from_config(lambda config, table: config["finished_runs"][table]["sizes"], "table"),
        lengths=from_config(finished_runs_entry.options_of_lengths, "table"),
    shell:
        "python {input.script:q} "
        "--method {params.method:q} "
        "--tables {input.tables:q} "
        "--curve {input.curve:q} "
        "--sizes {params.sizes:q} "
        "{params.lengths:q} "
        "--output {output:q} "
        "2> {log:q}"


rule tabulate_proposals:
    """Set what methods propose from one table of finished runs side by side."""
    input:
        proposals=from_config(finished_runs_entry.proposals, "table"),
        script=script_file("tabulate_proposals"),
        library=imports_of("tabulate_proposals"),
    output:
        "results/finished_runs/{table}/proposals.md",
    log:
        "logs/tabulate_proposals/{table}.log",
    localrule: True
    conda:
        "../envs/analysis.yaml"
    shell:
        "python {input.script:q} "
        "--table {wildcards.table} "
        "--proposals {input.proposals:q} "
        "--output {output:q} "
        "2> {log:q}"
