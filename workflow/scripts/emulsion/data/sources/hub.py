"""Sources on the Hugging Face hub: a seeded sample of one split at one commit, in its native schema."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from emulsion.data.sources.draws import BYTES_PER_TOKEN, Limit
from emulsion.data.sources.hub_errors import in_words
from emulsion.data.sources.hub_plan import resolve
from emulsion.data.sources.journal import Journal
from emulsion.data.sources.row_files import fetch_row_files
from emulsion.data.sources.row_groups import fetch_row_groups
from emulsion.data.sources.transfer import progress_bar, start_session
from emulsion.errors import UserError

FORMAT = 1  # of the parts: raised where the same request comes to other rows, so that no folder mixes both


def download(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Fetch a seeded sample of a hub dataset; a try that was cut off goes on where it was, at the same commit.

    source: {id, config, split, revision, seed, and `documents` or `tokens`}; tokens are estimated at BYTES_PER_TOKEN
    bytes of text each, for no tokenizer exists yet. HF_TOKEN is read from the environment and written nowhere.
    """
    start_session()
    limit = Limit.of(name, source)
    asked = {key: source.get(key) for key in ("id", "config", "split", "revision", "documents", "tokens", "seed")}
    reading = {key: source.get(key) for key in ("schema", "text_field")} if limit.unit != "documents" else {}
    journal = Journal.open(folder, {**asked, **reading, "format": FORMAT}, partial(resolve, name, source))
    plan = journal.plan
    parquet = plan["files"][0]["path"].endswith(".parquet")
    with (
        in_words(f"sources.{name}", plan["id"], plan["revision"]),
        progress_bar(name, limit.amount, " " + limit.unit, initial=journal.size) as bar,
    ):
        taken = (fetch_row_groups if parquet else fetch_row_files)(name, source, journal, limit, bar)
    documents = sum(part["rows"] for part in journal.parts)
    if not documents:
        raise UserError(f"sources.{name}: split '{source['split']}' of '{plan['id']}' has no rows.")
    if journal.size < limit.amount:
        logging.warning(
            "%s: all of it is %d documents, %d %s of %d asked for",
            name,
            documents,
            journal.size,
            limit.unit,
            limit.amount,
        )
    origin = {
        "kind": "hub",
        "id": plan["id"],
        "config": source.get("config"),
        "split": source["split"],
        "revision": plan["revision"],
        "revision_asked_for": source.get("revision"),
        "documents": documents,
        "limit": {key: source[key] for key in ("documents", "tokens") if source.get(key) is not None},
        "seed": source["seed"],
        "sampled": f"{taken} {'row groups' if parquet else 'files'} in seeded order, of {len(plan['files'])} files",
    }
    origin["rows"] = {part["name"]: part["rows"] for part in journal.parts}
    if limit.unit != "documents":
        origin["text_bytes"], origin["bytes_per_token"] = journal.size, BYTES_PER_TOKEN
    return [folder / part["name"] for part in journal.parts], origin
