"""Sources on the Hugging Face hub."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.sources.rows import write_parquet


def download(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """A seeded sample of a hub dataset, streamed; the revision asked for is resolved to a commit and recorded."""
    import datasets
    import huggingface_hub

    token = os.environ.get("HF_TOKEN")
    where = f"sources.{name}"
    try:
        found = huggingface_hub.HfApi(token=token).dataset_info(source["id"], revision=source.get("revision"))
        stream = datasets.load_dataset(
            source["id"], source.get("config"), split=source["split"], revision=found.sha, streaming=True, token=token
        )
        stream = stream.shuffle(seed=source["seed"], buffer_size=source["shuffle_buffer"])
        schema = stream.features.arrow_schema if stream.features else None
        files = write_parquet(itertools.islice(stream, source["documents"]), folder, schema)
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise UserError(f"{where}: the hub dataset '{source['id']}' could not be read: {error}") from error
    origin = {"kind": "hub", "id": source["id"], "config": source.get("config"), "split": source["split"]}
    return files, {**origin, "revision": found.sha, "documents": source["documents"], "seed": source["seed"]}
