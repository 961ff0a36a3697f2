"""Sources: fetched in their native schema, normalised to one, and described.

Makes data/raw/{source}/, data/normalized/{source}.parquet, data/quarantine/{source}.jsonl and
data/stats/{source}.json.
"""


rule fetch:
    """Fetch a source in its native schema, with a record of where it came from."""
    input:
        files=from_config(paths.local_inputs, "source"),
    output:
        provenance="data/raw/{source}/provenance.json",
    log:
        "logs/fetch/{source}.log",
    retries: 2
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        recipe=1,
        source=json_from_config(experiments.source_spec, "source"),
        folder=subpath(output.provenance, parent=True),
    shell:
        "python workflow/scripts/fetch.py --name {wildcards.source:q} --source {params.source:q} "
        "--output {params.folder:q} 2> {log:q}"


rule normalize:
    """Bring a source to `id, text, source, type`; rows that cannot be rendered are set aside."""
    input:
        raw="data/raw/{source}/provenance.json",
    output:
        documents="data/normalized/{source}.parquet",
        quarantine="data/quarantine/{source}.jsonl",
    log:
        "logs/normalize/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        recipe=1,
        type=lookup(dpath="sources/{source}/type", within=config),
        options=from_config(experiments.schema_options, "source"),
    shell:
        "python workflow/scripts/normalize.py --raw {input.raw:q} --type {params.type:q} {params.options:q} "
        "--output {output.documents:q} --quarantine {output.quarantine:q} 2> {log:q}"


rule describe_source:
    """Count a source's documents, words, bytes and tokens, and measure how long its documents are."""
    input:
        documents="data/normalized/{source}.parquet",
        quarantine="data/quarantine/{source}.jsonl",
        stores=from_config(paths.token_stores_of_source, "source"),
        script="workflow/scripts/describe_source.py",
        library="workflow/scripts/emulsion/describe.py",
    output:
        "data/stats/{source}.json",
    log:
        "logs/describe_source/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "python {input.script:q} --documents {input.documents:q} --quarantine {input.quarantine:q} "
        "--stores {input.stores:q} --output {output:q} 2> {log:q}"
