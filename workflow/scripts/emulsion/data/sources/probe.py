"""Do the sources on the hub have the columns that the configuration expects? Asked before anything is downloaded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.data.normalize import choose_kind, detect
from emulsion.data.sources.draws import Columns
from emulsion.data.sources.hub_errors import in_words
from emulsion.data.sources.hub_plan import Plan, open_remote, resolve, row_suffix
from emulsion.data.sources.row_groups import columns_of_footer, footer
from emulsion.data.sources.rows import columns_of
from emulsion.data.sources.transfer import start_session
from emulsion.errors import UserError

HEAD_BYTES = 1 << 20
AS_EXPECTED = "as expected"


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

    source: as for fetching, with `schema` and `text_field` as the configuration has them. Reads the card, the listing
    and a footer or the first HEAD_BYTES of the first file.
    """
    start_session()
    text_field = source.get("text_field") or "text"
    try:
        plan = resolve(name, source)
        with in_words(f"sources.{name}", plan["id"], plan["revision"]):
            columns = _columns(plan)
    except UserError as error:
        return Finding(name, source["id"], source.get("revision") or "", (), "", str(error))
    found = detect(columns, text_field)
    try:
        choose_kind(columns, name, source.get("schema"), text_field)
        verdict = AS_EXPECTED
    except UserError as error:
        verdict = str(error)
    kind = found.name if found else "none"
    return Finding(name, plan["id"], plan["revision"], tuple(sorted(columns)), kind, verdict)


def _columns(plan: Plan) -> Columns:
    file = plan["files"][0]
    if file["path"].endswith(".parquet"):
        return columns_of_footer(footer(plan, file))
    with tempfile.NamedTemporaryFile(suffix=row_suffix(file["path"])) as head:
        head.write(open_remote(plan, file).read(HEAD_BYTES))
        head.flush()
        return columns_of(Path(head.name))


def table(findings: list[Finding]) -> str:
    """The findings as text: source | id | revision | columns | kind found | verdict."""
    rows = [("source", "id", "revision", "columns", "kind found", "verdict")]
    for each in findings:
        rows.append((each.source, each.id, each.revision[:8], " ".join(each.columns), each.kind, each.verdict))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
    return "\n".join(" | ".join(line).rstrip() for line in lines)
