"""Sources of files on this machine: checked, and linked into the raw folder as they are."""

from __future__ import annotations

import logging
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from emulsion.data.sources.formats import COMPRESSIONS, RECORD_SUFFIXES, TEXT_SUFFIXES
from emulsion.data.sources.patterns import STDLIB, dead_link, find, is_packed, suffix_in_place, why_none
from emulsion.data.sources.raw import RawFile
from emulsion.data.sources.streams import why_no_data
from emulsion.errors import UserError

Source = Mapping[str, Any]

# What comes with data and is none: what `datasets` writes, and in a folder with rows the papers that go with them.
_OF_DATASETS = re.compile(
    r"dataset_infos?\.json|dataset_dict\.json|state\.json|croissant\.json|_(?:common_)?metadata(?:\..*)?|_SUCCESS"
)
_PAPERS = re.compile(
    r"(?:readme|license|licence|copying|notice|citation|contributing|changelog|authors|requirements)\b.*", re.IGNORECASE
)
SHOWN = 5


def local_files(name: str, source: Source) -> list[Path]:
    """The files a local source names, in order; raises UserError where a pattern matches none."""
    return list(_files(name, source)[0])


def notes(name: str, unread: Sequence[str]) -> Iterator[str]:
    """What a user should know of the files that are not read of a source's folders."""
    if unread:
        more = f", and {len(unread) - SHOWN} more" if len(unread) > SHOWN else ""
        yield f"{name}: left out, as their suffix is none that is read: {', '.join(unread[:SHOWN])}{more}"


def unread_files(name: str, source: Source) -> list[str]:
    """What the folders of a local source hold that has no suffix that is read, and is no paper that goes with data."""
    return _files(name, source)[2]


def find_files(name: str, source: Source, where: str | None = None) -> list[RawFile]:
    """The files of a local source to be read in place; raises UserError for those that cannot be data."""
    files, _ = _checked(name, source, where)
    return [
        RawFile(file, path, file.stat().st_size, source.get("python"), suffix_in_place(file))
        for file, path in files.items()
    ]


def link_files(name: str, source: Source, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Links to the source's files under numbered names, and where they come from.

    The origin holds the patterns, not the folders of this machine; `paths` says for each link what the file is called
    below its pattern's fixed part, which is the id of a document that is a whole file; `left_out` names what comes with
    data and is none, and what in a folder has no suffix that is read.
    """
    files, left_out = _checked(name, source, None)
    links, paths = [], {}
    for number, (file, path) in enumerate(files.items()):
        link = folder / f"part-{number:05d}{suffix_in_place(file)}"
        link.symlink_to(file.resolve())
        links.append(link)
        paths[link.name] = path
    origin = {"kind": "local", "patterns": list(source["files"]), "exclude": list(source.get("exclude", []))}
    if any(pattern.startswith(STDLIB) for pattern in source["files"]):
        origin["python_version"] = platform.python_version()
    if left_out:
        origin["left_out"] = left_out
    return links, {**origin, "python": source.get("python"), "paths": paths}


def _checked(name: str, source: Source, where: str | None) -> tuple[dict[Path, str], list[str]]:
    """(the files as `_files` has them, what is left out), after a look at how each file begins."""
    where = where or f"sources.{name}.local.files"
    files, cards, unread = _files(name, source, where)
    _check_content(files, where)
    if cards:
        logging.info("%s: left out, as they come with data and are none: %s", name, ", ".join(cards))
    for note in notes(name, unread):
        logging.warning(note)
    if empty := [path for file, path in files.items() if not file.stat().st_size]:
        logging.warning("%s: %d of %d files are empty: %s", name, len(empty), len(files), ", ".join(empty[:SHOWN]))
    return files, [*cards, *unread]


def _files(name: str, source: Source, where: str | None = None) -> tuple[dict[Path, str], list[str], list[str]]:
    """({file: its path below its pattern's fixed part}, what is no data, what is not read of folders).

    A file of two patterns is under the first.
    """
    where = where or f"sources.{name}.local.files"
    excluded = source.get("exclude", [])
    files: dict[Path, str] = {}
    cards: dict[str, None] = {}
    unread: dict[str, None] = {}
    for pattern in source["files"]:
        found = find(pattern, where, excluded)
        for path, file in found.unread.items():
            if is_packed(file.name):
                _check(file, None, where)
            (cards if _OF_DATASETS.fullmatch(file.name) or _PAPERS.fullmatch(file.name) else unread)[path] = None
        if not found.files and not (excluded and find(pattern, where).files):
            raise UserError(why_none(pattern, where))
        is_named = list(found.files) == [Path(pattern).name]
        none = set() if is_named else _no_data(found.files.values())
        for path, file in found.files.items():
            if any(fnmatchcase(path, exclusion) for exclusion in excluded):
                continue
            if file in none:
                cards[path] = None
            else:
                files.setdefault(file, path)
    if not files:
        what = f"'{next(iter(cards))}' and the like come with data and are none" if cards else "`exclude` leaves none"
        raise UserError(f"{where}: nothing is left of the files that it names: {what}.")
    for file in files:
        _check(file, source.get("python"), where)
    return files, list(cards), list(unread)


def _no_data(files: Iterable[Path]) -> set[Path]:
    """Of what a folder or a wildcard names: what `datasets` writes beside data, and papers where others have rows."""
    rest = [file for file in files if not _OF_DATASETS.fullmatch(file.name)]
    has_rows = any((suffix_in_place(file) or "").startswith(RECORD_SUFFIXES) for file in rest)
    papers = {
        file
        for file in rest
        if has_rows and _PAPERS.fullmatch(file.name) and not (suffix_in_place(file) or "").startswith(RECORD_SUFFIXES)
    }
    return papers | (set(files) - set(rest))


def _check(file: Path, python: str | None, where: str) -> None:
    try:
        str(file).encode()
    except UnicodeEncodeError:
        shown = str(file).encode("utf-8", "backslashreplace").decode()
        raise UserError(
            f"{where}: the name of '{shown}' is not valid UTF-8, so it cannot be recorded; rename it, as by `convmv`."
        ) from None
    suffix = suffix_in_place(file)
    if suffix is None:
        if file.is_file():
            _check_content([file], where)
        records = ", ".join(RECORD_SUFFIXES)
        raise UserError(
            f"{where}: '{file}' is not one of {records}, or text: {', '.join(TEXT_SUFFIXES)}; all but .parquet and "
            f".arrow also with {' or '.join(COMPRESSIONS)}. Leave it out by a narrower pattern or `exclude`."
        )
    if python and suffix != ".py":
        raise UserError(f"{where}: '{file}' is not a .py file, and `python: {python}` reads no others.")
    if not file.is_file():
        why = dead_link(file) if file.is_symlink() and not file.exists() else "is not a file that can be read"
        raise UserError(f"{where}: '{file}' {why}.")


def _check_content(files: Iterable[Path], where: str) -> None:
    """Raises UserError that names the files which begin like something else than data."""
    problems = []
    for file in files:
        try:
            reason = why_no_data(file)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
        if reason:
            problems.append(f"'{file}': {reason}")
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise UserError(f"{where}: {'; '.join(problems[:SHOWN])}{more}. What is not meant is left out by `exclude`.")
