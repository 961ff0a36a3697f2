"""Predictions are sealed, set beside their outcomes, and counted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import t as student

from analysis_cases import EQUAL, losses, trained
from emulsion.analysis.calibration import (
    calibration,
    held_against,
    opened,
    outcomes,
    outcomes_elsewhere,
    realised_by,
    sealed,
)
from emulsion.analysis.judged import judge_by
from emulsion.analysis.scores import MEAN
from emulsion.errors import UserError

PREDICTIONS = {
    "optimal": {"prediction": 0.7, "interval": [0.6, 0.8], "fitted": False},
    "equal": {"prediction": 0.5, "interval": [0.45, 0.55], "fitted": True},
    "untrained": {"prediction": 0.5, "interval": [0.45, 0.55], "fitted": False},
}


def test_what_was_sealed_opens_and_what_was_changed_does_not() -> None:
    content = sealed({"experiment": "a", "predictions": PREDICTIONS})
    assert opened(json.loads(json.dumps(content)), "file") == {"experiment": "a", "predictions": PREDICTIONS}
    content["predictions"] = {**PREDICTIONS, "optimal": {"prediction": 0.9, "interval": [0.8, 1.0], "fitted": False}}
    with pytest.raises(UserError, match=r"p\.json: was changed after it was written"):
        opened(content, "p.json")


def test_a_damaged_promise_is_refused_where_nothing_that_judges_was_predicted_too(tmp_path) -> None:
    file = tmp_path / "predictions.json"
    file.write_text('{"predictions":')
    with pytest.raises(UserError, match=r"predictions\.json: not valid JSON"):
        held_against([file], tmp_path, "a", {}, {}, None)


def test_every_run_stands_beside_its_prediction() -> None:
    rows = outcomes(PREDICTIONS, {"optimal": {"0": 0.65, "1": 0.9}, "equal": {"0": 0.5}, "other": {"0": 0.1}})
    assert [(row["mixture"], row["seed"], row["inside"]) for row in rows] == [
        ("optimal", "0", True),
        ("optimal", "1", False),
        ("equal", "0", True),
    ]


def test_mixtures_that_were_fitted_to_do_not_count() -> None:
    rows = outcomes(PREDICTIONS, {"optimal": {"0": 0.65, "1": 0.9}, "equal": {"0": 0.5}})
    found = calibration(rows, "capabilities")
    assert (found["runs"], found["inside"]) == (2, 0.5)
    assert found["error"] == pytest.approx(np.sqrt((0.05**2 + 0.2**2) / 2))
    low, high = found["interval"]
    assert low < 0.1 and high > 0.9  # one mixture says little
    assert calibration(rows[2:], "capabilities")["inside"] is None


def test_other_experiments_are_read_as_they_are_found(tmp_path) -> None:
    for name, rows in (("a", [{"mixture": "x"}]), ("b", [{"mixture": "y"}]), ("c", None)):
        (tmp_path / name).mkdir()
        content = {"experiment": name, "predictions": rows and {"rows": rows}}
        (tmp_path / name / "recommendations.json").write_text(json.dumps(content))
    assert outcomes_elsewhere(tmp_path, "a", "capabilities") == [{"mixture": "y", "experiment": "b"}]


@pytest.mark.parametrize("content", ["", "[1]", "{}"])
def test_a_damaged_file_of_another_experiment_is_left_out_with_a_warning(tmp_path, caplog, content) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "recommendations.json").write_text(content)
    assert outcomes_elsewhere(tmp_path, "a", "capabilities") == []
    assert "b/recommendations.json" in caplog.text and "delete" not in caplog.text


def test_a_predicted_loss_is_held_against_the_weighted_validation_loss_of_each_run() -> None:
    results = {name: {seed: losses(EQUAL, seed) for seed in (3, 5)} for name in ("optimal", "equal")}
    judged = judge_by("losses", results, list(results), weights={"openhermes": 3, "magpie": 1})
    text = {"openhermes": 2.0, "magpie": 4.0, "cosmopedia": 7.0, "fineweb": 7.0}
    records = {"optimal": {3: {"validation": text}, 5: {"validation": {**text, "magpie": 6.0}}}}
    found = realised_by(judged, {**records, "equal": {}})
    assert found == {"optimal": {"3": pytest.approx(2.5), "5": pytest.approx(3.0)}, "equal": {}}


def test_a_predicted_score_is_held_against_the_half_that_surrogates_are_fitted_to() -> None:
    judged = judge_by("capabilities", {"optimal": {3: trained(EQUAL, 3)}}, ["optimal"])
    groups = [group for group in judged.decisions if group != MEAN]
    chosen = {group: {"score": 0.1 * place} for place, group in enumerate(groups)}
    found = realised_by(judged, {"optimal": {3: {"selection": {"capabilities": chosen}}}})
    assert found == {"optimal": {"3": pytest.approx(0.1 * (len(groups) - 1) / 2)}}


def test_intervals_of_true_noise_are_found_to_be_calibrated() -> None:
    rng, rows = np.random.default_rng(0), []
    for number in range(300):
        half = float(student.ppf(0.975, 10)) * 0.03 * np.sqrt(rng.chisquare(10) / 10)
        each = {"prediction": 0.6, "interval": [0.6 - half, 0.6 + half], "fitted": False}
        rows += outcomes({f"m{number}": each}, {f"m{number}": {"0": rng.normal(0.6, 0.03)}})
    assert calibration(rows, "capabilities")["inside"] == pytest.approx(0.95, abs=0.03)
