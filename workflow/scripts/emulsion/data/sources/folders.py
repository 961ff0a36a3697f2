"""A look at a folder of text: what of it can be read, by which columns, how much it is, in which language.

What is no text is named with its reason and never read. Records whose columns are not known get a proposal: the column
that holds most of their characters.
"""

from __future__ import annotations

import glob
import io
import itertools
import os
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from emulsion.data.languages import language_of
from emulsion.data.render import UnrenderableError, is_nan
from emulsion.data.sources import parquet
from emulsion.data.sources.formats import COMPRESSIONS, RECORD_SUFFIXES, TEXT_SUFFIXES
from emulsion.data.sources.local import find_files
from emulsion.data.sources.patterns import hint_of, is_packed, suffix_in_place
from emulsion.data.sources.raw import RawFile
from emulsion.data.sources.reader import Kinds, kinds_of
from emulsion.data.sources.streams import HEAD_BYTES, BrokenFileError, Malformed, chunks, not_data
from emulsion.data.unread import escaped
from emulsion.errors import UserError
from emulsion.files import fingerprint, from_home, sha256

_PROSE_SUFFIXES = (".txt", ".md", ".rst", ".tex", ".html", ".xml")
# The cleaning that a source gets: a text that occurs twice would else be held out and trained on.
ONCE = "once"
# Files and rows that are looked into for columns and language, and characters of each.
_FILES, _ROWS, _CHARACTERS = 20, 20, 5000
# Of the characters of its records, from which one column is proposed for all.
_MOST = 0.5
_SHOWN = 5
_UNPACKED_BYTES = 1 << 20  # of each packed file


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a folder holds.

    files, bytes  of what is read; each text counts once in bytes, and as it is unpacked
    copies        how many of the files are copies of others
    suffixes      {suffix: number of files}
    kind          how its rows are read, as `sources.{name}.schema` calls it
    language      "code" for source code
    text_field    the column that is proposed, where none is known; share: of the characters of a row that it holds
    unread        {path below the folder: why it is not read}
    exclude       those of `unread` that the configuration must leave out
    contents      a fingerprint of each file, whatever it is called
    """

    folder: str
    files: int
    bytes: int
    suffixes: Mapping[str, int]
    kind: str
    language: str
    contents: frozenset[str]
    copies: int = 0
    text_field: str | None = None
    share: float | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    def source(self) -> dict[str, Any]:
        """The entry of `sources`."""
        local: dict[str, Any] = {"files": [self.folder], **({"exclude": list(self.exclude)} if self.exclude else {})}
        column = {"text_field": self.text_field} if self.text_field else {}
        return {**column, "cleaning": ONCE, "local": local}


def look(folder: str, name: str, text_field: str | None = None) -> Look:
    """Look at a folder, or at one file; text_field: the column to read, where it is known.

    Raises UserError, with the remedy, where nothing of it can be read.
    """
    path = from_home(folder)
    if not path.exists():
        raise UserError(f"{folder}: there is no such folder.{hint_of(path)}")
    unread = dict(_unread(path)) if path.is_dir() else {}
    left_out = {each: why for each, why in unread.items() if suffix_in_place(path / each) or is_packed(each)}
    exclude = tuple(map(glob.escape, left_out))
    try:
        files = find_files(name, {"files": [folder], "exclude": list(exclude)}, folder)
    except UserError as error:
        raise UserError(f"{error}{_listed(left_out)}") from None
    files = [file for file in files if file.bytes]
    if not files:
        raise UserError(f"{folder}: all of its files are empty.")
    share = None
    kinds = _kinds(name, files, text_field)
    if kinds is None or _rendered(files, kinds) < _MOST:
        if text_field:
            raise UserError(f"{folder}: most of its rows have no text in '{text_field}'.")
        text_field, share = _proposal(files, folder, name)
        kinds = kinds_of(name, files, text_field=text_field)
    distinct = _distinct(files)
    suffixes = Counter(suffix_in_place(Path(file.path)) or file.suffix or "" for file in files)
    sample = "\n".join(_texts(files, kinds))
    is_code = not any(suffix.startswith((*RECORD_SUFFIXES, *_PROSE_SUFFIXES)) for suffix in suffixes)
    return Look(
        folder=folder,
        files=len(files),
        bytes=sum(map(_unpacked, distinct)),
        copies=len(files) - len(distinct),
        suffixes=dict(suffixes.most_common()),
        kind=kinds.first.name,
        language="code" if is_code else language_of(sample),
        contents=_contents(files),
        text_field=text_field,
        share=share,
        unread=unread,
        exclude=exclude,
    )


def _distinct(files: list[RawFile]) -> list[RawFile]:
    """The files without those that repeat an earlier one byte for byte."""
    alike = Counter(file.bytes for file in files)
    first: dict[str, RawFile] = {}
    for file in files:
        first.setdefault(sha256(str(file.file)) if alike[file.bytes] > 1 else file.path, file)
    return list(first.values())


@dataclass(frozen=True)
class _Beginning:
    """The first bytes of a file, as one that is cut off there."""

    path: Path
    size: int

    @property
    def name(self) -> str:
        return self.path.name

    def open(self, ahead: int) -> BinaryIO:
        with self.path.open("rb") as raw:
            return io.BytesIO(raw.read(self.size))


def _unpacked(file: RawFile) -> int:
    """Bytes of a file as it is unpacked: by those of the file, packed text would count for a fraction of plain text.

    Reckoned from the beginning of packed text: to unpack all of a large folder takes many minutes.
    """
    suffix = file.suffix or suffix_in_place(Path(file.path)) or ""
    if suffix.endswith(COMPRESSIONS):
        beginning, come = _Beginning(Path(str(file.file)), min(file.bytes, _UNPACKED_BYTES)), 0
        try:
            for chunk in chunks(beginning):
                come += len(chunk)
        except BrokenFileError:
            if not come or beginning.size == file.bytes:
                return file.bytes
        return come * file.bytes // beginning.size
    try:
        return parquet.unpacked_bytes(file.file) if suffix == ".parquet" else file.bytes
    except BrokenFileError:
        return file.bytes


def _contents(files: list[RawFile]) -> frozenset[str]:
    """A fingerprint of the size and the beginning of each file."""
    heads = set()
    for file in files:
        with Path(str(file.file)).open("rb") as raw:
            heads.add(fingerprint([file.bytes, raw.read(HEAD_BYTES).hex()]))
    return frozenset(heads)


def _unread(folder: Path) -> Iterator[tuple[str, str]]:
    """(path below the folder, why it is not read) of its files; hidden ones are nobody's text and are not named."""
    for here, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            file = Path(here, name)
            if name.startswith("."):
                continue
            if reason := _why_not(file):
                yield file.relative_to(folder).as_posix(), reason


