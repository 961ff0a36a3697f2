"""Data: sources fetched in their native schema, normalised to one, cleaned and described.

Makes data/raw/{source}/, data/normalized/{source}.parquet, data/quarantine/{source}.jsonl and data/stats/{source}.json.
Normalising and cleaning work on shards of a source's files, as many as `sources.{source}.shards` says; what lies between the
steps is in data/shards/{source}/{shard}-of-{shards}/.
"""


rule fetch:
    """Fetch a source in its native schema, with a record of where it came from; resumes where it was cut off."""
    input:
        files=lambda wildcards: [local(file) for file in paths.local_inputs(config, wildcards.source)],
        groups=from_config(paths.groups_of_source, "source"),
    output:
        provenance="data/raw/{source}/provenance.json",
    log:
        "logs/fetch/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
        # No parameter: a corrected licence fetches nothing again.
        licence=from_config(catalogue.licence, "source"),
    params:
        version=1,
        source=json_from_config(catalogue.source_spec, "source"),
        folder=subpath(output.provenance, parent=True),
        groups=lambda wildcards, input: ["--groups", *input.groups] if input.groups else [],
    shell:
        f"python {script('fetch')} "
        "--name {wildcards.source:q} "
        "--source {params.source:q} "
        "--licence {resources.licence:q} "
        "{params.groups:q} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule split_groups:
    """Split a source into the groups that a field of its rows names, all in one pass."""
    input:
        raw="data/raw/{source}/provenance.json",
    output:
        manifest="data/groups/{source}/manifest.json",
    log:
        "logs/split_groups/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
        max_loss=from_config(catalogue.max_loss, "source"),  # not a param, for it may change without splitting again
    params:
        version=1,
        field=from_config(catalogue.group_field, "source"),
        folder=subpath(output.manifest, parent=True),
    shell:
        f"python {script('split_groups')} "
        "--raw {input.raw:q} "
        "--field {params.field:q} "
        "--max-loss {resources.max_loss} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule probe_sources:
    """Compare the columns of the sources on the hub with what the configuration expects; downloads no data."""
    output:
        "results/probe.md",
    log:
        "logs/probe_sources.log",
    localrule: True
    conda:
        "../envs/data.yaml"
    params:
        sources=json_from_config(catalogue.sources_to_probe),
    shell:
        f"python {script('probe_sources')} " "--sources {params.sources:q} " "> {output:q} " "2> {log:q}"


rule normalize:
    """Bring one shard to `id, text, source, type`, and drop what fails the filters; every row is accounted for."""
    input:
        raw="data/raw/{source}/provenance.json",
    output:
        documents=temp("data/shards/{source}/{shard}-of-{shards}/normalize.parquet"),
        quarantine=temp("data/shards/{source}/{shard}-of-{shards}/normalize.jsonl"),
        ledger=temp("data/shards/{source}/{shard}-of-{shards}/normalize.json"),
        signatures=temp("data/shards/{source}/{shard}-of-{shards}/signatures.parquet"),
    log:
        "logs/normalize/{source}-{shard}-of-{shards}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        version=5,
        type=from_config(lambda config, source: config["sources"][source]["type"], "source"),
        cleaning=json_from_config(catalogue.cleaning_spec, "source"),
        options=from_config(catalogue.schema_options, "source"),
        folder=subpath(output.documents, parent=True),
    shell:
        f"python {script('normalize')} "
        "--raw {input.raw:q} "
        "--type {params.type:q} "
        "{params.options:q} "
        "--shard {wildcards.shard} "
        "--shards {wildcards.shards} "
        "--cleaning {params.cleaning:q} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule join_signatures:
    """Put the signatures of a source's shards into one file: were each an input of every shard, n would make n² inputs."""
    input:
        shards=lambda wildcards: paths.shards(config, wildcards.source, "signatures.parquet"),
    output:
        "data/shards/{source}/signatures.parquet",
    log:
        "logs/join_signatures/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        version=1,
    shell:
        "printf '%s\\0' "
        "--shards {input.shards:q} "
        "--output {output:q} "
        f"| python {script('join_signatures')} @- "
        "2> {log:q}"


