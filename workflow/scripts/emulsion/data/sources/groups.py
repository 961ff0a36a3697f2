"""A group of another source as a source of its own, such as the seven of SlimPajama."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.files import read_json


def link_group(
    manifest_file: Path, name: str, source: Mapping[str, Any], folder: Path
) -> tuple[list[Path], dict[str, Any]]:
    """Link the files of one group into `folder`; its origin is that of the source it is a group of.

    source: {of, field, value}. Raises UserError where the manifest is of another source or field, or has no such value.
    """
    manifest = read_json(manifest_file)
    for key, found in (("of", manifest["source"]["source"]), ("field", manifest["field"])):
        if source[key] != found:
            raise UserError(f"sources.{name}.{key}: is '{source[key]}', but {manifest_file} was split from '{found}'.")
    if source["value"] not in manifest["groups"]:
        raise unknown("value", source["value"], manifest["groups"], f"sources.{name}.value")
    group = manifest["groups"][source["value"]]
    files, rows = [], {}
    for entry in group["files"]:
        target = manifest_file.parent / group["folder"] / entry["name"]
        link = folder / entry["name"]
        link.symlink_to(os.path.relpath(target, folder))
        files.append(link)
        rows[link.name] = entry["rows"]
    origin = {**manifest["source"], **{key: source[key] for key in ("kind", "of", "field", "value")}}
    origin.pop("source")
    return files, {**origin, "documents": group["rows"], "rows": rows}
