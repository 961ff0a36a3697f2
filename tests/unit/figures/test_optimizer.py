"""The optimiser's figure shows what optimal_mix.json says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from emulsion.errors import UserError
from emulsion.figures.optimizer import best_so_far, draw_optimizer, remark
from emulsion.figures.style import PALETTE

FOUND: dict[str, Any] = {
    "ratios": {"zeta": 0.7, "alpha": 0.3},
    "prediction": 0.62,
    "interval": [0.58, 0.66],
    "objective": {"capabilities": {"reasoning": 1.0}, "losses": {}},
    "bounds": {"zeta": [0.1, 0.8], "alpha": [0.2, 0.9]},
    "surrogate": "gaussian_process",
    "surrogates": {"linear": {"loo_rmse": 0.03}, "gaussian_process": {"loo_rmse": 0.01}},
    "observed_vs_predicted": [
        {"run": "p0", "observed": 0.5, "predicted": 0.52, "left_out": 0.53},
        {"run": "p1", "observed": 0.6, "predicted": 0.59, "left_out": 0.58},
    ],
    "history": [
        {"generation": generation, "mixture": {}, "score": score}
        for generation, score in ((0, 0.5), (2, 0.4), (4, 0.61), (6, 0.6))
    ],
    "hull_distance": 0.0,
}


def _bars(axes: Any, colour: str) -> list[tuple[float, float]]:
    bars = [patch for patch in axes.patches if to_hex(patch.get_facecolor()) == colour.lower()]
    return [(round(bar.get_x(), 9), round(bar.get_x() + bar.get_width(), 9)) for bar in bars]


def test_the_search_shows_every_score_and_the_best_so_far() -> None:
    axes = draw_optimizer(FOUND).axes[0]
    drawn = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) == 4]
    assert [list(each) for each in drawn] == [[0.5, 0.4, 0.61, 0.6], [0.5, 0.5, 0.61, 0.61]]


def test_the_search_over_a_surrogate_is_drawn_against_its_generations() -> None:
    axes = draw_optimizer(FOUND).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 4] == [[1, 3, 5, 7]] * 2
    assert axes.get_xlabel() == "Generations of the search"


def test_the_fit_has_predictions_across_and_observations_up() -> None:
    axes = draw_optimizer(FOUND).axes[1]
    points = next(line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(points.get_xydata(), [[0.53, 0.5], [0.58, 0.6]])
    assert axes.get_xlim() == axes.get_ylim()


def test_ratios_stand_beside_their_bounds_and_the_uniform_mixture() -> None:
    axes = draw_optimizer(FOUND).axes[2]
    assert _bars(axes, PALETTE["blue"]) == [(0, 0.7), (0, 0.3)]
    assert _bars(axes, "#ececec") == [(0.1, 0.8), (0.2, 0.9)]
    assert [line.get_xdata()[0] for line in axes.lines] == [0.5, 0.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["zeta", "alpha"]


def test_the_number_of_a_share_is_right_of_the_uniform_mixture() -> None:
    found = {**FOUND, "ratios": {"zeta": 0.6, "alpha": 0.4}, "caps": {"alpha": 0.45}}
    left = {text.get_text(): text.get_position()[0] for text in draw_optimizer(found).axes[2].texts}
    assert left["40.0 %"] > 0.5


def test_surrogates_are_sorted_by_error_and_the_one_used_is_blue() -> None:
    axes = draw_optimizer(FOUND).axes[3]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Gaussian\nprocess", "Linear"]
    assert _bars(axes, PALETTE["blue"]) == [(0, 0.01)]


@pytest.mark.parametrize("count", [1, 9])
def test_bars_are_of_one_height_however_many_more_sources_or_surrogates_there_are(count: int) -> None:
    names = [f"source_{number}" for number in range(count)]
    found = {**FOUND, "ratios": dict.fromkeys(names, 1 / count), "bounds": {name: [0.0, 1.0] for name in names}}
    ratios, surrogates = draw_optimizer(found).axes[2:]
    assert ratios.get_ylim() == surrogates.get_ylim() == (max(count, 2) - 0.4, -0.6)


def test_extrapolation_is_said() -> None:
    assert "lies among the sampled mixtures" in remark(FOUND)
    assert "0.120 outside the sampled mixtures: the surrogate extrapolates" in remark({**FOUND, "hull_distance": 0.12})
    assert "sampled" not in remark({**FOUND, "hull_distance": None})


def test_the_best_so_far_never_falls() -> None:
    assert best_so_far([1, 3, 2, 5, 4]).tolist() == [1, 3, 3, 5, 5]


def test_losses_are_drawn_as_losses_and_the_best_is_the_lowest() -> None:
    found = {
        **FOUND,
        "objective": {"capabilities": {}, "losses": {"zeta": 0.5, "alpha": 0.5}},
        "history": [
            {"generation": generation, "mixture": {}, "loss": loss}
            for generation, loss in enumerate((5.0, 5.2, 4.9, 4.95))
        ],
    }
    axes = draw_optimizer(found).axes[0]
    drawn = [list(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) == 4]
    assert drawn == [[5.0, 5.2, 4.9, 4.95], [5.0, 5.0, 4.9, 4.9]]
    assert axes.get_ylabel() == "Mean validation loss (nats)" and "validation loss" in remark(found)


def test_an_incomplete_file_is_named() -> None:
    with pytest.raises(UserError, match="no surrogate, history"):
        draw_optimizer({key: value for key, value in FOUND.items() if key not in ("history", "surrogate")})


def test_a_direct_search_is_drawn_without_a_surrogate_and_says_that_its_score_is_too_high():
    direct = {**FOUND, "interval": None, "surrogate": None, "surrogates": {}, "observed_vs_predicted": []}
    assert "too good on average" in remark(direct)
    figure = draw_optimizer(direct)
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")] == [
        "The search",
        "The mixture found (share of tokens)",
    ]
    assert figure.axes[0].get_xlabel() == "Mixtures evaluated"
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["best so far", "a mixture tried", "the mixture found"]
