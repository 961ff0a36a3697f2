"""Training: a mixture file, or an online method, becomes a model; a swarm becomes losses.

Makes models/{experiment}-{run}/, results/{experiment}/swarms/{swarm}/ and, where it is asked for,
results/{experiment}/{run}/smoke.json. A run that is cut off resumes from checkpoints/{experiment}-{run}/, a swarm from
checkpoints/swarms/; no rule declares them, for Snakemake deletes what a failed job was to make.
"""


rule check_training:
    """Train the first steps of a run on its own data and stop: does the loss fall, and what does it take?"""
    input:
        mixture=of_experiment(files.mixture_file, "run"),
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_run, "run"),
    output:
        "results/{experiment}/{run}/smoke.json",
    log:
        "logs/check_training/{experiment}-{run}.log",
    wildcard_constraints:
        experiment=one_of(study.with_setting("smoke")),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        nodes=1,
        mem_mb=memory_of_training(Experiment.size_of_run, "run"),
        runtime=60,
        micro_batch=micro_batch_of(Experiment.size_of_run, "run"),
        sharding=sharding_of(Experiment.size_of_run, "run"),
    params:
        spec=json_of_experiment(Experiment.spec, "run"),
        tokenizer=subpath(input.tokenizer, parent=True),
        steps=of_experiment(lambda experiment: experiment.smoke()["steps"]),
        least_fall=of_experiment(lambda experiment: experiment.smoke()["least_fall"]),
    shell:
        f"python {script('check_training')} "
        "--mixture {input.mixture:q} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--spec {params.spec:q} "
        "--steps {params.steps} "
        "--least-fall {params.least_fall} "
        "--micro-batch {resources.micro_batch} "
        "--sharding {resources.sharding} "
        "--threads {threads} "
        "--processes {resources.gpu} "
        "--nodes {resources.nodes} "
        "--work checkpoints/{wildcards.experiment}-{wildcards.run}-smoke "
        "--output {output:q} "
        "2> {log:q}"


