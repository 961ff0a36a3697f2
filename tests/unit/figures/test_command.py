"""The scripts: a figure from files by hand, and mistakes in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from emulsion import command
from emulsion.figures.heatmap import draw_capability_heatmap
from emulsion.figures.run_files import RunFiles
from emulsion.files import read_json, write_json
from figure_results import capabilities

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"


def write_inputs(folder: Path) -> list[str]:
    paths = [folder / "b.json", folder / "a.json"]
    for path, score in zip(paths, (0.6, 0.5), strict=True):
        write_json(path, capabilities({"reasoning": score, "code": 0.4, "creativity": 0.3}))
    return [str(path) for path in paths]


def options(runs: list[str], inputs: list[str], output: Path) -> list[str]:
    return ["--runs", *runs, "--inputs", *inputs, "--output", str(output)]


def draw_figure(draw, words: list[str]) -> None:
    def main(*, files: RunFiles) -> None:
        files.draw(read_json, draw)

    command.run(main, words)


def seen_with(runs: list[str], folder: Path) -> list[tuple[str, list[float]]]:
    """What reaches the drawing: (name, reasoning score of each of its files)."""
    seen = {}

    def draw(results):
        seen.update(results)
        return draw_capability_heatmap({name: records[0] for name, records in results.items()}, {})

    draw_figure(draw, options(runs, write_inputs(folder), folder / "new" / "f.png"))
    assert (folder / "new" / "f.png").read_bytes().startswith(b"\x89PNG")
    return [(name, [r["capabilities"]["reasoning"]["score"] for r in records]) for name, records in seen.items()]


def test_names_and_files_go_in_pairs_in_order(tmp_path):
    assert seen_with(["b", "a"], tmp_path) == [("b", [0.6]), ("a", [0.5])]


def test_a_name_given_twice_has_two_seeds(tmp_path):
    assert seen_with(["b", "b"], tmp_path) == [("b", [0.6, 0.5])]


def test_mixtures_with_the_same_runs_are_drawn_once_under_both_names(tmp_path):
    inputs, records, seen = write_inputs(tmp_path), [tmp_path / "b.run", tmp_path / "a.run"], {}
    for record in records:
        write_json(record, {"identity": "same"})

    def draw(results):
        seen.update(results)
        return draw_capability_heatmap({name: found[0] for name, found in results.items()}, {})

    words = [*options(["b", "a"], inputs, tmp_path / "f.png"), "--records", *map(str, records)]
    draw_figure(draw, words)
    assert {name: len(found) for name, found in seen.items()} == {"b = a": 1}


def test_of_mixtures_whose_first_run_is_drawn_no_other_file_is_read_nor_what_is_not_looked_at(tmp_path):
    inputs, read, found = write_inputs(tmp_path), [], {}

    def read_noting(path):
        read.append(path.name)
        return read_json(path)

    def draw(results):
        assert list(results) == ["x", "y"] and len(results) == 2
        found["x"] = results["x"]
        return draw_capability_heatmap(found, {})

    def main(*, files: RunFiles) -> None:
        files.draw_first(read_noting, draw)

    command.run(main, options(["x", "x", "y"], [*inputs, str(tmp_path / "missing.json")], tmp_path / "f.png"))
    assert read == ["b.json"] and found["x"]["capabilities"]["reasoning"]["score"] == 0.6


def test_pairs_that_do_not_match_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        draw_figure(draw_capability_heatmap, options(["b"], write_inputs(tmp_path), tmp_path / "f"))
    assert stopped.value.code == 1
    assert "1 runs, --inputs 2 files" in capsys.readouterr().err
    assert not (tmp_path / "f").exists()


def test_a_script_draws_the_same_bytes_twice_and_says_mistakes_in_one_line(tmp_path):
    def draw(name: str, inputs: list[str]) -> subprocess.CompletedProcess[str]:
        script = str(SCRIPTS / "plot_capability_heatmap.py")
        command = [sys.executable, script, *options(["b", "a"], inputs, tmp_path / name)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    inputs = write_inputs(tmp_path)
    for name in ("first.png", "second.png"):
        done = draw(name, inputs)
        assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()

    failed = draw("third.png", [inputs[0], str(tmp_path / "missing.json")])
    assert failed.returncode == 1
    assert failed.stderr == f"error: {tmp_path / 'missing.json'}: no such file.\n"
