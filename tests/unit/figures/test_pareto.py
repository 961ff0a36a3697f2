"""The trade-off figure: points in their places, the front marked, no number hidden behind another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from analysis_cases import points_of
from emulsion.analysis.trade_offs import pareto
from emulsion.errors import UserError
from emulsion.figures.pareto import draw_pareto_front, pair_title, spread, staircase
from emulsion.figures.style import FAINT, OTHER, PALETTE
from figure_results import capabilities

SCORES = [(0.2, 0.8), (0.4, 0.7), (0.5, 0.5), (0.6, 0.4), (0.8, 0.2), (0.3, 0.3)]
RUNS = {
    f"mix_{i}": capabilities({"reasoning": x, "code": y, "chat": 0.5 - 0.01 * i}) for i, (x, y) in enumerate(SCORES)
}


def _loss(loss: float) -> dict:
    return {"loss": loss, "interval": [loss - 0.05, loss + 0.05]}


def _figure(runs: dict):
    return draw_pareto_front(runs, pareto(points_of(runs)))


def test_points_carry_their_numbers_at_their_scores() -> None:
    runs = {name: capabilities({"reasoning": x, "code": y}) for name, (x, y) in zip(RUNS, SCORES, strict=True)}
    axes = _figure(runs).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Reasoning (score)", "Code (score)")
    assert {text.get_text(): text.xy for text in axes.texts} == {str(i + 1): xy for i, xy in enumerate(SCORES)}


def test_only_the_front_is_filled_and_blue() -> None:
    runs = {name: capabilities({"reasoning": x, "code": y}) for name, (x, y) in zip(RUNS, SCORES, strict=True)}
    axes = _figure(runs).axes[0]
    discs = {t.get_text(): to_hex(t.get_bbox_patch().get_facecolor()) for t in axes.texts}
    assert discs == {**dict.fromkeys("12345", PALETTE["blue"].lower()), "6": "#ffffff"}
    colours = [(each.lines[0].get_color(), to_hex(each.lines[2][0].get_color()[0])) for each in axes.containers]
    assert colours == 5 * [(PALETTE["blue"], "#9cc4de")] + [(FAINT, to_hex(OTHER))]


def test_bars_across_and_up_are_the_intervals_of_both_capabilities() -> None:
    runs = {name: capabilities({"reasoning": x, "code": y}) for name, (x, y) in zip(RUNS, SCORES, strict=True)}
    runs["mix_0"]["capabilities"]["reasoning"]["interval"] = [0.15, 0.4]
    runs["mix_0"]["capabilities"]["code"]["interval"] = [0.5, 0.9]
    across, up = _figure(runs).axes[0].containers[0].lines[2]
    assert across.get_segments()[0] == pytest.approx(np.array([[0.15, 0.8], [0.4, 0.8]]))
    assert up.get_segments()[0] == pytest.approx(np.array([[0.2, 0.5], [0.2, 0.9]]))


def test_of_losses_the_front_is_what_nothing_is_below_on_both_sources() -> None:
    losses = {"a": (1.0, 4.0), "b": (2.0, 3.0), "c": (3.0, 1.0), "d": (3.5, 3.5)}
    summary = {
        name: {"sources": {"web": _loss(web), "code": _loss(code)}, "mean": _loss((web + code) / 2)}
        for name, (web, code) in losses.items()
    }
    relation = {"a": "web", "b": "code", "rho": -0.4, "verdict": "no clear relation"}
    figure = draw_pareto_front(summary, {"front": ["a", "b", "c"], "trade_offs": [relation]}, lower=True)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Loss on web (nats)", "Loss on code (nats)")
    assert {text.xy for text in axes.texts} == set(losses.values())
    (front,) = [line for line in axes.lines if line.get_drawstyle() == "steps-pre"]
    assert [tuple(place) for place in front.get_xydata()] == [losses["c"], losses["b"], losses["a"]]
    assert axes.get_title(loc="left") == "Two sources"
    assert "as low on every source and lower on one" in " ".join(figure._supxlabel.get_text().split())


def test_every_mixture_is_in_the_legend_with_its_number() -> None:
    texts = [text.get_text() for text in _figure(RUNS).legends[0].get_texts()]
    assert texts == [f"{i + 1}  Mix {i}" for i in range(6)]


@pytest.mark.parametrize("name", ["mixture_of_a_long_name", "WWWWWWWWWWWWWWWWWWWW"])
def test_a_legend_of_long_names_stays_on_the_page(name: str) -> None:
    runs = {f"{name}_{i}": each for i, each in enumerate(RUNS.values())}
    figure = _figure(runs)
    FigureCanvasAgg(figure).draw()
    legend = figure.legends[0].get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.x1 and legend.width > 0.5 * figure.bbox.width


def test_correlations_stand_below_the_diagonal_once_each() -> None:
    axes = _figure(RUNS).axes[1]
    assert len(axes.texts) == 3
    found = pareto(points_of(RUNS))["trade_offs"]
    assert sorted(t.get_text() for t in axes.texts) == sorted(f"{r['rho']:+.2f}".replace("-", "−") for r in found)


@pytest.mark.parametrize("name", ["skill", "a deduplicated subset of code"])
@pytest.mark.parametrize("count", [6, 7, 16, 18])
def test_numbers_of_the_matrix_do_not_overlap_however_many_capabilities_there_are(count: int, name: str) -> None:
    runs = {
        f"m{i}": capabilities({f"{name} {j}": 0.1 + (i * 7 + j * j) % 11 / 14 for j in range(count)}) for i in range(6)
    }
    figure = _figure(runs)
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in figure.axes[1].texts]
    assert len(boxes) == (count * (count - 1) // 2 if count <= 16 else 0)
    names = [label.get_window_extent() for label in figure.axes[1].get_yticklabels()]
    for some in (boxes, names):
        for number, box in enumerate(some):
            assert not any(box.overlaps(other) for other in some[number + 1 :])


@pytest.mark.parametrize(("count", "rows"), [(2, 2), (6, 2), (7, 1), (18, 1)])
def test_long_names_stay_on_the_page_and_in_the_matrix_in_as_many_rows_as_there_is_room_for(
    count: int, rows: int
) -> None:
    names = [f"{number:02d}_{'of_a_skill_with_a_long_name_' * 4}" for number in range(count)]
    runs = {f"m{i}": capabilities({name: 0.1 + (i * 7 + j) % 11 / 14 for j, name in enumerate(names)}) for i in (0, 1)}
    figure = _figure(runs)
    FigureCanvasAgg(figure).draw()
    points, matrix = figure.axes
    for label in (points.xaxis.label.get_window_extent(), points.yaxis.label.get_window_extent()):
        assert 0 <= label.x0 < label.x1 <= figure.bbox.x1 and 0 <= label.y0 < label.y1 <= figure.bbox.y1
    assert {label.get_text().count("\n") + 1 for label in matrix.get_xticklabels()} == {rows}


def test_few_mixtures_have_no_correlation_but_a_figure() -> None:
    axes = _figure(dict(list(RUNS.items())[:3])).axes[1]
    assert {text.get_text() for text in axes.texts} == {"n/a"}


def test_the_title_claims_a_trade_off_only_where_it_is_significant() -> None:
    assert pair_title({"rho": -0.9, "verdict": "trade-off"}) == "The strongest trade-off (rho −0.90)"
    assert "not significant" in pair_title({"rho": -0.2, "verdict": "no clear relation"})
    assert pair_title(None) == "Two capabilities"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_staircase_is_what_nothing_beats_on_both_axes(points: list[tuple[int, int]]) -> None:
    best = {p for p in points if not any(q != p and q[0] >= p[0] and q[1] >= p[1] for q in points)}
    assert staircase(points) == sorted(best)


def test_discs_that_coincide_are_moved_apart_and_others_stay() -> None:
    places = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [100.0, 100.0]])
    moved = spread(places, 10.0)
    gaps = np.hypot(*(moved[:, None] - moved[None]).transpose(2, 0, 1)) + 1e9 * np.eye(4)
    assert gaps.min() > 9.9
    assert moved[3] == pytest.approx(places[3], abs=0.01)
    assert np.array_equal(moved, spread(places, 10.0))


def test_one_capability_makes_no_trade_off() -> None:
    with pytest.raises(UserError, match="at least 2"):
        draw_pareto_front({"a": capabilities({"reasoning": 0.5})}, {})
