"""The heatmap of losses: the reference's losses, differences to it, and winners only where they are declared."""

from __future__ import annotations

from itertools import pairwise

import pytest

from emulsion.analysis.decide import Decision
from emulsion.figures.loss_heatmap import colour_reach, draw_loss_heatmap


def _loss(loss: float) -> dict:
    return {"loss": loss, "interval": [loss - 0.05, loss + 0.05]}


def _cell(difference: float, verdict: str) -> dict:
    return {"difference": difference, "interval": [difference - 0.01, difference + 0.01], "verdict": verdict}


LOSSES = {
    "sources": ["web", "code"],
    "weights": {"web": 0.5, "code": 0.5},
    "reference": "even",
    "mixtures": {
        name: {"mean": _loss(mean), "sources": {"web": _loss(mean - 0.5), "code": _loss(mean + 0.5)}}
        for name, mean in {"even": 4.0, "optimal": 3.9, "only_web": 4.5}.items()
    },
    "differences": {
        "only_web": {"web": _cell(-0.4, "lower"), "code": _cell(1.4, "higher"), "mean": _cell(0.5, "higher")},
        "optimal": {
            "web": _cell(-0.21, "lower"),
            "code": _cell(0.01, "no significant difference"),
            "mean": _cell(-0.1, "lower"),
        },
    },
}


def _decision(winner: str | None, claims: bool = True) -> Decision:
    tied = [winner] if winner else ["optimal", "even"]
    other = {"even": {}} if winner != "even" else {"optimal": {}}
    text = "one training each: no claim about mixtures" if not claims else ""
    return Decision(winner=winner, tied=tied, seeds=3, alpha=0.05, text=text, claims=claims, comparisons=other)


DECISIONS = {"web": _decision("optimal"), "code": _decision(None), "mean": _decision("optimal")}


def _said(decisions: dict) -> list[tuple[str, str, str]]:
    """(number, interval, weight) of each cell, column by column."""
    texts = draw_loss_heatmap(LOSSES, decisions).axes[0].texts
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [(value.get_text(), half.get_text(), value.get_fontweight()) for value, half in pairs]


def test_the_reference_comes_first_with_its_losses_then_differences_lowest_mean_first() -> None:
    said = _said(DECISIONS)
    assert said[:3] == [("3.500", "±.050", "normal"), ("−0.210", "±.010", "bold"), ("−0.400", "±.010", "normal")]
    assert [cell[0] for cell in said[6:]] == ["4.000", "−0.100", "+0.500"]
    labels = draw_loss_heatmap(LOSSES, DECISIONS, {"even": "even = unimax"}).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["Even = UniMax", "Optimal", "Only web"]


@pytest.mark.parametrize("others", [[], ["optimal"], ["optimal", "only_web"]])
def test_the_label_of_the_colours_is_as_long_as_they_are(others: list[str]) -> None:
    figure = draw_loss_heatmap(
        {**LOSSES, "differences": {name: LOSSES["differences"][name] for name in others}}, DECISIONS
    )
    figure.draw_without_rendering()
    [bar] = figure.axes[0].child_axes
    label = bar.yaxis.label.get_window_extent()
    assert label.height <= 1.5 * bar.get_window_extent().height and label.x1 <= figure.bbox.x1
    assert label.y0 >= 0 and label.y1 <= figure.bbox.y1


@pytest.mark.parametrize("count", [9, 14, 30])
def test_long_names_of_many_sources_do_not_touch(count: int) -> None:
    names = [f"a_long_source_name_{number}" for number in range(count)]
    losses = {
        **LOSSES,
        "sources": names,
        "weights": dict.fromkeys(names, 1 / count),
        "mixtures": {"even": {"mean": _loss(4.0), "sources": dict.fromkeys(names, _loss(4.0))}},
        "differences": {},
    }
    figure = draw_loss_heatmap(losses, {})
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_only_what_is_not_significant_is_hatched() -> None:
    hatched = [patch for patch in draw_loss_heatmap(LOSSES, DECISIONS).axes[0].patches if patch.get_hatch()]
    # The optimum on code: the second column, in the row below the reference.
    assert [(int(patch.get_x()), int(patch.get_y())) for patch in hatched] == [(1, 1)]


def test_without_claims_nothing_is_marked_and_the_note_says_so() -> None:
    unclaimed = dict.fromkeys(DECISIONS, _decision(None, claims=False))
    assert {cell[2] for cell in _said(unclaimed)} == {"normal"}
    assert "No best is marked" in draw_loss_heatmap(LOSSES, unclaimed)._supxlabel.get_text().replace("\n", " ")


def test_colours_reach_as_far_as_what_may_be_recommended_differs() -> None:
    assert colour_reach(LOSSES, DECISIONS) == 0.21
    assert colour_reach({**LOSSES, "differences": {}}, DECISIONS) == 0.02


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"web": 0.5, "code": 0.5}, "the sources count alike in the mean"),
        ({"web": 0.75, "code": 0.25}, "weights in the mean: web 0.75, code 0.25"),
    ],
)
def test_the_note_says_what_the_mean_is_of(weights: dict[str, float], said: str) -> None:
    assert said in draw_loss_heatmap({**LOSSES, "weights": weights}, DECISIONS)._supxlabel.get_text().replace("\n", " ")
