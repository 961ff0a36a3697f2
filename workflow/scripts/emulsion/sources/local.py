"""Sources of files on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.errors import UserError

LOCAL_SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz")


def local_files(name: str, source: Mapping[str, Any]) -> list[Path]:
    """The files a local source names, in order; raises UserError where a pattern matches none."""
    files: list[Path] = []
    for pattern in source["files"]:
        path = Path(pattern)
        found = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)) if path.anchor else pattern))
        if not found:
            raise UserError(f"sources.{name}.files: no file matches '{pattern}'.")
        files += found
    for file in files:
        if not file.name.endswith(LOCAL_SUFFIXES):
            raise UserError(f"sources.{name}.files: '{file}' is not one of {', '.join(LOCAL_SUFFIXES)}.")
    return files


def link_files(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    links = []
    for number, file in enumerate(local_files(name, source)):
        suffix = next(suffix for suffix in LOCAL_SUFFIXES if file.name.endswith(suffix))
        link = folder / f"part-{number:05d}{suffix}"
        link.symlink_to(file.resolve())
        links.append(link)
    return links, {"kind": "local", "patterns": list(source["files"])}
