"""The scripts: a figure from files by hand, and mistakes in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from emulsion.figures.command import main
from emulsion.figures.heatmap import capability_heatmap
from emulsion.files import read_json, write_json

from .results import capabilities

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"


def _inputs(folder: Path) -> list[str]:
    paths = [folder / "b.json", folder / "a.json"]
    for path, score in zip(paths, (0.6, 0.5), strict=True):
        write_json(path, capabilities({"reasoning": score, "code": 0.4, "creativity": 0.3}))
    return [str(path) for path in paths]


def test_names_and_files_go_in_pairs_in_order(tmp_path: Path) -> None:
    seen = {}

    def draw(results):
        seen.update(results)
        return capability_heatmap(results)

    arguments = [
        "--runs",
        "b",
        "a",
        "--inputs",
        *_inputs(tmp_path),
        "--output",
        str(tmp_path / "new" / "f.png"),
    ]
    assert main("", read_json, draw, arguments) == 0
    assert [(run, result["capabilities"]["reasoning"]["score"]) for run, result in seen.items()] == [
        ("b", 0.6),
        ("a", 0.5),
    ]
    assert (tmp_path / "new" / "f.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("runs", "words"), [(["b"], "1 runs, --inputs 2 files"), (["b", "b"], "b named more than once")]
)
def test_pairs_that_do_not_match_are_refused(tmp_path: Path, capsys, runs: list[str], words: str) -> None:
    arguments = ["--runs", *runs, "--inputs", *_inputs(tmp_path), "--output", str(tmp_path / "f.png")]
    assert main("", read_json, capability_heatmap, arguments) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "f.png").exists()


def test_a_script_draws_the_same_bytes_twice_and_says_mistakes_in_one_line(tmp_path: Path) -> None:
    def draw(name: str, inputs: list[str]) -> subprocess.CompletedProcess[str]:
        script = str(SCRIPTS / "plot_capability_heatmap.py")
        command = [
            sys.executable,
            script,
            "--runs",
            "b",
            "a",
            "--inputs",
            *inputs,
            "--output",
            str(tmp_path / name),
        ]
        return subprocess.run(command, capture_output=True, text=True)

    inputs = _inputs(tmp_path)
    for name in ("first.png", "second.png"):
        done = draw(name, inputs)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()

    failed = draw("third.png", [inputs[0], str(tmp_path / "missing.json")])
    assert failed.returncode == 1
    assert failed.stderr == f"error: {tmp_path / 'missing.json'}: no such file.\n"