rule fetch_weights:
    """Fetch the weights that training starts from, at a revision that is resolved once."""
    output:
        weights="data/weights/{model}/model.safetensors",
        config="data/weights/{model}/config.json",
        provenance="data/weights/{model}/provenance.json",
    log:
        "logs/fetch_weights/{model}.log",
    wildcard_constraints:
        model=one_of(paths.weights_on_the_hub(config)),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        version=1,
        identifier=lookup(dpath="models/{model}/weights/id", within=config),
        revision=lambda wildcards: config["models"][wildcards.model]["weights"].get("revision", "main"),
        folder=subpath(output.weights, parent=True),
    shell:
        f"python {script('fetch_weights')} "
        "--id {params.identifier:q} "
        "--revision {params.revision:q} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule train:
    """Train one model on a mixture; a change of its mixture, data or spec trains it again, and nothing else."""
    input:
        mixture=of_experiment(files.mixture_file, "run"),
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_run, "run"),
    output:
        model="models/{experiment}-{run}/model.safetensors",
        config="models/{experiment}-{run}/config.json",
        tokenizer="models/{experiment}-{run}/tokenizer.json",
        record="models/{experiment}-{run}/run.json",
        log="models/{experiment}-{run}/training_log.jsonl",
        card="models/{experiment}-{run}/README.md",
    log:
        "logs/train/{experiment}-{run}.log",
    benchmark:
        "logs/train/{experiment}-{run}.benchmark.jsonl"
    wildcard_constraints:
        run=of_its_experiment(Experiment.trained_fixed),
    retries: RETRIES
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        nodes=1,
        mem_mb=memory_of_training(Experiment.size_of_run, "run"),
        runtime=240,  # not more at each try, for the next one resumes
        # Not params, for these may change without training again.
        micro_batch=micro_batch_of(Experiment.size_of_run, "run"),
        sharding=sharding_of(Experiment.size_of_run, "run"),
        max_epochs=of_experiment(lambda experiment: experiment.max_epochs),
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
        smoke_steps=of_experiment(lambda experiment: experiment.smoke()["steps"]),
        smoke_fall=of_experiment(lambda experiment: str(experiment.smoke()["least_fall"])),
    params:
        spec=json_of_experiment(Experiment.spec, "run"),
        again=of_experiment(files.trained_again, "run"),
        tokenizer=subpath(input.tokenizer, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        f"python {script('train')} "
        "--mixture {input.mixture:q} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--spec {params.spec:q} "
        "--output {params.folder:q} "
        "--checkpoints checkpoints/{wildcards.experiment}-{wildcards.run} "
        "--micro-batch {resources.micro_batch} "
        "--sharding {resources.sharding} "
        "--max-epochs {resources.max_epochs} "
        "--on-excess {resources.on_excess} "
        "--smoke-steps {resources.smoke_steps} "
        "--smoke-fall {resources.smoke_fall} "
        "{params.again} "
        "${{SLURM_JOB_ID:+--minutes {resources.runtime}}} "
        "--threads {threads} "
        "--processes {resources.gpu} "
        "--nodes {resources.nodes} "
        "2> {log:q}"


rule train_online:
    """Train one model on an online method, which decides the mixture while it trains."""
    input:
        swarm=of_experiment(files.swarm_of_run, "run"),
        after=of_experiment(files.mixture_before, "run"),
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_run, "run"),
    output:
        model="models/{experiment}-{run}/model.safetensors",
        config="models/{experiment}-{run}/config.json",
        tokenizer="models/{experiment}-{run}/tokenizer.json",
        record="models/{experiment}-{run}/run.json",
        log="models/{experiment}-{run}/training_log.jsonl",
        card="models/{experiment}-{run}/README.md",
    log:
        "logs/train/{experiment}-{run}.log",
    benchmark:
        "logs/train/{experiment}-{run}.benchmark.jsonl"
    wildcard_constraints:
        run=of_its_experiment(Experiment.trained_online),
    retries: RETRIES
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        nodes=1,
        mem_mb=memory_of_training(Experiment.size_of_run, "run"),
        runtime=240,  # not more at each try, for the next one resumes
        micro_batch=micro_batch_of(Experiment.size_of_run, "run"),
        sharding=sharding_of(Experiment.size_of_run, "run"),
        max_epochs=of_experiment(lambda experiment: experiment.max_epochs),
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        spec=json_of_experiment(Experiment.spec, "run"),
        mixture=of_experiment(lambda experiment, run: experiment.run(run).entry.name, "run"),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, run: experiment.run(run).entry.method, "run"),
        after_share=of_experiment(files.share_before, "run"),
        limit=of_experiment(files.limit_of_run, "run"),  # another one trains again where it decides what is read
        tokenizer=subpath(input.tokenizer, parent=True),
        folder=subpath(output.model, parent=True),
    shell:
        f"python {script('train_online')} "
        "--experiment {wildcards.experiment} "
        "--name {params.mixture:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--after {input.after:q} "
        "--after-share {params.after_share} "
        "--max-epochs {resources.max_epochs} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--spec {params.spec:q} "
        "--output {params.folder:q} "
        "--checkpoints checkpoints/{wildcards.experiment}-{wildcards.run} "
        "--micro-batch {resources.micro_batch} "
        "--sharding {resources.sharding} "
        "--on-excess {resources.on_excess} "
        "${{SLURM_JOB_ID:+--minutes {resources.runtime}}} "
        "--threads {threads} "
        "--processes {resources.gpu} "
        "--nodes {resources.nodes} "
        "2> {log:q}"


