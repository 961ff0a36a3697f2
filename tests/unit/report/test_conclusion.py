"""What conclusions are drawn from, read from the files of finished runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis_cases import EQUAL, trained
from emulsion.files import WORKFLOW, write_json
from emulsion.report.conclusion import ConclusionFiles
from loss_study import LossStudy

STRATEGIES = {"even": {"web": 0.5, "code": 0.5}, "mostly_web": {"web": 0.8, "code": 0.2}}


def test_predicted_scores_are_held_against_the_half_of_the_items_that_chooses(tmp_path: Path) -> None:
    options = LossStudy(tmp_path, {"web": 4.0, "code": 3.5}).finish(STRATEGIES)
    options["groups"] |= {"judged_by": ["capabilities"], "predicted": "capabilities"}
    options["capabilities"] = [tmp_path / f"results/{run}/capabilities.json" for run in options["runs"]]
    for file, mixture, seed in zip(options["capabilities"], options["mixtures"], options["seeds"], strict=True):
        found = trained(EQUAL, seed)
        chosen = 0.5 + 0.1 * seed if mixture == "optimal" else 0.1
        half = {group: {"score": chosen} for group in found["capabilities"]}
        write_json(file, {**found, "selection": {"capabilities": half}})
    tables = {"worlds": "resources/proving_ground.csv", "trained": "resources/trainings.csv"}
    told = ConclusionFiles(**options, **{name: WORKFLOW / file for name, file in tables.items()}).read()
    assert told.outcome == pytest.approx({"0": 0.5, "1": 0.6, "2": 0.7})
    assert told.predictions is not None and told.predictions["of"] == "capabilities"
    rows = [row for row in told.predictions["rows"] if row["mixture"] == "optimal"]
    assert [row["realised"] for row in rows] == pytest.approx([0.5, 0.6, 0.7])
