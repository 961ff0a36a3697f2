"""What is read of a model or tokenizer folder: no code, no pickles, and nothing that is not what was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.files import again, read_given, read_json, sha256

SETTINGS = ("config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json")
RECORD = "run.json"


def refuse_code(folder: Path | str) -> None:
    """Raise UserError where the settings of a model or tokenizer name classes of their own (`auto_map`).

    transformers would import them from the Python files that come with it: code of whoever made the folder.
    """
    for name in SETTINGS:
        file = Path(folder) / name
        if not file.exists():
            continue
        if read_given(file).get("auto_map"):
            raise UserError(
                f"{file}: `auto_map` names code that comes with it, and Emulsion runs no code of a model or tokenizer. "
                "Take one of an architecture that transformers has; or, if it is one and needs no code, delete "
                "`auto_map` there."
            )


def check_model(folder: Path) -> None:
    """Raise UserError where a file of a model that a run has made is not what its record, `run.json`, has the hash of.

    A folder without a record, from elsewhere, is taken as it is.
    """
    for name, wanted in record_of(folder).get("files", {}).items():
        check_file(folder / name, wanted, folder / RECORD)


def record_of(folder: Path) -> dict[str, Any]:
    """The record of the run that has made a model; empty where there is none, or one of another program's."""
    record = read_json(folder / RECORD) if (folder / RECORD).exists() else {}
    return record if isinstance(record, dict) and isinstance(record.get("files", {}), dict) else {}


def check_file(file: Path, wanted: str, record: Path) -> None:
    """Raise UserError unless a file has the SHA-256 that its record says."""
    if not file.is_file():
        raise UserError(f"{file}: missing, and {record} lists it. {again(record)}")
    if sha256(file) != wanted:
        raise UserError(
            f"{file}: damaged or edited: it is not the file that {record} has the SHA-256 of. {again(record)}"
        )
