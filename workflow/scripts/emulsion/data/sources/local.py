"""Sources of files on this machine: found by patterns, and linked into the raw folder as they are."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from emulsion.data.sources.formats import COMPRESSIONS, RECORD_SUFFIXES, TEXT_SUFFIXES, suffix_of
from emulsion.data.sources.patterns import STDLIB, find, stdlib
from emulsion.errors import UserError

Source = Mapping[str, Any]


def local_files(name: str, source: Source) -> list[Path]:
    """The files a local source names, in order; raises UserError where a pattern matches none."""
    return list(_files(name, source))


def link_files(name: str, source: Source, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Links to the source's files under numbered names, and where they come from.

    The origin holds the patterns, not the folders of this machine; `paths` says for each link what the file is called
    below its pattern's fixed part, which is the id of a document that is a whole file.
    """
    links, paths = [], {}
    for number, (file, path) in enumerate(_files(name, source).items()):
        link = folder / f"part-{number:05d}{suffix_of(file.name)}"
        link.symlink_to(file.resolve())
        links.append(link)
        paths[link.name] = path
    origin = {"kind": "local", "patterns": list(source["files"]), "exclude": list(source.get("exclude", []))}
    if any(pattern.startswith(STDLIB) for pattern in source["files"]):
        origin["python_version"] = platform.python_version()
    return links, {**origin, "python": source.get("python"), "paths": paths}


def _files(name: str, source: Source) -> dict[Path, str]:
    """{file: its path below the pattern's fixed part}, a file that two patterns match under the first."""
    where = f"sources.{name}.files"
    excluded = source.get("exclude", [])
    files: dict[Path, str] = {}
    for pattern in source["files"]:
        found = find(pattern, where)
        if not found:
            raise UserError(_nothing(pattern, where))
        for path, file in found.items():
            if not any(fnmatchcase(path, exclusion) for exclusion in excluded):
                files.setdefault(file, path)
    if not files:
        raise UserError(f"sources.{name}.exclude: leaves none of the files that {where} names.")
    for file in files:
        _check(file, source.get("python"), where)
    return files


def _nothing(pattern: str, where: str) -> str:
    if not pattern.startswith(STDLIB):
        return f"{where}: no file matches '{pattern}'."
    return (
        f"{where}: no file matches '{pattern}': this installation of Python has none in {stdlib()}. Some distributions "
        "keep the test suite in a package of its own; Debian's is libpython3-testsuite."
    )


def _check(file: Path, python: str | None, where: str) -> None:
    if suffix_of(file.name) is None:
        records = ", ".join(RECORD_SUFFIXES)
        raise UserError(
            f"{where}: '{file}' is not one of {records}, or text: {', '.join(TEXT_SUFFIXES)}; all but .parquet also "
            f"with {' or '.join(COMPRESSIONS)}. Leave it out by a narrower pattern or `exclude`."
        )
    if python and suffix_of(file.name) != ".py":
        raise UserError(f"{where}: '{file}' is not a .py file, and `python: {python}` reads no others.")
    if not file.is_file():
        raise UserError(f"{where}: '{file}' is not a file that can be read.")
