"""The sources of a merge, opened: each is read file by file and row by row, in place, here or on the hub."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from emulsion.data.schemas import Kind
from emulsion.data.sources.formats import Row
from emulsion.data.sources.raw import RawFile
from emulsion.data.sources.reader import kinds_of, open_source
from emulsion.data.sources.streams import Malformed
from emulsion.errors import UnreachableError, UserError, unknown
from emulsion.files import from_home
from emulsion.merging.request import Origin

log = logging.getLogger(__name__)

# The splits that names of files tell, as the hub's client tells them.
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}


class Reader:
    """A source to merge. parts: the names of its files, in order; provenance: what the manifest says of its data.

    revision: the commit that an earlier try settled. notes: what the files show of the request, in sentences.
    Raises UserError where the source cannot be read, or its columns do not show how.
    """

    def __init__(self, source: Origin, revision: str | None = None) -> None:
        self.notes: list[str] = []
        if source.files:
            asked = {"kind": "local", "files": source.files, "exclude": source.exclude}
            opened = open_source(source.name, asked, f"{source.where}.files")
            self._files = self._of_split(source, opened.parts)
            chosen = {part.path for part in self._files}
            files = [file for file in opened.provenance["files"] if file["path"] in chosen]
            self.provenance: dict[str, Any] = {**opened.provenance, "files": files}
        else:
            settings = {key: getattr(source, key) for key in ("id", "config", "data_dir", "split")}
            opened = open_source(source.name, {"kind": "hub", **settings, "revision": revision or source.revision})
            self._files = opened.parts
            self.provenance = {**opened.provenance, "data_dir": source.data_dir}
        self.parts = [part.path for part in self._files]
        self._kinds = kinds_of(source.name, self._files, source.schema, source.text_field, dict(source.columns))
        self._kind: dict[int, Kind] = {}

    def _of_split(self, source: Origin, files: list[RawFile]) -> list[RawFile]:
        """Of a folder whose files are named by split those of the one that is asked for; else all, with a note."""
        if source.split is None:
            return files
        is_folder = len(source.files) == 1 and from_home(source.files[0]).is_dir()
        known = [split for split in sorted({*SPLIT_NAMES, source.split}) if any(_is_of(split, each) for each in files)]
        if is_folder and source.split in known:
            chosen = [file for file in files if _is_of(source.split, file)]
            if len(chosen) < len(files):
                self.notes.append(
                    f"'{source.name}': {len(chosen)} of {len(files)} files are of split '{source.split}'."
                )
            return chosen
        if is_folder and known:
            raise unknown("split", source.split, known, f"{source.where}.split")
        if source.split != "train":
            why = "the names of the files tell no splits" if is_folder else "it names files"
            self.notes.append(f"{source.where}.split: '{source.split}' says nothing here, for {why}; all are read.")
        return files

    def kind(self, part: int) -> Kind:
        """How the rows of a part become documents."""
        if part not in self._kind:
            self._kind[part] = self._kinds.of(self._files[part])
        return self._kind[part]

    def rows(self, part: int, start: int) -> Iterator[Row | Malformed]:
        """The rows of a part from a row on, in order."""
        return self._files[part].rows(start)


def _is_of(split: str, file: RawFile) -> bool:
    names = "|".join(map(re.escape, SPLIT_NAMES.get(split, (split,))))
    return re.search(rf"(?:^|[-._ 0-9/])(?:{names})(?:[-._ 0-9/]|$)", file.path) is not None


def open_readers(
    sources: Sequence[Origin], revisions: Mapping[str, str | None] = MappingProxyType({})
) -> dict[str, Reader]:
    """A reader for each source, by name; revisions: the commits that an earlier try settled.

    Raises one UserError for all sources that cannot be read; without a connection, which is said once, the hub is not
    asked again.
    """
    readers: dict[str, Reader] = {}
    problems: list[str] = []
    of_hub = [source for source in sources if not source.files]
    for source in sources:
        log.info("Loading %s%s", source.name, "" if source.weight is None else f" [weight: {source.weight:g}]")
        try:
            readers[source.name] = Reader(source, revisions.get(source.name))
        except UnreachableError as error:
            names = ", ".join(dict.fromkeys(f"'{each.id}'" for each in of_hub))
            words = str(error).replace(f"sources.{source.name}", source.where or source.name)
            words += f" Of the hub are, as no file or folder here is called so: {names}."
            raise UserError("\n".join([*problems, words])) from None
        except UserError as error:
            # Whoever reads sources names them as the configuration of the workflow does.
            words = str(error).replace(f"sources.{source.name}", source.where or f"sources.{source.name}")
            if f"no dataset '{source.id}'" in words:
                words += f" Nor is '{source.id}' a file or folder here."
            problems.append(words)
    if problems:
        counted = [f"{len(problems)} of {len(sources)} datasets cannot be merged:"] if len(problems) > 1 else []
        raise UserError("\n".join([*counted, *problems]))
    return readers