rule train_swarm:
    """Train a batch of a swarm's runs and the branches that start from their states; keep results, not models."""
    input:
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_swarm, "swarm"),
        suites=made_or_given(of_experiment(files.suites_of_swarm, "swarm")),
    output:
        "results/{experiment}/swarms/{swarm}/{batch}.json",
    log:
        "logs/train_swarm/{experiment}-{swarm}-{batch}.log",
    benchmark:
        "logs/train_swarm/{experiment}-{swarm}-{batch}.benchmark.jsonl"
    retries: RETRIES
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory_of_training(Experiment.size_of_swarm, "swarm"),
        runtime=240,  # not more at each try, for the next one resumes
        micro_batch=micro_batch_of(Experiment.size_of_swarm, "swarm"),
        evaluation_batch=of_experiment(lambda experiment: experiment.settings["evaluation"]["batch"]),
        max_epochs=of_experiment(lambda experiment: experiment.max_epochs),
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=2,
        spec=spec_of(Experiment.size_of_swarm, "swarm"),
        sources=of_experiment(lambda experiment: experiment.sources),
        points=json_of_experiment(lambda experiment, swarm: experiment.swarms[swarm].design, "swarm"),
        trunks=json_of_experiment(
            lambda experiment, swarm, batch: experiment.swarms[swarm].batch(batch), "swarm", "batch"
        ),
        branches=json_of_experiment(
            lambda experiment, swarm, batch: experiment.swarms[swarm].branches_of_batch(batch), "swarm", "batch"
        ),
        evaluation=json_of_experiment(Experiment.judging_of_swarm, "swarm"),
        tokens=of_experiment(files.tokens_of_swarm, "swarm"),
        limit=of_experiment(files.limit_of_swarm, "swarm"),
        tokenizer=subpath(input.tokenizer, parent=True),
    shell:
        "printf '%s\\0' "
        "--experiment {wildcards.experiment} "
        "--swarm {wildcards.swarm} "
        "--sources {params.sources:q} "
        "--points {params.points:q} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--suites {input.suites:q} "
        "--spec {params.spec:q} "
        "--trunks {params.trunks:q} "
        "--branches {params.branches:q} "
        "--evaluation {params.evaluation:q} "
        "--evaluation-batch {resources.evaluation_batch} "
        "{params.tokens} "
        "--checkpoints checkpoints/swarms "
        "--micro-batch {resources.micro_batch} "
        "--max-epochs {resources.max_epochs} "
        "--on-excess {resources.on_excess} "
        "${{SLURM_JOB_ID:+--minutes {resources.runtime}}} "
        "--threads {threads} "
        "--output {output:q} "
        f"| python {script('train_swarm')} @- "
        "2> {log:q}"


rule branch_method:
    """Train an online method's run again up to states in which it decided, and short branches from there."""
    input:
        record="models/{experiment}-{run}/run.json",
        swarm=of_experiment(files.swarm_of_run, "run"),
        after=of_experiment(files.mixture_before, "run"),
        stores=of_experiment(files.token_stores),
        tokenizer=of_experiment(files.tokenizer_definition),
        weights=weights_of(Experiment.size_of_run, "run"),
    output:
        "results/{experiment}/branches/{run}.json",
    log:
        "logs/branch_method/{experiment}-{run}.log",
    benchmark:
        "logs/branch_method/{experiment}-{run}.benchmark.jsonl"
    wildcard_constraints:
        run=of_its_experiment(lambda experiment: Laws(experiment).all_branched_runs()),
    retries: RETRIES
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory_of_training(Experiment.size_of_run, "run"),
        runtime=240,  # not more at each try, for the next one resumes
        micro_batch=micro_batch_of(Experiment.size_of_run, "run"),
        max_epochs=of_experiment(lambda experiment: experiment.max_epochs),
        on_excess=of_experiment(lambda experiment: experiment.on_excess),
    params:
        version=1,
        spec=json_of_experiment(Experiment.spec, "run"),
        mixture=of_experiment(lambda experiment, run: experiment.run(run).entry.name, "run"),
        sources=of_experiment(lambda experiment: experiment.sources),
        method=json_of_experiment(lambda experiment, run: experiment.run(run).entry.method, "run"),
        after_share=of_experiment(files.share_before, "run"),
        limit=of_experiment(files.limit_of_run, "run"),  # another one trains again where it decides what is read
        points=json_of_experiment(lambda experiment: Laws(experiment).branch_points()),
        shares=of_experiment(lambda experiment: experiment.settings["parameters"]["shares"]),
        tokens=of_experiment(lambda experiment: experiment.settings["parameters"]["tokens"]),
        tokenizer=subpath(input.tokenizer, parent=True),
    shell:
        f"python {script('branch_method')} "
        "--experiment {wildcards.experiment} "
        "--name {params.mixture:q} "
        "--run {wildcards.run:q} "
        "--record {input.record:q} "
        "--sources {params.sources:q} "
        "--method {params.method:q} "
        "--swarm {input.swarm:q} "
        "--after {input.after:q} "
        "--after-share {params.after_share} "
        "--max-epochs {resources.max_epochs} "
        "--shares {params.shares} "
        "--branch-tokens {params.tokens} "
        "--points {params.points:q} "
        "--stores {input.stores:q} "
        "--tokenizer {params.tokenizer:q} "
        "--weights {input.weights:q} "
        "--spec {params.spec:q} "
        "--checkpoints checkpoints/branches "
        "--micro-batch {resources.micro_batch} "
        "--on-excess {resources.on_excess} "
        "${{SLURM_JOB_ID:+--minutes {resources.runtime}}} "
        "--threads {threads} "
        "--output {output:q} "
        "2> {log:q}"
