"""Tokens: tokenizers, and each source tokenised once and packed.

Makes data/tokenizers/{tokenizer}/ and data/tokens/{tokenizer}/{source}/. Tokenising works on the shards of a source; what
lies between the steps is in data/token_shards/{tokenizer}/{source}/{shard}-of-{shards}/.
"""


rule make_tokenizer:
    """Train a tokenizer on sources."""
    input:
        documents=from_config(paths.tokenizer_documents, "tokenizer"),
    output:
        definition="data/tokenizers/{tokenizer}/tokenizer.json",
        settings="data/tokenizers/{tokenizer}/tokenizer_config.json",
    log:
        "logs/make_tokenizer/{tokenizer}.log",
    wildcard_constraints:
        tokenizer=one_of(catalogue.tokenizers_of_kind(config, "bpe")),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        version=1,
        tokenizer=json_from_config(catalogue.tokenizer_spec, "tokenizer"),
        folder=subpath(output.definition, parent=True),
    shell:
        f"python {script('make_tokenizer')} "
        "--tokenizer {params.tokenizer:q} "
        "--documents {input.documents:q} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule fetch_tokenizer:
    """Take a pretrained tokenizer from the hub or a folder."""
    output:
        definition="data/tokenizers/{tokenizer}/tokenizer.json",
        settings="data/tokenizers/{tokenizer}/tokenizer_config.json",
    log:
        "logs/fetch_tokenizer/{tokenizer}.log",
    wildcard_constraints:
        tokenizer=one_of(catalogue.tokenizers_of_kind(config, "pretrained")),
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        version=1,
        tokenizer=json_from_config(catalogue.tokenizer_spec, "tokenizer"),
        folder=subpath(output.definition, parent=True),
    shell:
        f"python {script('fetch_tokenizer')} "
        "--name {wildcards.tokenizer:q} "
        "--tokenizer {params.tokenizer:q} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule tokenize_shard:
    """Tokenise one shard of a source."""
    input:
        documents="data/normalized/{source}.parquet",
        provenance="data/raw/{source}/provenance.json",
        tokenizer="data/tokenizers/{tokenizer}/tokenizer.json",
    output:
        header=temp("data/token_shards/{tokenizer}/{source}/{shard}-of-{shards}/header.json"),
        index=temp("data/token_shards/{tokenizer}/{source}/{shard}-of-{shards}/documents.parquet"),
        train=temp("data/token_shards/{tokenizer}/{source}/{shard}-of-{shards}/train.bin"),
        validation=temp("data/token_shards/{tokenizer}/{source}/{shard}-of-{shards}/validation.bin"),
        test=temp("data/token_shards/{tokenizer}/{source}/{shard}-of-{shards}/test.bin"),
    log:
        "logs/tokenize_shard/{tokenizer}/{source}-{shard}-of-{shards}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        version=1,
        tokenizer=subpath(input.tokenizer, parent=True),
        held_out=config["held_out"],
        folder=subpath(output.header, parent=True),
    shell:
        f"python {script('tokenize_shard')} "
        "--documents {input.documents:q} "
        "--provenance {input.provenance:q} "
        "--tokenizer {params.tokenizer:q} "
        "--shard {wildcards.shard} "
        "--shards {wildcards.shards} "
        "--held-out {params.held_out} "
        "--output {params.folder:q} "
        "2> {log:q}"


rule pack_tokens:
    """Join a source's tokenised shards into a memory-mapped store with its train, validation and test split."""
    input:
        shards=from_config(paths.token_shards, "tokenizer", "source"),
        contents=from_config(paths.token_shard_contents, "tokenizer", "source"),
        provenance="data/raw/{source}/provenance.json",
    output:
        header="data/tokens/{tokenizer}/{source}/header.json",
        index="data/tokens/{tokenizer}/{source}/documents.parquet",
        train="data/tokens/{tokenizer}/{source}/train.bin",
        validation="data/tokens/{tokenizer}/{source}/validation.bin",
        test="data/tokens/{tokenizer}/{source}/test.bin",
    log:
        "logs/pack_tokens/{tokenizer}/{source}.log",
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        version=1,
        folder=subpath(output.header, parent=True),
    shell:
        "printf '%s\\0' "
        "--shards {input.shards:q} "
        "--provenance {input.provenance:q} "
        "--output {params.folder:q} "
        f"| python {script('pack_tokens')} @- "
        "2> {log:q}"
