"""Read the rows of a source part by part, from any row on: a part is a file of this machine or of the hub."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Protocol

from emulsion.data.sources.formats import Row, read_file
from emulsion.data.sources.local import local_files
from emulsion.data.sources.rows import columns_of_first
from emulsion.data.sources.streams import Malformed
from emulsion.files import sha256
from emulsion.merging.request import Origin


class Reader(Protocol):
    """parts: their names, in order; provenance: what the manifest says of the source's data."""

    parts: list[str]
    provenance: dict[str, Any]

    def columns(self) -> Mapping[str, frozenset[str]]:
        """{column: fields of its records where it is a list of records, else empty}."""

    def rows(self, part: int, start: int) -> Iterator[Row | Malformed]:
        """The rows of a part from a row on, in order."""


class LocalReader:
    """Files of this machine, each of which is a part."""

    def __init__(self, source: Origin) -> None:
        self._files = local_files(source.name, {"files": source.files})
        self.parts = [file.as_posix() for file in self._files]
        self.provenance: dict[str, Any] = {
            "kind": "local",
            "files": [
                {"path": name, "sha256": sha256(file)} for name, file in zip(self.parts, self._files, strict=True)
            ],
        }

    def columns(self) -> Mapping[str, frozenset[str]]:
        return columns_of_first(self._files)

    def rows(self, part: int, start: int) -> Iterator[Row | Malformed]:
        return itertools.islice(read_file(self._files[part], self.parts[part]), start, None)


class HubReader:
    """A split of a hub dataset at one commit, streamed; each of its files is a part.

    Nothing of the repository is run: `datasets` has no loading scripts any more, and a repository that has one is
    refused by `resolve`, as are files outside of it.
    """

    def __init__(self, source: Origin, revision: str | None) -> None:
        import datasets

        from emulsion.data.sources import hub_plan
        from emulsion.data.sources.hub_errors import in_words, token

        asked = {"id": source.id, "config": source.config, "split": source.split, "revision": revision}
        plan = hub_plan.resolve(source.name, asked)
        self._words = partial(in_words, f"sources.{source.name}", plan["id"], plan["revision"])
        with self._words():
            self._stream = datasets.load_dataset(
                f"hf://datasets/{plan['id']}",
                source.config,
                split=source.split,
                revision=plan["revision"],
                token=token(),
                trust_remote_code=False,
                streaming=True,
            )
        self.parts = [f"{source.split}[{place}]" for place in range(self._stream.num_shards)]
        self.provenance = {"kind": "hub", **asked, "id": plan["id"], "revision": plan["revision"]}

    def columns(self) -> Mapping[str, frozenset[str]]:
        row = next(itertools.chain.from_iterable(self.rows(part, 0) for part in range(len(self.parts))), {})
        return {name: _record_fields(value) for name, value in row.items()}

    def rows(self, part: int, start: int) -> Iterator[Row]:
        with self._words():
            yield from self._stream.shard(len(self.parts), part).skip(start)


def _record_fields(value: Any) -> frozenset[str]:
    is_records = isinstance(value, list) and value and isinstance(value[0], Mapping)
    return frozenset(value[0]) if is_records else frozenset()


def open_reader(source: Origin, revision: str | None = None) -> Reader:
    """revision: the commit that an earlier try settled, for a source of the hub."""
    return LocalReader(source) if source.files else HubReader(source, revision or source.revision)