rule deduplicate:
    """Drop one shard's documents that repeat an earlier one of their source, or of one that takes precedence."""
    input:
        documents="data/shards/{source}/{shard}-of-{shards}/normalize.parquet",
        own=from_config(paths.signatures, "source"),
        earlier=from_config(paths.earlier_signatures, "source"),
    output:
        documents=temp("data/shards/{source}/{shard}-of-{shards}/deduplicate.parquet"),
        quarantine=temp("data/shards/{source}/{shard}-of-{shards}/deduplicate.jsonl"),
        ledger=temp("data/shards/{source}/{shard}-of-{shards}/deduplicate.json"),
        held_out=temp("data/shards/{source}/{shard}-of-{shards}/held_out.parquet"),
    log:
        "logs/deduplicate/{source}-{shard}-of-{shards}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        version=1,
        cleaning=json_from_config(catalogue.cleaning_spec, "source"),
        held_out=config["held_out"],
        folder=subpath(output.documents, parent=True),
    shell:
        "printf '%s\\0' "
        "--documents {input.documents:q} "
        "--source {wildcards.source:q} "
        "--shard {wildcards.shard} "
        "--own {input.own:q} "
        "--earlier {input.earlier:q} "
        "--cleaning {params.cleaning:q} "
        "--held-out {params.held_out} "
        "--output {params.folder:q} "
        f"| python {script('deduplicate')} @- "
        "2> {log:q}"


rule join_held_out:
    """Put together what is held out of a source's shards, for every shard of all sources that it must not be in."""
    input:
        shards=lambda wildcards: paths.shards(config, wildcards.source, "held_out.parquet"),
    output:
        "data/shards/{source}/held_out.parquet",
    log:
        "logs/join_held_out/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        version=1,
    shell:
        "printf '%s\\0' "
        "--shards {input.shards:q} "
        "--output {output:q} "
        f"| python {script('join_held_out')} @- "
        "2> {log:q}"


rule decontaminate:
    """Drop one shard's documents that share a run of words with what models are tested on."""
    input:
        documents="data/shards/{source}/{shard}-of-{shards}/deduplicate.parquet",
        held_out=from_config(paths.held_out_ngrams, "source"),
        suites=made_or_given(from_config(paths.suites_to_keep_out, "source")),
    output:
        documents=temp("data/shards/{source}/{shard}-of-{shards}/decontaminate.parquet"),
        quarantine=temp("data/shards/{source}/{shard}-of-{shards}/decontaminate.jsonl"),
        ledger=temp("data/shards/{source}/{shard}-of-{shards}/decontaminate.json"),
    log:
        "logs/decontaminate/{source}-{shard}-of-{shards}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        version=1,
        cleaning=json_from_config(catalogue.cleaning_spec, "source"),
        held_out=config["held_out"],
        folder=subpath(output.documents, parent=True),
    shell:
        "printf '%s\\0' "
        "--documents {input.documents:q} "
        "--ngrams {input.held_out:q} "
        "--suites {input.suites:q} "
        "--cleaning {params.cleaning:q} "
        "--held-out {params.held_out} "
        "--output {params.folder:q} "
        f"| python {script('decontaminate')} @- "
        "2> {log:q}"


rule gather:
    """Put the clean shards of a source together, with the account of every row."""
    input:
        documents=from_config(paths.clean_documents, "source"),
        quarantines=from_config(paths.quarantines, "source"),
        ledgers=from_config(paths.ledgers, "source"),
    output:
        documents="data/normalized/{source}.parquet",
        quarantine="data/quarantine/{source}.jsonl",
        ledger="data/ledgers/{source}.json",
    log:
        "logs/gather/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
        # Not params, for these may change without making it again.
        max_loss=from_config(catalogue.max_loss, "source"),
        max_copies=from_config(catalogue.max_copies, "source"),
    params:
        version=2,
        held_out=config["held_out"],
    shell:
        "printf '%s\\0' "
        "--held-out {params.held_out} "
        "--max-loss {resources.max_loss} "
        "--max-copies {resources.max_copies} "
        "--source {wildcards.source:q} "
        "--documents {input.documents:q} "
        "--quarantines {input.quarantines:q} "
        "--ledgers {input.ledgers:q} "
        "--output {output.documents:q} "
        "--quarantine {output.quarantine:q} "
        "--ledger {output.ledger:q} "
        f"| python {script('gather')} @- "
        "2> {log:q}"


rule describe_source:
    """Account for a source's rows, count its documents, words, bytes and tokens, and say how long its documents are."""
    input:
        documents="data/normalized/{source}.parquet",
        ledger="data/ledgers/{source}.json",
        stores=from_config(paths.token_stores_of_source, "source"),
        script=script_file("describe_source"),
        library=imports_of("describe_source"),
    output:
        "data/stats/{source}.json",
    log:
        "logs/describe_source/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        licence=from_config(catalogue.licence, "source"),
    shell:
        "python {input.script:q} "
        "--documents {input.documents:q} "
        "--ledger {input.ledger:q} "
        "--licence {params.licence:q} "
        "--stores {input.stores:q} "
        "--output {output:q} "
        "2> {log:q}"
