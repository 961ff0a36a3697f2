"""The study at a glance: every law's R2, its ceiling and its groups, by setting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex

from emulsion.errors import UserError
from emulsion.figures.law_fits import LAWS, Fit, draw_law_fits, lanes, lower_limit
from emulsion.files import write_json
from law_results_cases import dynamic_result, static_result

LABELS = {"planted3": "Three groups", "planted2": "OpenHermes/Magpie"}
PUBLISHED = {"static_r2": 0.991, "dynamic_r2": 0.947}
SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"


def _figure(
    static: list[Any] | None = None, dynamic: list[Any] | None = None, published: dict[str, Any] | None = None
) -> Any:
    static = [static_result(2), static_result(3)] if static is None else static
    dynamic = [dynamic_result(2, sets=("early", "rest"))] if dynamic is None else dynamic
    return draw_law_fits(static, dynamic, LABELS, PUBLISHED if published is None else published, "A study")


def _large(axes: Any, law: str) -> list[float]:
    _, colour, marker = LAWS[law]
    return [
        line.get_xdata()[0]
        for line in axes.lines
        if (line.get_color(), line.get_marker(), line.get_markersize()) == (colour, marker, 5)
    ]


def _small(axes: Any) -> list[float]:
    return [line.get_xdata()[0] for line in axes.lines if line.get_markersize() == 2.5]


def test_settings_are_in_the_order_of_the_labels_with_a_row_per_law_and_branch_set() -> None:
    axes = _figure().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Static",
        "Static",
        "Dynamic, early",
        "Dynamic, rest",
    ]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == ["Three groups", "OpenHermes/Magpie"]
    assert axes.get_title(loc="left") == "A study"


def test_means_are_those_of_the_files_and_written_at_the_right() -> None:
    axes = _figure().axes[0]
    static = [static_result(m)["per_seed"]["mean"]["r2"] for m in (3, 2)]
    sets = dynamic_result(2, sets=("early", "rest"))["branches"].values()
    assert _large(axes, "static") == static
    for law in ("linear", "log_linear"):
        means = [branches["quality"][law]["mean"]["r2"] for branches in sets]
        assert _large(axes, law) == means
        written = [t.get_text() for t in axes.texts if to_hex(t.get_color()) == LAWS[law][1].lower()]
        assert written == [f"{mean:.3f}" for mean in means]


def test_every_group_is_a_small_dot() -> None:
    axes = _figure([static_result(2), static_result(3)], []).axes[0]
    groups = [group["r2"] for m in (3, 2) for group in static_result(m)["per_seed"]["groups"].values()]
    assert _small(axes) == groups


def test_ceilings_are_ticks_and_one_seed_has_none() -> None:
    axes = _figure([static_result(2), static_result(3, seeds=(0,))], []).axes[0]
    ticks = [line.get_xdata()[0] for line in axes.lines if to_hex(line.get_color()) == "#1a1a1a"]
    assert (
        ticks
        == [static_result(2)["per_seed"]["noise"]["mean"]["ceiling"]]
        != [static_result(2)["noise"]["mean"]["ceiling"]]
    )


def test_published_values_are_dashed_lines_with_a_name_and_may_be_missing() -> None:
    def dashed(figure: Any) -> list[float]:
        return [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linestyle() == "--"]

    figure = _figure()
    assert dashed(figure) == [0.991, 0.947]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[-2:] == ["published, static (0.991)", "published, dynamic (0.947)"]
    assert dashed(_figure(published={"static_r2": 0.9, "dynamic_r2": None})) == [0.9]
    assert dashed(_figure(published={})) == []


def test_an_r2_far_below_zero_is_an_arrow_at_the_edge_and_said() -> None:
    static = [static_result(2), static_result(3)]
    static[0]["per_seed"]["mean"]["r2"] = -3.2
    figure = _figure(static, [])
    axes = figure.axes[0]
    (arrow,) = [line for line in axes.lines if line.get_marker() == "<"]
    assert arrow.get_xdata()[0] == axes.get_xlim()[0] == -0.25
    assert "−3.200" in [text.get_text() for text in axes.texts]
    assert "Arrow: an R² below −0.250" in " ".join(figure.get_supxlabel().split())


def test_an_r2_that_is_missing_is_written_as_such() -> None:
    static = [static_result(2), static_result(3)]
    static[0]["per_seed"]["mean"]["r2"] = None
    axes = _figure(static, []).axes[0]
    assert len(_large(axes, "static")) == 1
    assert "n/a" in [text.get_text() for text in axes.texts]


def test_laws_that_no_setting_has_are_not_in_the_legend() -> None:
    names = [text.get_text() for text in _figure(dynamic=[], published={}).legends[0].get_texts()]
    assert names == ["static, log-linear", "noise ceiling"]


@pytest.mark.parametrize(("least", "low"), [(0.95, 0.9), (0.93, 0.9), (0.42, 0.4), (-0.1, -0.2), (-5.0, -0.25)])
def test_the_axis_begins_below_the_least_but_not_far_below_zero(least: float, low: float) -> None:
    assert lower_limit([Fit("static", 0.99, [least, None], None)], {}) == pytest.approx(low)


def test_a_label_without_a_file_and_a_file_without_a_label_are_named() -> None:
    with pytest.raises(UserError, match="--labels names planted3, of which --static has no file"):
        lanes([static_result(2)], [], LABELS)
    with pytest.raises(UserError, match="unknown experiment 'planted3'"):
        lanes([static_result(2), static_result(3)], [], {"planted2": "Two"})


def test_the_script_draws_from_files(tmp_path) -> None:
    write_json(tmp_path / "static.json", static_result(2))
    write_json(tmp_path / "dynamic.json", dynamic_result(2, sets=("early",)))
    options = ["--static", "static.json", "--dynamic", "dynamic.json", "--title", '"A study"', "--output", "f.png"]
    named = ["--labels", json.dumps({"planted2": "Two"}), "--published", json.dumps(PUBLISHED)]
    command = [sys.executable, str(SCRIPTS / "plot_law_fits.py"), *options, *named]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")
