"""A working folder with sources to merge."""

import json

import pytest

from hub_fixtures import fetch_server, hub, served_hub  # noqa: F401
from merging_cases import SIZES


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A working folder with the files of three sources; two rows of each hold no document."""
    monkeypatch.chdir(tmp_path)
    for name, (count, words) in SIZES.items():
        rows = [{"id": f"{name}-{number}", "text": f"{name} {number} " * words} for number in range(count)]
        lines = [json.dumps(row) for row in rows] + ['{"text": " "}', "{oops"]
        half = len(lines) // 2
        (tmp_path / f"{name}-0.jsonl").write_text("\n".join(lines[:half]) + "\n")
        (tmp_path / f"{name}-1.jsonl").write_text("\n".join(lines[half:]) + "\n")
    return tmp_path
