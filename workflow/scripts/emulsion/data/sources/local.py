"""Sources of files on this machine: found by patterns, and linked into the raw folder as they are."""

from __future__ import annotations

import os
import platform
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from emulsion.data.sources.formats import COMPRESSIONS, RECORD_SUFFIXES, TEXT_SUFFIXES, suffix_of
from emulsion.errors import UserError

Source = Mapping[str, Any]
STDLIB = "{stdlib}"

# Packages that are installed into the library's folder, and what Python writes there.
_NOT_OF_STDLIB = {"site-packages", "dist-packages", "__pycache__"}


def find(pattern: str, where: str) -> dict[str, Path]:
    """{path below the pattern's fixed part: file} for the files a pattern names, in the order of their paths.

    `*`, `?`, `[...]` match within a name and `**` any folders, hidden ones left out unless a part of the pattern begins
    with a dot. A folder stands for all files below it that have a suffix we read. `{stdlib}` at the beginning is the
    folder of this Python's standard library, without the packages installed in it.

    Raises UserError for `..` after a name, and for a link that leads out of the pattern's fixed part: what is meant
    to be read is named. A file or folder named without wildcards may itself be a link.
    """
    path = _path(pattern, where)
    is_stdlib = pattern.startswith(STDLIB)
    if path.is_dir():
        found = dict(_walk(path, ("**",), is_stdlib, where))
        return {name: file for name, file in found.items() if suffix_of(name)}
    if path.exists():
        return {path.name: path}
    fixed = next((place for place, part in enumerate(path.parts) if set(part) & set("*?[")), len(path.parts))
    base, parts = Path(*path.parts[:fixed]), path.parts[fixed:]
    return dict(sorted(_walk(base, parts, is_stdlib, where))) if parts and base.is_dir() else {}


def stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _path(pattern: str, where: str) -> Path:
    rest = pattern.removeprefix(STDLIB)
    if rest.startswith("{") or (rest != pattern and rest[:1] not in ("", "/")):
        raise UserError(f"{where}: '{pattern}': the one name in braces a pattern may begin with is '{STDLIB}/'.")
    parts = Path(rest).parts
    named = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    if ".." in parts[named:] or (rest != pattern and ".." in parts):
        raise UserError(f"{where}: '{pattern}' climbs out of its folder by '..'; write where it leads to.")
    return Path(f"{stdlib()}{rest}" if rest != pattern else pattern)


def _walk(base: Path, parts: Sequence[str], is_stdlib: bool, where: str) -> Iterator[tuple[str, Path]]:
    left_out = _NOT_OF_STDLIB if is_stdlib else set()
    shows_hidden = any(part.startswith(".") for part in parts)

    def is_open(name: str) -> bool:
        return name not in left_out and (shows_hidden or not name.startswith("."))

    for folder, subfolders, names in os.walk(base, onerror=_refuse_unreadable):
        here = Path(folder).relative_to(base).parts
        subfolders[:] = sorted(name for name in subfolders if is_open(name) and _leads((*here, name), parts))
        files = [name for name in sorted(names) if is_open(name) and _matches((*here, name), parts)]
        led_out = {name for name in (*subfolders, *files) if _leads_out(Path(folder, name), base)}
        if led_out and not is_stdlib:
            file = Path(folder, min(led_out))
            raise UserError(f"{where}: '{file}' is a link that leads out of '{base}'; name where it leads to.")
        yield from (("/".join((*here, name)), Path(folder, name)) for name in files if name not in led_out)


def _leads_out(file: Path, base: Path) -> bool:
    return file.is_symlink() and not file.resolve().is_relative_to(base.resolve())


def _refuse_unreadable(error: OSError) -> None:
    raise UserError(f"{error.filename}: the folder cannot be read: {error.strerror}.")


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        rest = pattern[1:] or ("*",)
        return any(_matches(path[start:], rest) for start in range(len(path)))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _matches(path[1:], pattern[1:])


def _leads(folder: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a file that matches may lie below this folder."""
    for name, part in zip(folder, pattern, strict=False):
        if part == "**":
            return True
        if not fnmatchcase(name, part):
            return False
    return len(folder) < len(pattern)


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
