"""A method's own A^t at states of its runs, beside the A* of branches from there."""

import json

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws.law import TOTAL, by_name, from_names
from emulsion.laws.study.own_states import effects_at, own_parameters
from emulsion.laws.study.parameters import similarities
from emulsion.laws.study.rows import read_sweep
from sweep_rows import NAMES, effects, planted_sweep, write_sweep

STEPS = {"step20": 20, "step50": 50}
LAST = {"kind": "skillit", "averaged_over": "last", "updates": 2}


def named(matrix, rows=None):
    matrix = np.atleast_2d(np.asarray(matrix, dtype=float))
    m = matrix.shape[1]
    return by_name(matrix, rows or NAMES[:m], NAMES[:m])


def branches(folder, m=3, seeds=(0,), matrices=None):
    """The branches of one run a seed, at two states each."""
    sets = {name: (1000 * step, 500) for name, step in STEPS.items()}
    content = planted_sweep(
        m=m, points=8, seeds=seeds, sets=sets, fall_noise=0.0002, stratified=True, matrices=matrices
    )
    rows = []
    for run in (row for row in content["runs"] if row["branches"]):
        for name, step in STEPS.items():
            state = {"run": f"{run['run']}-{name}", "step": step, "branches": {name: run["branches"][name]}}
            rows.append({**run, **state})
    return read_sweep("planted", write_sweep(folder, {**content, "runs": rows}))


def log(*updates):
    """A log with effects that were decided by after these steps: [(step, effects)]."""
    told = {step + 1: each for step, each in updates}
    return [{"step": step, "loss": 1.0, **({"effects": told[step]} if step in told else {})} for step in range(1, 80)]


def test_the_matrix_is_that_of_the_last_update_by_then_and_of_the_seed(tmp_path):
    truth, other = effects(3), effects(3)[:, ::-1]
    sweep = branches(tmp_path, seeds=(0, 1))
    logs = {0: log((20, named(5 * truth)), (50, named(other))), 1: log((10, named(truth)), (60, named(other)))}
    found = own_parameters("mine", LAST, sweep, logs)
    json.dumps(found, allow_nan=False)
    alike = {(trunk["seed"], trunk["step"]): trunk["similarity"]["similarity"] for trunk in found["trunks"]}
    assert min(alike[0, 20], alike[1, 20], alike[1, 50]) > 0.99 > alike[0, 50]
    scales = {(trunk["seed"], trunk["step"]): trunk["b"] for trunk in found["trunks"]}
    assert scales[0, 20] == pytest.approx(0.2, rel=0.02) and scales[1, 50] == pytest.approx(1, rel=0.02)
    assert all(0.9 < trunk["r2"] <= 1 and trunk["averaged"] == 1 for trunk in found["trunks"])
    assert found["mean"]["similarity"] == pytest.approx(np.mean(list(alike.values())))


@pytest.mark.parametrize(("over", "mean", "count"), [("last", 3.0, 1), ("recent", 2.5, 2), ("all", 2.0, 3)])
def test_updates_are_averaged_as_the_method_says(over, mean, count):
    rows = log((4, named(np.eye(2))), (8, named(2 * np.eye(2))), (9, named(3 * np.eye(2))), (12, named(9 * np.eye(2))))
    found, averaged = effects_at(rows, 9, {"averaged_over": over, "updates": 2}, NAMES[:2])
    assert averaged == count and found == pytest.approx(mean * np.eye(2))


def test_a_log_without_effects_by_then_is_refused():
    with pytest.raises(UserError, match="no effects were logged up to step 7"):
        effects_at(log((8, named(np.eye(2)))), 7, LAST, NAMES[:2])


def test_a_matrix_known_by_its_column_sums_alone_is_compared_by_them(tmp_path):
    sums = 3 * effects(3).sum(axis=0)
    whole, total = (
        own_parameters("mine", LAST, branches(tmp_path / str(number)), {0: log((10, matrix))})
        for number, matrix in enumerate((named(3 * effects(3)), named(sums, [TOTAL])))
    )
    assert total["mean"]["similarity"] == pytest.approx(whole["mean"]["similarity"])
    assert total["mean"]["b"] == pytest.approx(1 / 3, rel=0.02)
    star = from_names(total["trunks"][0]["A_star"], [TOTAL], NAMES[:3])
    assert star[0] == pytest.approx(from_names(whole["trunks"][0]["A_star"], NAMES[:3], NAMES[:3]).sum(axis=0))


def test_two_sources_are_flagged_and_compared_in_diagonal_form_where_the_method_is(tmp_path):
    found = own_parameters("mine", LAST, branches(tmp_path, m=2), {0: log((10, named(np.diag([2.0, 1.0]))))})
    assert found["mean"]["degenerate"] and "with 2 sources" in found["mean"]["note"]
    for trunk in found["trunks"]:
        star = from_names(trunk["A_star"], NAMES[:2], NAMES[:2])
        assert star[0, 1] == star[1, 0] == 0 and star[0, 0] > 0


def test_similarities_stand_beside_improvements_over_stratified_sampling(tmp_path):
    sweep = branches(tmp_path)
    each = [
        {**own_parameters(name, LAST, sweep, {0: log((10, named(matrix)))}), "method": name}
        for name, matrix in {"a": effects(3), "b": np.eye(3), "c": effects(3)[:, ::-1], "new": np.eye(3)}.items()
    ]
    rows = [
        {"names": ["a", "also_a"], "difference_to_stratified": -0.5, "interval": [-0.7, -0.3], "verdict": "better"},
        {"names": ["b"], "difference_to_stratified": 0.1, "interval": None, "verdict": "one training each: no claim"},
        {"names": ["c"], "difference_to_stratified": 0.4, "interval": [0.2, 0.6], "verdict": "worse"},
        {"names": ["new"], "difference_to_stratified": None, "interval": None, "verdict": ""},
    ]
    found = similarities("planted", each, {"methods": rows})
    assert found["methods"]["a"]["improvement"] == {"difference": 0.5, "interval": [0.3, 0.7], "verdict": "better"}
    assert found["methods"]["new"]["improvement"] is None
    assert found["methods"]["a"]["each"] == [trunk["similarity"]["similarity"] for trunk in each[0]["trunks"]]
    values = [found["methods"][name]["similarity"] for name in "abc"]
    assert found["correlation"]["r"] == pytest.approx(np.corrcoef(values, [0.5, -0.1, -0.4])[0, 1])
    assert similarities("planted", each)["correlation"] is None
