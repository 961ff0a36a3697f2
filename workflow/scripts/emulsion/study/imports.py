"""Which modules of the library a script is made of, found by reading its imports.

Cheap rules take them as inputs, so that editing an analysis makes again what it made, and nothing else.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "emulsion"
BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")


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
    return tuple(path for name in _names(file) for path in _files(root, name))


def _folder_of_package(file: Path) -> Path:
    parents = [parent for parent in file.parents if (parent / PACKAGE / "__init__.py").exists()]
    return parents[0]


def _names(file: Path) -> Iterator[str]:
    """Dotted names that may be modules: `from a.b import c` can mean the module a.b.c."""
    waiting: list[ast.AST] = [ast.parse(file.read_bytes(), str(file))]
    while waiting:
        node = waiting.pop()
        # Of statements only those that hold others can hold imports; expressions, most of a file, hold none.
        waiting += [each for block in BLOCKS for each in getattr(node, block, ())]
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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
