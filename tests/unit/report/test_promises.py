"""What a search promised stands beside what came of it, with the reason where its optimum lost."""

from __future__ import annotations

import pytest

from analysis_cases import EQUAL, losses, without
from emulsion.analysis.judged import Judged, judge_by
from emulsion.report.promises import prediction_rows, realised

MIXTURES = {"equal": EQUAL, "optimal": without("magpie")}


@pytest.fixture(scope="module")
def judged() -> Judged:
    """The optimum loses to equal shares by 0.064 nats."""
    results = {name: {seed: losses(ratios, seed) for seed in range(3)} for name, ratios in MIXTURES.items()}
    return judge_by("losses", results, list(MIXTURES))


@pytest.mark.parametrize(
    ("interval", "inside", "reason"),
    [
        ([2.3, 2.38], "outside", "the surrogate promised more than its training bore out"),
        ([2.3, 2.5], "inside", "the difference is smaller than the surrogate's own uncertainty"),
        ([2.39, 2.41], "inside", "the prediction held, so the search missed a better mixture"),
        ([2.41, 2.43], "outside", "it came out better than predicted, so the search missed a better mixture"),
    ],
)
def test_a_predicted_loss_stands_beside_the_mean_validation_loss_of_the_optimums_runs(
    judged: Judged, interval: list[float], inside: str, reason: str
) -> None:
    optimum = {"ratios": MIXTURES["optimal"], "prediction": 2.39, "interval": interval, "surrogate": "log_linear"}
    found = realised({**optimum, "of": "losses"}, "optimal", judged, {"0": 2.3, "1": 2.5})
    assert found["outcome"] == pytest.approx(2.4)
    assert found["realised"] == judged.summary["optimal"]["mean"]["loss"]
    assert f"predicted a mean loss on validation text of 2.390 ({interval[0]:.3f}" in found["text"]
    assert f"its runs came to 2.400, {inside} that; on test text, optimal has" in found["text"]
    assert found["text"].endswith(f"It loses to equal: {reason}.")


def test_a_mixture_has_a_row_with_its_mean_outcome_and_whether_it_was_fitted_to() -> None:
    new = {"mixture": "new", "predicted": 0.7, "interval": [0.6, 0.8], "fitted": False}
    old = {"mixture": "old", "predicted": 0.5, "interval": [0.4, 0.6], "fitted": True, "realised": 0.5, "inside": True}
    outcomes = [{**new, "realised": 0.65, "inside": True}, {**new, "realised": 0.85, "inside": False}]
    assert prediction_rows([*outcomes, old]) == [
        ["new", "0.700 (0.600 to 0.800)", "0.750", "1 of 2", "no"],
        ["old", "0.500 (0.400 to 0.600)", "0.500", "1 of 1", "yes"],
    ]
