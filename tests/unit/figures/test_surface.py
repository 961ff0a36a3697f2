"""The fitted surface: its parts by the number of sources, the optimum, and what cannot be told from it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.tri import TriContourSet

from emulsion.errors import UserError
from emulsion.figures.style import text_on
from emulsion.figures.surface import draw_surface, place_in_triangle, remark
from emulsion.methods import create
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture

NAMES = ("web", "code", "books", "chats")


def mapped(m: int, surrogate: str = "log_linear", objective: str = "mean_loss", listed: int = 1, **more: Any) -> dict:
    """The content of surface.json of runs whose losses each source lowers for itself; listed -1: in reverse."""
    names = NAMES[:m]
    rows = np.random.default_rng(1).dirichlet(np.ones(m), 12)
    mixtures = {f"run{n}": Mixture(dict(zip(names, row.tolist(), strict=True))) for n, row in enumerate(rows)}
    losses = {run: {name: 3 + np.exp(-3 * mixture[name]) for name in names} for run, mixture in mixtures.items()}
    scores = {run: {"x": 1 - sum(each.values()) / 10} for run, each in losses.items()}
    known = {"sizes": dict.fromkeys(names, 1000), "tokens": 10, **more}
    evidence = Evidence(mixtures=mixtures, losses=losses, capabilities=scores, **known)
    given = {"objective": objective, "bounds": [0.0, 1.0], "surrogate": surrogate, "surrogates": [surrogate]}
    method = create("optimum", names[::listed], resamples=20, **given)
    method.propose(evidence)
    return json.loads(json.dumps(method.surface(evidence), allow_nan=False))


@pytest.mark.parametrize(("m", "parts"), [(2, ["web"]), (3, [None]), (4, list(NAMES))])
def test_two_sources_are_a_curve_three_a_triangle_and_more_a_panel_each(m: int, parts: list) -> None:
    found = mapped(m)
    assert [part["source"] for part in found["parts"]] == parts and found["lower"]
    for part in found["parts"]:
        weights = np.array([point["weights"] for point in part["points"]])
        np.testing.assert_allclose(weights.sum(axis=1), 1)
        values = [point["value"] for point in part["points"]]
        assert min(values) >= found["best"]["value"] - 1e-6  # losses, of which the best is the lowest
        assert all(point["value"] <= found["best"]["value"] + 0.3 for point in part["points"] if point["tied"])
    drawn = [axes for axes in draw_surface(found).axes if axes.get_visible()]
    assert len(drawn) == (2 if m == 3 else len(parts))  # the triangle has a bar of colours
    assert "Optimum: web" in remark(found)


@pytest.mark.parametrize(("m", "capped"), [(2, "web"), (2, "code"), (3, "code"), (4, "web")])
def test_nothing_beyond_a_sources_cap_on_epochs_is_tied_with_the_optimum(m: int, capped: str) -> None:
    # A gaussian process is tied by its error, here far beyond the optimum on both sides.
    sizes = {**dict.fromkeys(NAMES[:m], 1000), capped: 60}
    found = mapped(m, "gaussian_process", sizes=sizes, tokens=1000, max_epochs=4)
    free = mapped(m, "gaussian_process")
    shares = [
        [p["weights"][NAMES.index(capped)] for p in each["parts"][0]["points"] if p["tied"]] for each in (found, free)
    ]
    assert max(shares[0]) <= 0.24 + 1e-6 < max(shares[1])


def test_a_share_that_grows_only_as_another_shrinks_may_pass_its_cap_on_a_curve_of_many() -> None:
    sizes = {**dict.fromkeys(NAMES, 1000), "web": 60}
    found = mapped(4, "gaussian_process", sizes=sizes, tokens=1000, max_epochs=4)
    of_code = next(part for part in found["parts"] if part["source"] == "code")
    assert max(point["weights"][0] for point in of_code["points"] if point["tied"]) > 0.25


@pytest.mark.parametrize("surrogate", ["lightgbm", "gaussian_process", "log_linear"])
@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_order_of_sources_is_that_of_the_axes_and_changes_no_value(m: int, surrogate: str) -> None:
    there, back = mapped(m, surrogate), mapped(m, surrogate, listed=-1)
    assert there["sources"] == list(NAMES[:m]) and back["sources"] == list(NAMES[:m])[::-1]
    assert there["best"]["value"] == back["best"]["value"]
    assert there["best"]["weights"] == back["best"]["weights"][::-1]
    assert [run["weights"] for run in there["runs"]] == [run["weights"][::-1] for run in back["runs"]]
    values = []
    for found in (there, back):
        points = [point for part in found["parts"] for point in part["points"]]
        shares = [dict(zip(found["sources"], np.round(point["weights"], 9).tolist(), strict=True)) for point in points]
        known = [tuple(share[name] for name in NAMES[:m]) for share in shares]
        values.append(dict(zip(known, [point["value"] for point in points], strict=True)))
    assert values[0].keys() == values[1].keys()
    assert [values[1][at] for at in values[0]] == pytest.approx(list(values[0].values()), abs=1e-9)


def test_the_curve_is_in_the_middle_of_its_interval() -> None:
    points = mapped(2, objective="mean_capability")["parts"][0]["points"]
    assert all(point["interval"][0] < point["interval"][1] for point in points)
    assert [sum(point["interval"]) / 2 for point in points] == pytest.approx([point["value"] for point in points])


def test_a_surrogate_that_is_not_refitted_goes_by_its_error_and_has_no_band() -> None:
    found = mapped(2, "gaussian_process")
    assert "leave-one-out error" in found["tied_by"] and "interval" not in found["parts"][0]["points"][0]
    assert any(point["tied"] for point in found["parts"][0]["points"])
    draw_surface(found)


def test_scores_are_drawn_as_scores() -> None:
    found = mapped(2, objective="mean_capability")
    assert not found["lower"] and draw_surface(found).axes[0].get_ylabel() == "Score"


@pytest.mark.parametrize("objective", ["mean_loss", "mean_capability"])
def test_runs_have_the_values_that_they_reached_and_the_surface_is_of_the_same_kind(objective: str) -> None:
    found = mapped(2, objective=objective)
    for run in [*found["runs"], found["best"], *found["parts"][0]["points"]]:
        losses = 3 + np.exp(-3 * np.array(run["weights"]))
        reached = losses.mean() if objective == "mean_loss" else 1 - losses.sum() / 10
        assert run["value"] == pytest.approx(reached, abs=0.05)


def test_every_panel_draws_its_curve_what_is_tied_the_runs_and_the_optimum_by_the_share_of_its_source() -> None:
    found = mapped(4)
    for place, (axes, part) in enumerate(zip(draw_surface(found).axes, found["parts"], strict=False)):
        curve, tied, runs, best = (line.get_xydata() for line in axes.lines)
        points = [(point["weights"][place], point["value"]) for point in part["points"]]
        assert curve.tolist() == pytest.approx(np.array(points))
        of_tied = [point["tied"] for point in part["points"]]
        assert (~np.isnan(tied[:, 1])).tolist() == of_tied and tied[of_tied].tolist() == curve[of_tied].tolist()
        assert runs.tolist() == [[run["weights"][place], run["value"]] for run in found["runs"]]
        assert best.tolist() == [[found["best"]["weights"][place], found["best"]["value"]]]


def test_corners_of_the_triangle_are_the_sources() -> None:
    assert place_in_triangle([1, 0, 0]) == (0, 0) and place_in_triangle([0, 1, 0]) == (1, 0)
    assert place_in_triangle([0, 0, 1]) == pytest.approx((0.5, 0.8660254))


def test_a_run_can_be_seen_on_the_darkest_and_the_brightest_surface() -> None:
    (runs,) = [each for each in draw_surface(mapped(3)).axes[0].collections if isinstance(each, PathCollection)]
    rims = {to_hex(rim) for rim in runs.get_edgecolors()}
    assert rims == {"#000000", "#ffffff"}
    for face, rim in zip(runs.get_facecolors(), runs.get_edgecolors(), strict=True):
        assert to_hex(text_on(face[:3])) == to_hex(rim)


def test_no_tick_of_the_colours_is_drawn_where_its_value_is_not() -> None:
    figure = draw_surface(mapped(3))
    figure.draw_without_rendering()
    bar = figure.axes[-1]
    low, high = bar.get_ylim()
    ticks = bar.get_yticks()
    assert len(ticks) > 1 and low <= min(ticks) and max(ticks) <= high


def test_an_empty_file_is_named() -> None:
    with pytest.raises(UserError, match=r"surface\.json"):
        draw_surface({"parts": []})


@pytest.mark.parametrize("objective", ["mean_loss", "mean_capability"])
def test_colours_reach_from_the_worst_run_to_the_best_point(objective: str) -> None:
    found = mapped(3, "gaussian_process", objective)
    sign = 1 if found["lower"] else -1
    values = [sign * point["value"] for point in found["parts"][0]["points"]]
    worst, best = max(sign * run["value"] for run in found["runs"]), min(values)
    found["parts"][0]["points"][0]["value"] = sign * (worst + 1000)
    (contours,) = [each for each in draw_surface(found).axes[0].collections if isinstance(each, TriContourSet)]
    assert sorted(sign * contours.levels[[0, -1]]) == pytest.approx([best, worst])


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_legend_has_no_mixtures_that_cannot_be_told_from_the_optimum_where_there_are_none(m: int) -> None:
    found = mapped(m)
    said = "cannot be told from the optimum"
    for part in found["parts"]:
        part["points"][0]["tied"] = True
    assert said in [text.get_text() for text in draw_surface(found).legends[0].get_texts()]
    for part in found["parts"]:
        part["points"] = [{**point, "tied": False} for point in part["points"]]
    assert said not in [text.get_text() for text in draw_surface(found).legends[0].get_texts()]
