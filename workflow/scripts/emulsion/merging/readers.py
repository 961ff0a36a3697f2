"""Read the rows of a source part by part, from any row on: a part is a file of this machine or of the hub."""

from __future__ import annotations

import io
import itertools
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol, cast

from emulsion.data.normalize import Kind, choose_kind
from emulsion.data.sources.formats import Row, columns_of_first, read_file
from emulsion.data.sources.local import local_files
from emulsion.data.sources.streams import Malformed
from emulsion.errors import UserError, unknown
from emulsion.files import sha256
from emulsion.merging.request import Origin

log = logging.getLogger(__name__)

# The splits that names of files tell, as the hub's client tells them.
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
# One request to the hub brings so much of a file.
RANGE_BYTES = 8 << 20


class Reader(Protocol):
    """parts: their names, in order; provenance: what the manifest says of the source's data; notes: in sentences."""

    parts: list[str]
    provenance: dict[str, Any]
    notes: list[str]

    def kind(self) -> Kind:
        """How rows become documents; raises UserError where the columns do not show it."""

    def rows(self, part: int, start: int) -> Iterator[Row | Malformed]:
        """The rows of a part from a row on, in order."""


class LocalReader:
    """Files of this machine, each of which is a part."""

    def __init__(self, source: Origin) -> None:
        self._source, self.notes = source, list(source.notes)
        self._files = self._of_split(local_files(source.name, {"files": source.files}))
        self.parts = [file.as_posix() for file in self._files]
        self.provenance: dict[str, Any] = {
            "kind": "local",
            "files": [
                {"path": name, "sha256": sha256(file)} for name, file in zip(self.parts, self._files, strict=True)
            ],
        }

    def _of_split(self, files: list[Path]) -> list[Path]:
        """Of a folder whose files are named by split those of the one that is asked for; else all, with a note."""
        source, folder = self._source, Path(self._source.files[0])
        if source.split is None:
            return files
        if len(source.files) == 1 and folder.is_dir():
            below = {file: file.relative_to(folder).as_posix() for file in files}
            known = [
                split for split in {*SPLIT_NAMES, source.split} if any(_is_of(split, each) for each in below.values())
            ]
            if source.split in known:
                chosen = [file for file, path in below.items() if _is_of(source.split, path)]
                if len(chosen) < len(files):
                    self.notes.append(
                        f"'{source.name}': of {len(files)} files the {len(chosen)} of split '{source.split}' are read."
                    )
                return chosen
            if known:
                raise unknown("split", source.split, known, f"{source.where}.split")
        if source.split != "train":
            self.notes.append(
                f"{source.where}.split: '{source.split}' says nothing here, for the names of the files tell no splits; "
                f"all of '{source.name}' is read."
            )
        return files

    def kind(self) -> Kind:
        return _kind(self._source, columns_of_first(self._files))

    def rows(self, part: int, start: int) -> Iterator[Row | Malformed]:
        return itertools.islice(read_file(self._files[part], self.parts[part]), start, None)


def _is_of(split: str, path: str) -> bool:
    names = "|".join(map(re.escape, SPLIT_NAMES.get(split, (split,))))
    return re.search(rf"(?:^|[-._ 0-9/])(?:{names})(?:[-._ 0-9/]|$)", path) is not None


class HubFile:
    """A file of a hub dataset at a commit, read by ranges; opening it asks for nothing yet."""

    def __init__(self, plan: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        self._plan, self._entry = dict(plan), entry
        self.name, self.size = str(entry["path"]), int(entry["bytes"])

    def open(self) -> BinaryIO:
        from emulsion.data.sources.hub_plan import open_remote

        return cast(BinaryIO, io.BufferedReader(open_remote(self._plan, self._entry), RANGE_BYTES))


class HubReader:
    """A split of a hub dataset at one commit, each of whose files is a part; read without a download of whole files.

    revision: the commit that an earlier try settled. Nothing of a repository is run.
    """

    def __init__(self, source: Origin, revision: str | None) -> None:
        from emulsion.data.sources import hub_plan
        from emulsion.data.sources.network import in_words, start_session

        start_session()
        self._source, self.notes = source, list(source.notes)
        fields = ("id", "config", "data_dir", "split")
        asked = {key: getattr(source, key) for key in fields}
        plan = hub_plan.resolve(source.name, {**asked, "revision": revision or source.revision})
        self._words = partial(in_words, source.where, plan["id"], plan["revision"])
        self._files = [HubFile(plan, entry) for entry in plan["files"]]
        self.parts = [file.name for file in self._files]
        self.provenance = {"kind": "hub", **asked, "id": plan["id"], "revision": plan["revision"]}

    def kind(self) -> Kind:
        with self._words():
            return _kind(self._source, columns_of_first(self._files))

    def rows(self, part: int, start: int) -> Iterator[Row | Malformed]:
        with self._words():
            yield from itertools.islice(read_file(self._files[part], self.parts[part]), start, None)


def _kind(source: Origin, columns: Mapping[str, frozenset[str]]) -> Kind:
    """A `text_field` that is there is the text, whatever else the columns show."""
    if source.text_field not in (None, "text", *columns) and columns:
        raise unknown("column", str(source.text_field), columns, f"{source.where}.text_field")
    schema = source.schema or ("text" if source.text_field in columns else None)
    return choose_kind(columns, source.name, schema, source.text_field or "text")


def open_readers(
    sources: Sequence[Origin], revisions: Mapping[str, str | None] = MappingProxyType({})
) -> dict[str, Reader]:
    """A reader for each source, by name; revisions: the commits that an earlier try settled.

    Raises one UserError for all sources that cannot be read.
    """
    readers: dict[str, Reader] = {}
    problems = []
    for source in sources:
        log.info("Loading %s%s", source.name, "" if source.weight is None else f" [weight: {source.weight:g}]")
        try:
            reader = LocalReader(source) if source.files else HubReader(source, revisions.get(source.name))
            reader.kind()
            readers[source.name] = reader
        except UserError as error:
            # Whoever reads sources names them as the configuration of the workflow does.
            problems.append(str(error).replace(f"sources.{source.name}", source.where or f"sources.{source.name}"))
    if problems:
        counted = [f"{len(problems)} of {len(sources)} datasets cannot be merged:"] if len(problems) > 1 else []
        raise UserError("\n".join([*counted, *problems]))
    return readers
