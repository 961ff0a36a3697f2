"""Which modules of the library a script is made of, found by reading its imports.

Cheap rules take them as inputs, so that editing an analysis makes again what it made, and nothing else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "emulsion"
# The statements alone are looked for: to parse the library takes ten times as long, and every dry run waits for it. A
# statement begins a line or follows `;` or `:`; what only looks like one, in a text, does no harm.
GAP = r"(?:[ \t]|\\\n)"
NAMES = r"\((?:[^)#]|#[^\n]*)*\)|(?:[^\n\\;#]|\\\n)+"
STATEMENT = re.compile(
    rf"(?:^|[;:]){GAP}*(?:from{GAP}*([\w.]+){GAP}*\bimport\b{GAP}*({NAMES})|import{GAP}+({NAMES}))", re.MULTILINE
)
IGNORED = re.compile(r"#[^\n]*|[()\\]")


def imports_of(script: Path) -> list[Path]:
    """The files of the library that a script imports, directly or through others, sorted; itself left out.

    script: a Python file in the folder that holds the package. Imports inside functions count too: they run as well.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        for module in modules_of(waiting.pop()):
            if module not in found:
                found.add(module)
                waiting.append(module)
    return sorted(found)


@functools.cache  # the Snakefile asks for every cheap script, and most of them share modules
def modules_of(file: Path) -> tuple[Path, ...]:
    """The files of the modules that one file imports, with the packages on the way to them."""
    root = _folder_of_package(file)
    return tuple(path for name in _names(file, file.parent.relative_to(root).parts) for path in _files(root, name))


def _folder_of_package(file: Path) -> Path:
    parents = [parent for parent in file.parents if (parent / PACKAGE / "__init__.py").exists()]
    return parents[0]


def _names(file: Path, package: tuple[str, ...]) -> Iterator[str]:
    """Dotted names that may be modules: `from a.b import c` can mean the module a.b.c."""
    for origin, names, modules in STATEMENT.findall(file.read_text(encoding="utf-8")):
        imported = [words[0] for part in re.sub(IGNORED, "", names + modules).split(",") if (words := part.split())]
        if origin:
            imported = [_absolute(origin, package), *(f"{_absolute(origin, package)}.{name}" for name in imported)]
        yield from imported


def _absolute(name: str, package: tuple[str, ...]) -> str:
    """The full name of `.a`, of `..a` or of `.` in a module of this package."""
    relative = name.lstrip(".")
    if not (dots := len(name) - len(relative)):
        return name
    return ".".join([*package[: len(package) - dots + 1], *filter(None, [relative])])


@functools.cache
def _files(root: Path, name: str) -> tuple[Path, ...]:
    """The files of a dotted name: its packages', and its own where it is a module."""
    package, _, last = name.rpartition(".")
    if name.split(".")[0] != PACKAGE:
        return ()
    path = root.joinpath(*name.split("."))
    own = tuple(
        file for file in (path / "__init__.py", root.joinpath(*package.split("."), f"{last}.py")) if file.exists()
    )
    return (*_files(root, package), *own)
