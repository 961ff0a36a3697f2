"""Patterns of local files: which files they name, and what each file is called below the pattern's fixed part."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from emulsion.data.sources.addresses import without_secrets
from emulsion.data.sources.formats import RECORD_SUFFIXES, suffix_of
from emulsion.errors import UserError, nearest

STDLIB = "{stdlib}"
_SHOWN = 5

# Packages that are installed into the library's folder, and what Python writes there.
_NOT_OF_STDLIB = {"site-packages", "dist-packages", "__pycache__"}

_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_NO_BRACES = "Braces are a pattern of shells, not read here; write `*`, `?`, `[0-9]`, or several entries."
_PACKED = re.compile(
    r".*\.(?:xz|lzma|lz|bz2|lz4|lzo|br|snappy|deflate|z|zip|7z|rar|tar|tar\.\w+|tgz|tbz2?|txz|(?:parquet|arrow)\.(?:gz|zst))",
    re.IGNORECASE,
)
_CACHED = re.compile(r"(?:datasets|models|spaces)--.+")  # a repository in the cache of the hub's client


@dataclass(frozen=True)
class Found:
    """{path below the pattern's fixed part: file}, in the order of the paths.

    files: what a pattern names; unread: what lies in a folder that it names, and has no suffix that is read
    """

    files: dict[str, Path]
    unread: dict[str, Path] = field(default_factory=dict)


def find(pattern: str, where: str, excluded: Sequence[str] = ()) -> Found:
    """The files a pattern names.

    `*`, `?`, `[...]` match within a name and `**` any folders, hidden ones left out unless a part of the pattern begins
    with a dot; brackets of a name that is there stand for themselves. A folder stands for all files below it that have
    a suffix we read, and so does a folder that is named like a file, `x.jsonl/`, as Spark writes them. `~` is the home
    folder; `{stdlib}` at the beginning is the folder of this Python's standard library, without the packages installed
    in it.

    excluded: shell patterns of paths below the fixed part that are left out.

    Raises UserError for addresses, for a path that the machine refuses, for `..` after a name, and for a link that
    leads out of the pattern's fixed part: what is meant to be read is named. A file or folder named without wildcards
    may itself be a link, and links of the hub's cache lead to its blobs.
    """
    path = _path(pattern, where)
    is_stdlib = pattern.startswith(STDLIB)
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise UserError(f"{where}: '{pattern}' cannot be looked at: {error.strerror}.") from None
    if is_folder:
        found = [(name, file, True) for name, file, _ in _walk(path, ("**",), is_stdlib, where, excluded)]
    elif path.exists():
        return Found({path.name: path})
    else:
        fixed = _fixed(path.parts)
        base, parts = Path(*path.parts[:fixed]), path.parts[fixed:]
        found = sorted(_walk(base, parts, is_stdlib, where, excluded)) if parts and base.is_dir() else []
    unread = {name: file for name, file, is_below in found if is_below and not suffix_in_place(file)}
    files = {name: file for name, file, _ in found if name not in unread}
    return Found(files, {} if is_stdlib else unread)


def suffix_in_place(file: Path) -> str | None:
    """The suffix of a file that can be read; of one without any that of its folder, as in `x.jsonl/part-0`."""
    if "." in file.name or file.name.startswith("_"):
        return suffix_of(file.name)
    of_folder = suffix_of(file.parent.name)
    return of_folder if of_folder in RECORD_SUFFIXES else None


def is_packed(name: str) -> bool:
    """Whether a file may hold what it would be a loss to leave out, packed as we do not read it."""
    return suffix_of(name) is None and _PACKED.fullmatch(name) is not None


def why_none(pattern: str, where: str) -> str:
    """Why a pattern matches no file, as far as it can be known, and what to write instead."""
    said = f"{where}: no file matches '{pattern}'"
    if pattern.startswith(STDLIB):
        return (
            f"{said}: this installation of Python has none in {stdlib()}. Some distributions keep the test suite in a "
            "package of its own; Debian's is libpython3-testsuite."
        )
    if _BRACES.search(pattern):
        return f"{said}. {_NO_BRACES}"
    if "$" in pattern:
        said += ". Variables of the shell are not read here; write the path itself"
    parts = _path(pattern, where).parts
    for place, part in enumerate(parts):
        folder = Path(*parts[:place])
        if set(part) & set("*?["):
            escape = f" To match a bracket itself, write '{pattern.replace('[', '[[]')}'." if "[" in pattern else ""
            return f"{said}: '{folder}' is there, but nothing below it is called so.{escape}"
        if not Path(folder, part).exists():
            return f"{said}: there is no '{Path(folder, part)}'.{hint_of(Path(folder, part))}"
    unread = list(find(pattern, where).unread)
    shown = ", ".join([*unread[:_SHOWN], *(["..."] if unread[_SHOWN:] else [])])
    found = f" It has {shown}; rename what is text to .txt, and lines of JSON to .jsonl." if unread else ""
    return f"{said}: no file below it has a suffix that is read.{found}"


def hint_of(path: Path) -> str:
    """What may be wrong with a path that is not there."""
    if path.is_symlink():
        return " It is a link that leads to nothing."
    guess = nearest(path.name, [entry.name for entry in path.parent.iterdir()]) if path.parent.is_dir() else None
    return f" Did you mean '{path.parent / guess}'?" if guess else ""


def dead_link(file: Path) -> str:
    """What is said of a link that leads to nothing, with the remedy."""
    annexed = "/annex/objects/" in str(file.readlink())
    mend = "bring the file itself by `git annex get` in its repository" if annexed else "leave it out by `exclude`"
    return f"is a link that leads to nothing; {mend}"


def stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _path(pattern: str, where: str) -> Path:
    if "://" in pattern:
        raise UserError(f"{where}: {_of_address(pattern)}")
    rest = pattern.removeprefix(STDLIB)
    if (rest.startswith("{") and not Path(rest).exists()) or (rest != pattern and rest[:1] not in ("", "/")):
        hint = f" {_NO_BRACES}" if _BRACES.search(rest) else ""
        raise UserError(f"{where}: '{pattern}': the one name in braces a pattern may begin with is '{STDLIB}/'.{hint}")
    parts = Path(rest).parts
    named = next((place for place, part in enumerate(parts) if part != ".."), len(parts))
    if ".." in parts[named:] or (rest != pattern and ".." in parts):
        raise UserError(f"{where}: '{pattern}' climbs out of its folder by '..'; write where it leads to.")
    if rest != pattern:
        return Path(f"{stdlib()}{rest}")
    try:
        return Path(pattern).expanduser()
    except RuntimeError as error:
        raise UserError(f"{where}: '{pattern}': {error}") from None


def _of_address(address: str) -> str:
    scheme, _, rest = address.partition("://")
    shown = f"'{without_secrets(address)}'"
    if scheme == "hf":
        parts = rest.removeprefix("datasets/").split("/")
        return f"{shown} is on the hub; write `kind: hub` with `hub: {{id: {'/'.join(parts[:2]).partition('@')[0]}}}`."
    if scheme in ("http", "https"):
        return (
            f"{shown} is an address; write `kind: web` with `web: {{files: [...]}}`, or download it and name the file."
        )
    if scheme == "file":
        return f"{shown} is an address; write the path alone: '{rest}'."
    return f"{shown} is in a store of its own; copy it to this machine, and name the copy."


def _fixed(parts: Sequence[str]) -> int:
    """How many parts of a path have no wildcards; brackets of a name that is there are none."""
    for place, part in enumerate(parts):
        is_there = not set(part) & set("*?") and Path(*parts[: place + 1]).exists()
        if set(part) & set("*?[") and not is_there:
            return place
    return len(parts)


def _walk(
    base: Path, parts: Sequence[str], is_stdlib: bool, where: str, excluded: Sequence[str]
) -> Iterator[tuple[str, Path, bool]]:
    """(path below the base, file, whether it is below a folder that matches as a whole)."""
    left_out = _NOT_OF_STDLIB if is_stdlib else set()
    shows_hidden = any(part.startswith(".") for part in parts)

    def is_open(name: str) -> bool:
        return name not in left_out and (shows_hidden or not name.startswith("."))

    def is_out(path: Sequence[str]) -> bool:
        return any(fnmatchcase("/".join(path), exclusion) for exclusion in excluded)

    for folder, subfolders, names in os.walk(base, onerror=_refuse_unreadable):
        here = Path(folder).relative_to(base).parts
        if _CACHED.fullmatch(Path(folder).absolute().name):
            left_out = {*left_out, "blobs", "refs"}
        if Path(folder).name == "snapshots" and _CACHED.fullmatch(Path(folder).absolute().parent.name):
            _check_snapshots(folder, subfolders, parts, here, where)
        wholes = [name for name in sorted(subfolders) if is_open(name) and _is_whole((*here, name), parts)]
        subfolders[:] = sorted(name for name in subfolders if is_open(name) and _leads((*here, name), parts))
        subfolders[:] = [name for name in subfolders if not is_out((*here, name))]
        files = [name for name in sorted(names) if is_open(name) and _matches((*here, name), parts)]
        files = [name for name in files if not is_out((*here, name))]
        led_out = {name for name in (*subfolders, *files) if _leads_out(Path(folder, name), base)}
        if led_out and not is_stdlib:
            file = Path(folder, min(led_out))
            if not file.exists():
                raise UserError(f"{where}: '{file}' {dead_link(file)}.")
            raise UserError(
                f"{where}: '{file}' is a link that leads out of '{base}'; name where it leads to, or leave it out by "
                "`exclude`."
            )
        yield from (("/".join((*here, name)), Path(folder, name), False) for name in files if name not in led_out)
        for name in wholes:
            for path, file, _ in _walk(Path(folder, name), ("**",), is_stdlib, where, ()):
                if not is_out((*here, name, path)):
                    yield "/".join((*here, name, path)), file, True


def _check_snapshots(
    folder: str, commits: Sequence[str], parts: Sequence[str], here: Sequence[str], where: str
) -> None:
    matched = sorted(commit for commit in commits if _leads((*here, commit), parts))
    if len(matched) > 1:
        raise UserError(
            f"{where}: '{folder}' holds {len(matched)} commits of one repository ({', '.join(matched)}), whose "
            "files are mostly the same; name one of them."
        )


def _is_whole(folder: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a folder is named like a file and matches like one; what `**` matches is walked anyway."""
    return suffix_of(folder[-1]) in RECORD_SUFFIXES and _matches(folder, parts) and not _leads(folder, parts)


def _leads_out(file: Path, base: Path) -> bool:
    if not file.is_symlink():
        return False
    target = Path(os.path.realpath(file))  # Path.resolve raises where a link leads to itself
    if target.is_relative_to(base.resolve()):
        return False
    cached = next((parent for parent in file.absolute().parents if _CACHED.fullmatch(parent.name)), None)
    return cached is None or not target.is_relative_to(cached.resolve())


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
