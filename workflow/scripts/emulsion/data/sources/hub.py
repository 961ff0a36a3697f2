"""Sources on the Hugging Face hub: a seeded sample of one split at one commit, and a look at its columns before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from emulsion.data.schemas import choose_kind, detect
from emulsion.data.sources.hub_draws import BYTES_PER_TOKEN, Limit
from emulsion.data.sources.hub_plan import HubFile, resolve
from emulsion.data.sources.hub_rows import fetch_row_files, fetch_row_groups
from emulsion.data.sources.network import in_words, progress_bar, start_session
from emulsion.data.sources.raw import RawFile, columns_of_first
from emulsion.data.sources.transfer import Download
from emulsion.errors import UserError

FORMAT = 1  # of the parts: raised where the same request comes to other rows, so that no folder mixes both
HEAD_BYTES = 1 << 20  # more of the first file is read only where the first rows are long
AS_EXPECTED = "as expected"


def download(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Fetch a seeded sample of a hub dataset; a try that was cut off is resumed, at the same commit.

    source: {id, config, split, revision, seed, and `documents` or `tokens`}; tokens are estimated at BYTES_PER_TOKEN
    bytes of text each, for no tokenizer exists yet. HF_TOKEN is read from the environment and written nowhere.
    """
    start_session()
    limit = Limit.of(name, source)
    asked = {key: source.get(key) for key in ("id", "config", "split", "revision", "documents", "tokens", "seed")}
    reading = {key: source.get(key) for key in ("schema", "text_field")} if limit.unit != "documents" else {}
    if reading and source.get("columns"):
        reading["columns"] = source["columns"]
    begun = Download.open(folder, {**asked, **reading, "format": FORMAT}, partial(resolve, name, source))
    plan = begun.plan
    parquet = plan["files"][0]["path"].endswith(".parquet")
    with (
        in_words(f"sources.{name}", plan["id"], plan["revision"]),
        progress_bar(name, limit.amount, " " + limit.unit, initial=begun.size) as bar,
    ):
        taken = (fetch_row_groups if parquet else fetch_row_files)(name, source, begun, limit, bar)
    documents = sum(part["rows"] for part in begun.parts)
    if not documents:
        raise UserError(f"sources.{name}: split '{source['split']}' of '{plan['id']}' has no rows.")
    if begun.size < limit.amount:
        logging.warning(
            "%s: all of it is %d documents, %d %s of %d asked for",
            name,
            documents,
            begun.size,
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
    origin["rows"] = {part["name"]: part["rows"] for part in begun.parts}
    if limit.unit != "documents":
        origin["text_bytes"], origin["bytes_per_token"] = begun.size, BYTES_PER_TOKEN
    return [folder / part["name"] for part in begun.parts], origin


@dataclass(frozen=True)
class Finding:
    """What a probe found of one source; verdict is AS_EXPECTED or the problem in words."""

    source: str
    id: str
    revision: str
    columns: tuple[str, ...]
    kind: str
    verdict: str


def probe(name: str, source: Mapping[str, Any]) -> Finding:
    """Compare one hub source with what its configuration expects.

    source: as for fetching, with `schema`, `text_field` and `columns` as the configuration has them. Reads the card,
    the listing and the footer or the first rows of the first file.
    """
    start_session()
    text_field, named = source.get("text_field"), source.get("columns") or {}
    try:
        plan = resolve(name, source)
        first = plan["files"][0]
        columns = columns_of_first(
            name, [RawFile(HubFile(name, plan, first, HEAD_BYTES), first["path"], first["bytes"])]
        )
    except UserError as error:
        return Finding(name, source["id"], source.get("revision") or "", (), "", str(error))
    found = detect(columns, text_field, named)
    try:
        choose_kind(columns, name, source.get("schema"), text_field, named)
        verdict = AS_EXPECTED
    except UserError as error:
        verdict = str(error)
    kind = found.name if found else "none"
    return Finding(name, plan["id"], plan["revision"], tuple(sorted(columns)), kind, verdict)


def table(findings: list[Finding]) -> str:
    """The findings as text: source | id | revision | columns | kind found | verdict."""
    rows = [("source", "id", "revision", "columns", "kind found", "verdict")]
    for each in findings:
        rows.append((each.source, each.id, each.revision[:8], " ".join(each.columns), each.kind, each.verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
    return "\n".join(" | ".join(line).rstrip() for line in lines)
