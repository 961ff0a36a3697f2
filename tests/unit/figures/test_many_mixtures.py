"""Figures of more mixtures than anyone looks at show some of them and say which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.figure import Figure

from emulsion.analysis.trade_offs import pareto
from emulsion.figures import style
from emulsion.figures.cost_pareto import draw_cost_pareto
from emulsion.figures.heatmap import draw_capability_heatmap
from emulsion.figures.method_differences import draw_method_differences
from emulsion.figures.mixtures import draw_mixtures
from emulsion.figures.pareto import draw_pareto_front
from emulsion.figures.radar import draw_capability_radar
from emulsion.figures.shares_over_time import draw_schedule
from emulsion.figures.training_curves import draw_training_curves
from figure_results import capabilities, info
from method_board_cases import board, row

NAMES = ("worst", "best", "second", "third")
LEVELS = dict(zip(NAMES, (0.2, 0.8, 0.7, 0.6), strict=True))
RESULTS = {name: capabilities(dict.fromkeys(("reasoning", "style", "facts"), level)) for name, level in LEVELS.items()}
STAGE = {"first_sequence": 0, "sequences": 10, "largest_deviation_sequences": 0.5, "not_drawn": []}
INFOS = {
    name: {
        **info({"web": 0.5, "code": 0.5}),
        "sequences": 10,
        "stages": [{**STAGE, "sequences_per_source": {"web": 5, "code": 5}}],
    }
    for name in NAMES
}
LOGS = {name: [{"tokens": 10 * step, "loss": 3.0 / step} for step in (1, 2)] for name in NAMES}
BOARD = board(*(row(name, -LEVELS[name]) for name in sorted(NAMES, key=lambda name: -LEVELS[name])))
POINTS = {name: dict.fromkeys(("reasoning", "style", "facts"), level) for name, level in LEVELS.items()}


@pytest.mark.parametrize(
    ("draw", "which"),
    [
        (lambda: draw_capability_heatmap(RESULTS, {}), "Shown are 2 of 4 mixtures, those of the highest mean score."),
        (lambda: draw_capability_radar(RESULTS), None),
        (lambda: draw_mixtures(INFOS), "Shown are 2 of 4 mixtures, the first of the configuration."),
        (lambda: draw_schedule(INFOS, {}), "Shown are 2 of 4 mixtures, the first of the configuration."),
        (lambda: draw_training_curves(LOGS), "Shown are 2 of 4 mixtures, the first of the configuration."),
        (
            lambda: draw_pareto_front(RESULTS, pareto(POINTS)),
            "Numbered are 2 of 4 mixtures, the Pareto front before others",
        ),
        (lambda: draw_method_differences(BOARD), "Shown are 2 of 4 mixtures, those of the lowest mean test loss."),
        (lambda: draw_cost_pareto(BOARD), "Shown are 2 of 4 mixtures, those of the lowest mean test loss."),
    ],
)
def test_a_figure_of_too_many_mixtures_says_which_it_shows(
    monkeypatch: pytest.MonkeyPatch, draw: Callable[[], Figure], which: str | None
) -> None:
    monkeypatch.setattr(style, "MOST", 2)
    figure = draw()
    texts = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    if which:
        assert which in " ".join(" ".join(texts).split()).replace("\N{NO-BREAK SPACE}", " ")
    in_order = which is not None and "configuration" in which
    assert not any("Third" in text for text in texts)
    assert any(("Worst" if in_order else "Best") in text for text in texts)


def test_the_radars_of_too_many_mixtures_are_those_of_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each radar has the outlines of all others, so that a thousand would be a million lines."""
    monkeypatch.setattr(style, "MOST", 8)
    many: dict[str, Any] = {f"mixture_{n}": capabilities(dict.fromkeys("abc", 0.3 + n / 40)) for n in range(10)}
    figure = draw_capability_radar(many)
    assert [axes.get_title() for axes in figure.axes] == [f"Mixture {number}" for number in range(2, 10)]
    assert "Shown are 8 of 10 mixtures" in " ".join(figure.get_supxlabel().split())