def _why_not(file: Path) -> str | None:
    suffix = suffix_in_place(file)
    try:
        with file.open("rb") as raw:
            head = raw.read(HEAD_BYTES)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if reason := not_data(head, file.name):
        return reason
    if suffix is None:
        plain = _is_text(head)
        return f"no known suffix; {'it is text: rename it to .txt' if plain else 'it is no text'}"
    if suffix in TEXT_SUFFIXES and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and not _is_text(head):
        return "it is not valid UTF-8; bring it there, as by `iconv -f latin1 -t UTF-8`, if it is text"
    return None


def _is_text(head: bytes) -> bool:
    """Whether bytes, the last of which may be cut, are UTF-8 without control characters of binary files."""
    if b"\0" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and len(head) == HEAD_BYTES
    return True


def _rows(files: list[RawFile]) -> Iterator[tuple[RawFile, dict[str, Any]]]:
    step = max(1, len(files) // _FILES)
    for file in files[::step][:_FILES]:
        for row in itertools.islice(file.rows(), _ROWS):
            if not isinstance(row, Malformed):
                yield file, row


def _kinds(name: str, files: list[RawFile], text_field: str | None) -> Kinds | None:
    """How the rows are read; None where no known schema fits them."""
    try:
        return kinds_of(name, files, text_field=text_field)
    except UserError:
        if text_field:
            raise
        return None


def _texts(files: list[RawFile], kinds: Kinds) -> Iterator[str]:
    """How the sampled rows begin, each empty where it cannot be rendered."""
    for file, row in _rows(files):
        try:
            yield kinds.of(file).render(row, "text")[:_CHARACTERS]
        except UnrenderableError:
            yield ""


def _rendered(files: list[RawFile], kinds: Kinds) -> float:
    """The share of the sampled rows that have a text."""
    texts = list(_texts(files, kinds))
    return sum(map(bool, texts)) / max(1, len(texts))


def _proposal(files: list[RawFile], folder: str, name: str) -> tuple[str, float]:
    """The column with most of the characters, and its share; raises UserError that names the columns where none has."""
    counts: Counter[str] = Counter()
    records = [file for file in files if (suffix_in_place(Path(file.path)) or "").startswith(RECORD_SUFFIXES)]
    for _, row in _rows(records or files):
        counts.update(dict(_leaves(row)))
    total = sum(counts.values())
    if not total:
        why = ""
        try:
            kinds_of(name, files)
        except UserError as error:  # no row can be read, for instance, or the records are inside of one
            why = f" {error}"
        raise UserError(f"{folder}: none of the rows looked at holds text.{why}")
    best, most = counts.most_common(1)[0]
    if most >= _MOST * total:
        return best, most / total
    shown = ", ".join(f"{column} ({100 * count / total:.0f} %)" for column, count in counts.most_common(_SHOWN))
    raise UserError(
        f"{folder}: its records have {len(counts)} fields of text, and none holds most of it: {shown}. Either name the "
        f"one to read, `--columns {shlex.quote(f'{name}={best}')}`, or read them all, a line each: `--flatten {name}`."
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, int]]:
    """(path with dots, characters) of the texts in a record and in the records inside of it."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, str) and value.strip():
        yield path, len(value)


def flat_text(value: Any, name: str = "") -> Iterator[str]:
    """The texts and numbers of a record as lines `a, b: text`; a field called `text` adds no name of its own."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat_text(part, name if key == "text" else f"{name}, {key}".removeprefix(", "))
    elif isinstance(value, list):
        for part in value:
            yield from flat_text(part, name)
    elif value is not None and not is_nan(value) and str(value).strip():
        yield f"{name}: {value}" if name else str(value)


def flattened(folder: str, name: str) -> Iterator[dict[str, str]]:
    """Every record of a folder of JSON as {"id", "text"}, its fields a line each.

    A row that cannot be read has no text, but "not_read", so that it is set aside and counted as of any other source.
    Raises UserError where a file holds no records.
    """
    for file in find_files(name, {"files": [folder]}, folder):
        if not (suffix_in_place(Path(file.path)) or "").startswith(RECORD_SUFFIXES):
            raise UserError(
                f"--flatten: {name}: '{file.path}' holds no records whose fields could be read a line each."
            )
        for number, row in enumerate(file.rows()):
            named = {"id": f"{file.path}#{number}"}
            if isinstance(row, Malformed):
                yield {**named, "not_read": escaped(row.reason)}
            else:
                yield {**named, "text": escaped("\n".join(flat_text(row)))}


def _listed(unread: Mapping[str, str]) -> str:
    shown = "; ".join(f"'{path}': {reason}" for path, reason in list(unread.items())[:_SHOWN])
    return f" Not read: {shown}." if shown else ""
