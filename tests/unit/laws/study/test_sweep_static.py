"""static_law.json: planted laws come back, noise is measured, points are left out whole, degenerate sweeps survive."""

import json

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws import StaticLaw
from emulsion.laws.static import FewRunsWarning
from emulsion.laws.study.rows import read_sweep
from emulsion.laws.study.static_results import LAWS, static_law
from emulsion.world.planted import planted_law
from sweep_rows import planted_sweep, write_sweep


def found(folder, **planted):
    content = planted_sweep("ab", sets={}, **planted)
    return static_law(read_sweep("ab", write_sweep(folder, content)))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return found(tmp_path_factory.mktemp("two"), points=9, seeds=(0, 1, 2), noise=0.02, seed_shift=0.05)


def test_a_planted_law_is_recovered_to_the_noise(tmp_path):
    law = StaticLaw.from_json(found(tmp_path, m=3, points=12, noise=0.002)["law"])
    rows = np.random.default_rng(9).dirichlet(np.ones(3), 20)
    assert law.predict(rows) == pytest.approx(planted_law(3, 0).predict(rows), abs=0.03)


def test_every_law_is_judged_in_the_sample_and_on_points_left_out(two):
    assert tuple(two["quality"]) == LAWS
    mean = two["quality"]["log_linear"]["mean"]
    assert mean["left_out_mse"] > mean["mse"] > 0
    assert two["quality"]["lightgbm"]["mean"]["left_out_r2"] < two["quality"]["lightgbm"]["mean"]["r2"]
    assert set(two["quality"]["linear"]["groups"]) == {"web", "code"}


def test_a_point_is_left_out_with_all_its_seeds(tmp_path):
    """Were a point's other seeds kept, trees would know the point, and err by next to nothing."""
    trees = found(tmp_path, points=5, noise=0.0)["quality"]["lightgbm"]["mean"]
    assert trees["mse"] < 1e-4 < 1e-3 < trees["left_out_mse"]


def test_noise_within_points_holds_what_seeds_do_and_noise_per_seed_does_not(tmp_path):
    shifted = found(tmp_path, points=9, seeds=(0, 1, 2, 3), noise=0.01, seed_shift=0.1, luck=1)
    together, alone = shifted["noise"]["groups"]["web"]["sd"], shifted["per_seed"]["noise"]["groups"]["web"]["sd"]
    assert alone == pytest.approx(0.01, rel=0.3)
    assert together > 0.04
    assert shifted["per_seed"]["mean"]["r2"] > shifted["quality"]["log_linear"]["mean"]["r2"]


def test_a_fit_of_the_true_family_reaches_its_ceiling(two):
    gap = two["per_seed"]["noise"]["mean"]["ceiling"] - two["per_seed"]["mean"]["r2"]
    assert abs(gap) < 0.01 < 1 - two["noise"]["mean"]["ceiling"]


def test_the_optimum_is_of_the_whole_simplex_with_its_distance_from_the_points(two):
    assert sum(two["optimum"]["weights"].values()) == pytest.approx(1)
    assert two["optimum"]["gap"] == pytest.approx(0, abs=1e-6) and two["optimum"]["distance"] >= 0


def test_one_seed_has_no_ceiling_and_its_law_is_that_of_all_runs(tmp_path):
    single = found(tmp_path, points=6, seeds=(4,))
    assert single["seeds"] == [4]
    assert single["noise"]["mean"] == {"ceiling": None} == single["per_seed"]["noise"]["mean"]
    joint = single["quality"]["log_linear"]["groups"]["web"]
    assert single["per_seed"]["groups"]["web"] == {"mse": joint["mse"], "r2": joint["r2"]}


def test_points_and_sources_keep_their_order(two):
    assert [(p["mixture"], p["seed"]) for p in two["points"][8:11]] == [
        ("sweep_08", 0),
        ("sweep_00", 1),
        ("sweep_01", 1),
    ]
    assert list(two["points"][0]["weights"]) == two["sources"] == ["web", "code"]


def test_a_group_that_never_moves_has_no_r2_and_the_file_holds_no_nan(tmp_path):
    content = planted_sweep("ab", sets={}, points=5)
    for row in content["runs"]:
        row["validation"]["code"] = 2.5
    result = static_law(read_sweep("ab", write_sweep(tmp_path, content)))
    json.dumps(result, allow_nan=False)
    for law in LAWS:
        cell = result["quality"][law]["groups"]["code"]
        assert cell["r2"] is cell["left_out_r2"] is None and cell["mse"] < 1e-9
    assert result["noise"]["groups"]["code"]["ceiling"] is None
    assert result["per_seed"]["mean"]["r2"] == result["per_seed"]["groups"]["web"]["r2"]


def test_seeds_do_not_stand_in_for_points(tmp_path):
    with pytest.warns(FewRunsWarning, match="2 points for 3 parameters.*at least 1 points; further seeds do not help"):
        few = found(tmp_path, points=2, seeds=(0, 1, 2))
    json.dumps(few, allow_nan=False)


def test_one_point_leaves_nothing_to_predict_it_by(tmp_path):
    with pytest.warns(FewRunsWarning):
        one = found(tmp_path, points=1, seeds=(0, 1))
    assert one["quality"]["log_linear"]["mean"]["left_out_r2"] is None
    json.dumps(one, allow_nan=False)


def test_one_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="'ab': 1 finished runs; a static law needs at least 2"):
        found(tmp_path, points=1, seeds=(0,))
