"""The static law's figure: points where the file has them, the law's line, none lost for want of a logarithm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from emulsion.errors import UserError
from emulsion.figures.static_law import draw_static_law, log_ticks, remark
from emulsion.laws.static import StaticLaw
from law_results_cases import static_result


def _points(axes: Axes, marker: str = "o") -> np.ndarray:
    return np.concatenate(
        [line.get_xydata() for line in axes.lines if line.get_marker() == marker] or [np.empty((0, 2))]
    )


def _line(axes: Axes) -> np.ndarray:
    return next(line.get_xydata() for line in axes.lines if line.get_marker() == "None")


def _texts(axes: Axes) -> str:
    return "\n".join(text.get_text() for text in axes.texts)


def _with_loss(found: dict[str, Any], place: int, group: str, loss: float) -> dict[str, Any]:
    points = [dict(point) for point in found["points"]]
    points[place] = {**points[place], "losses": {**points[place]["losses"], group: loss}}
    return {**found, "points": points}


def test_two_sources_are_drawn_against_the_share_of_the_groups_own() -> None:
    found = static_result(2)
    axes = draw_static_law(found).axes[1]
    c = found["law"]["c"]["magpie"]
    expected = [(p["weights"]["magpie"], p["losses"]["magpie"] - c) for p in found["points"]]
    np.testing.assert_allclose(np.sort(_points(axes), axis=0), np.sort(expected, axis=0))
    assert (axes.get_title(loc="left"), axes.get_xlabel(), axes.get_yscale()) == ("magpie", "Share of magpie", "log")


@pytest.mark.parametrize("m", [2, 3])
def test_the_line_is_the_law_and_straight(m: int) -> None:
    found = static_result(m)
    law = StaticLaw.from_json(found["law"])
    for index, axes in enumerate(draw_static_law(found).axes[:m]):
        line = _line(axes)
        ends = [{**p, "loss": law.predict([list(p["weights"].values())])[0, index]} for p in found["points"]]
        above = np.array([end["loss"] for end in ends]) - law.c[index]
        assert (line[:, 1].min(), line[:, 1].max()) == pytest.approx((above.min(), above.max()))
        np.testing.assert_allclose(np.diff(np.log(line[:, 1]), n=2), 0, atol=1e-9)


def test_more_sources_are_drawn_in_the_laws_own_coordinate_and_the_axis_says_so() -> None:
    found = static_result(3)
    figure = draw_static_law(found)
    a = found["law"]["A"]["magpie"]
    expected = [sum(a[s] * w for s, w in p["weights"].items()) for p in found["points"]]
    np.testing.assert_allclose(np.sort(_points(figure.axes[1])[:, 0]), np.sort(expected))
    assert figure.subfigs[0].get_supxlabel().startswith("Coordinate of the law: sum over sources j of A[group, j]")


def test_each_panel_has_its_r2_its_ceiling_and_its_c() -> None:
    found = static_result(2)
    quality, noise = found["quality"]["log_linear"]["groups"], found["noise"]["groups"]
    for axes, group in zip(draw_static_law(found).axes, found["sources"], strict=False):
        text = f"R² {quality[group]['r2']:.3f}, ceiling {noise[group]['ceiling']:.3f}\nc {found['law']['c'][group]:.3f}"
        assert _texts(axes) == text


def test_points_at_or_below_c_are_counted_and_stand_at_the_foot() -> None:
    found = static_result(2)
    c = found["law"]["c"]["magpie"]
    below = _with_loss(_with_loss(found, 0, "magpie", c), 10, "magpie", c - 0.1)
    figure = draw_static_law(below)
    assert "2 points at or below c" in _texts(figure.axes[1])
    assert "point" not in _texts(figure.axes[0])
    assert len(_points(figure.axes[1])) == len(found["points"]) - 2
    foot = _points(figure.axes[1], "v")
    assert sorted(foot[:, 0]) == pytest.approx(sorted(found["points"][k]["weights"]["magpie"] for k in (0, 10)))


def test_a_group_without_any_point_above_c_is_still_a_panel() -> None:
    found = static_result(2)
    law = {**found["law"], "b": {**found["law"]["b"], "magpie": 0.0}}
    for place, point in enumerate(found["points"]):
        found = _with_loss(found, place, "magpie", min(point["losses"]["magpie"], law["c"]["magpie"]))
    axes = draw_static_law({**found, "law": law}).axes[1]
    assert "18 points at or below c" in _texts(axes)
    assert not len(axes.get_yticks())


def test_seeds_differ_in_colour_and_are_named() -> None:
    figure = draw_static_law(static_result(2, seeds=(0, 3)))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seed 0", "seed 3", "the law"]
    assert len({line.get_color() for line in figure.axes[0].lines if line.get_marker() == "o"}) == 2
    found = static_result(2)
    [first, _] = [line for line in draw_static_law(found).axes[0].lines if line.get_marker() == "o"]
    group = found["sources"][0]
    own = sorted(point["losses"][group] for point in found["points"] if point["seed"] == found["seeds"][0])
    assert sorted(first.get_ydata() + found["law"]["c"][group]) == pytest.approx(own)


def test_with_one_seed_no_ceiling_is_claimed() -> None:
    found = static_result(2, seeds=(0,))
    assert "ceiling" not in _texts(draw_static_law(found).axes[0])
    assert "one seed" in remark(found, StaticLaw.from_json(found["law"]))


def test_an_r2_that_is_negative_or_missing_is_written() -> None:
    found = static_result(2)
    groups = found["quality"]["log_linear"]["groups"]
    groups["openhermes"]["r2"], groups["magpie"]["r2"] = -0.25, None
    assert [_texts(axes).split(",")[0] for axes in draw_static_law(found).axes[:2]] == ["R² −0.250", "R² n/a"]


@pytest.mark.parametrize(("low", "high"), [(0.11, 0.5), (1.5, 2.5), (1e-5, 10.0), (0.97, 1.04), (2.0, 2.001)])
def test_a_logarithmic_axis_has_a_few_numbers(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert all(low <= tick <= high for tick in ticks)


def test_nine_groups_have_nine_panels() -> None:
    shown = [axes.get_title(loc="left") for axes in draw_static_law(static_result(9)).axes if axes.get_visible()]
    assert shown == static_result(9)["sources"]


def test_an_incomplete_file_is_named() -> None:
    found = static_result(2)
    with pytest.raises(UserError, match=r"static_law\.json: no law, noise"):
        draw_static_law({key: value for key, value in found.items() if key not in ("law", "noise")})


def test_a_run_that_the_fit_set_aside_is_none_that_it_was_fitted_to() -> None:
    found = static_result(2)
    law = replace(StaticLaw.from_json(found["law"]), runs=17, set_aside=(2,))
    assert "one fit to 17 runs (1 more diverged and set aside)" in remark(found, law)
