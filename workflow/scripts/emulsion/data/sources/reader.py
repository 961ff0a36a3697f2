"""A source opened in place and read row by row: the one reader of fetching, normalising and merging.

    opened = open_source("notes", {"kind": "local", "files": ["notes/*.jsonl"]})
    for part in opened.parts:      # the files, in order
        part.path                  # what messages and the quarantine call the file
        part.columns()             # {column: fields of its records}; {} where no row can be read
        for row in part.rows(7):   # its rows from number 7 on: a dict, or Malformed(reason, content)
            ...
    opened.provenance              # what the source is, for a manifest

`kinds_of(name, opened.parts).of(part)` is how the rows of a file become documents, by its own columns; where no file
can be read it refuses the source with their reasons. Rows that cannot be read never stop the reading; what can never be
read (a pointer of git-lfs, a missing file, no access, no connection) is a UserError when the source is opened or, where
the connection breaks, when it is read. A fetched source is read by the same parts: `raw_files(provenance, folder)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from emulsion.data.schemas import NONE_NAMED, Kind, Named, choose_kind
from emulsion.data.sources.formats import ROWS_TO_KNOW, Columns, columns_of_row
from emulsion.data.sources.local import find_files
from emulsion.data.sources.raw import RawFile, columns_of_first
from emulsion.data.sources.streams import Malformed
from emulsion.errors import UserError, unknown
from emulsion.files import sha256

# Rows without a known schema that are looked at before a source is refused.
ROWS_TO_JUDGE = 100_000


@dataclass(frozen=True)
class Opened:
    """parts: the files of a source, in order; provenance: what was asked for and what it is."""

    parts: list[RawFile]
    provenance: dict[str, Any]


def open_source(name: str, source: Mapping[str, Any], where: str | None = None) -> Opened:
    """Open a source without copying it.

    source: {kind: local, files, exclude} of this machine, or {kind: hub, id, config, split, revision}: one split at one
    commit, whose files are read by ranges, so that nothing is downloaded but what is read. Of the hub's, `config` may
    be left out where the hub resolves it, and `revision` may be the commit of an earlier try. where: key path for
    messages about local files.
    """
    if source["kind"] == "local":
        parts = find_files(name, source, where)
        files = [{"path": part.path, "sha256": sha256(cast(Path, part.file))} for part in parts]
        return Opened(parts, {"kind": "local", "files": files})
    # The hub's client takes a second to load.
    from emulsion.data.sources.hub_plan import HubFile, resolve
    from emulsion.data.sources.network import start_session

    start_session()
    asked = {"config": None, "split": "train", "revision": None, **source}
    plan = resolve(name, asked)
    parts = [RawFile(HubFile(name, plan, entry), entry["path"], entry["bytes"]) for entry in plan["files"]]
    settled = {"id": plan["id"], "config": asked["config"], "split": asked["split"], "revision": plan["revision"]}
    return Opened(parts, {"kind": "hub", **settled})


@dataclass(frozen=True)
class Kinds:
    """How the rows of a source's files become documents: those of each file by its own columns.

    first: the kind of the first file whose columns are of a known kind, and columns: those of that file.
    """

    source: str
    schema: str | None
    text_field: str | None
    named: Named
    first: Kind
    columns: Columns

    def of(self, file: RawFile) -> Kind:
        """The kind of a file; where its first rows are of none, that of the source, and each row is looked at."""
        try:
            columns = file.columns() or self.columns
            return choose_kind(columns, self.source, self.schema, self.text_field, self.named)
        except UserError:
            return self.first


def kinds_of(
    source: str,
    files: Sequence[RawFile],
    schema: str | None = None,
    text_field: str | None = None,
    named: Named = NONE_NAMED,
) -> Kinds:
    """The kinds of a source's files; raises UserError, with the reasons, where no file shows how it is read.

    schema, text_field, named: how the configuration says that rows are read, as for `choose_kind`.
    """
    columns_of_first(source, files)
    for where, field in {"text_field": text_field, **{f"columns.{role}": name for role, name in named.items()}}.items():
        if field and "." in field:
            _check_inner(f"sources.{source}.{where}", field, files)
    refused: UserError | None = None
    for file in files:
        if columns := file.columns():
            try:
                kind = choose_kind(columns, source, schema, text_field, named)
            except UserError as error:
                refused = refused or error
            else:
                return Kinds(source, schema, text_field, named, kind, columns)
    # The first rows of every file may be the odd ones.
    for row in islice(chain.from_iterable(file.rows() for file in files), ROWS_TO_JUDGE):
        if not isinstance(row, Malformed):
            columns = columns_of_row(row)
            try:
                kind = choose_kind(columns, source, schema, text_field, named)
            except UserError:
                continue
            return Kinds(source, schema, text_field, named, kind, columns)
    raise UserError(f"{refused}{_hint(files)}") if refused else UserError(f"sources.{source}: it has no files.")


def _check_inner(where: str, field: str, files: Sequence[RawFile]) -> None:
    """Raises UserError where a field within records, `outer.inner`, is in none of a source's first rows."""
    outer, _, inner = field.partition(".")
    known: dict[str, None] = {}
    for row in islice(chain.from_iterable(islice(file.rows(), ROWS_TO_KNOW) for file in files), ROWS_TO_KNOW):
        if isinstance(row, Malformed):
            continue
        if field in row:
            return
        if isinstance(record := row.get(outer), Mapping):
            known |= dict.fromkeys(f"{outer}.{name}" for name in record)
    if known and f"{outer}.{inner.partition('.')[0]}" not in known:
        raise unknown("field", field, known, where)


def _hint(files: Sequence[RawFile]) -> str:
    """What may be wrong with files whose columns are of no known schema."""
    name = files[0].suffix or files[0].file.name
    if name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".csv", ".tsv")):
        return " The first line of a file names its columns; where it is a row, put a line with names above it."
    rows = list(islice(files[0].rows(), 2))
    if len(rows) == 1 and isinstance(rows[0], Mapping):
        for column, value in rows[0].items():
            if isinstance(value, list) and all(isinstance(each, Mapping) for each in value) and value:
                return (
                    f" '{files[0].path}' is one record that holds {len(value):,} records in '{column}'; bring those to "
                    f"a file of their own, as by `jq -c '.[\"{column}\"][]' {Path(files[0].path).name} > rows.jsonl`."
                )
    return ""
