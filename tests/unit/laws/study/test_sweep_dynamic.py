"""dynamic_law.json: planted effects come back, corners do not count, noise is that of branches, order over time."""

import copy
import json

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws.goodness import r2
from emulsion.laws.law import from_names
from emulsion.laws.static import FewRunsWarning
from emulsion.laws.study.dynamic_results import dynamic_law
from emulsion.laws.study.rows import read_sweep
from sweep_rows import effects, grid, planted_sweep, write_sweep

EARLY = {"early": (360_000, 18_000)}


def found(folder, content):
    return dynamic_law(read_sweep(content["experiment"], write_sweep(folder, content)))


@pytest.mark.parametrize("m", [2, 3])
def test_planted_effects_are_recovered_in_every_trunk(tmp_path, m):
    result = found(tmp_path, planted_sweep(m=m, points=9, sets=EARLY, fall_noise=0.0005))["branches"]["early"]
    assert result["trunks_count"] == len(result["trunks"]) == 18
    names = list(result["A"])
    assert from_names(result["A"], names, names) == pytest.approx(effects(m), abs=0.005)
    assert result["quality"]["linear"]["mean"]["r2"] > 0.99
    matrices = [from_names(trunk["laws"]["linear"]["A"], names, names) for trunk in result["trunks"]]
    assert from_names(result["A_sd"], names, names) == pytest.approx(np.std(matrices, axis=0, ddof=1))
    diagonals = [from_names(trunk["diagonal"], names) for trunk in result["trunks"]]
    assert from_names(result["diagonal"], names) == pytest.approx(np.mean(diagonals, axis=0))
    assert list(result["column_sums"].values()) == pytest.approx(effects(m).sum(axis=0), abs=0.01)


def test_corners_are_kept_to_be_drawn_but_neither_fitted_nor_counted(tmp_path):
    content = planted_sweep(points=6, sets=EARLY)
    without = copy.deepcopy(content)
    for row in without["runs"]:
        ends = row["branches"]["early"]["ends"]
        row["branches"]["early"]["ends"] = [end for end in ends if not end["corner"]]
    full, bare = (found(tmp_path / n, c)["branches"]["early"] for n, c in (("a", content), ("b", without)))
    assert [end["corner"] for end in full["trunks"][0]["ends"]] == [False] * 6 + [True] * 2
    for key in ("A", "quality", "noise", "diagonal"):
        assert full[key] == bare[key]


def test_the_ceiling_is_what_the_true_effects_reach_on_average(tmp_path):
    reached, allowed = [], []
    for luck in range(8):
        content = planted_sweep(points=6, sets=EARLY, fall_noise=0.01, luck=luck)
        sweep = read_sweep("planted", write_sweep(tmp_path / str(luck), content))
        result = dynamic_law(sweep)["branches"]["early"]
        for trunk in result["trunks"]:
            losses = np.array([list(end["losses"].values()) for end in trunk["ends"] if not end["corner"]])
            truth = np.array(list(trunk["before"].values())) - grid(2, 6) @ effects(2).T
            reached.append(r2(losses, truth).mean())
        allowed.append(result["noise"]["mean"]["ceiling"])
        assert result["noise"]["groups"]["web"]["sd"] == pytest.approx(0.01, rel=0.4)
    assert 0.5 < np.mean(reached) < 0.95
    assert np.mean(allowed) == pytest.approx(np.mean(reached), abs=0.02)


def test_what_tells_whole_trunks_apart_is_no_noise_of_branches(tmp_path):
    content = planted_sweep(points=6, sets=EARLY, seeds=(0, 1, 2), seed_shift=0.5, fall_noise=0.002)
    result = found(tmp_path, content)["branches"]["early"]
    assert result["noise"]["groups"]["code"]["sd"] == pytest.approx(0.002, rel=0.3)


def test_one_seed_and_one_trunk_have_neither_ceiling_nor_spread(tmp_path):
    result = found(tmp_path, planted_sweep(points=6, seeds=(0,), sets=EARLY, stratified=True))["branches"]["early"]
    assert result["trunks"][0]["parent"] == "stratified"
    assert result["A_sd"] is None and result["noise"]["mean"]["ceiling"] is None
    assert result["between_seeds"] == {"changed": 0, "pairs": 0}


def test_an_order_that_turns_between_two_sets_is_counted_in_the_trunks_of_both(tmp_path):
    sets, a = {"late": (720_000, 18_000), "early": (360_000, 18_000)}, effects(2)
    content = planted_sweep(points=5, sets=sets, fall_noise=0.0002, matrices={"early": a, "late": a[:, ::-1]})
    for row in content["runs"][5:]:
        del row["branches"]["late"]
    result = found(tmp_path, content)
    assert list(result["branches"]) == ["early", "late"]
    (over,) = result["over_time"]
    assert (over["from"], over["to"], over["trunks"], over["changed"]) == ("early", "late", 5, 5)
    assert over["similarity"]["spearman"] == pytest.approx(-1)
    assert result["branches"]["early"]["between_seeds"] == {"changed": 0, "pairs": 5}


def test_only_branches_of_one_length_are_compared_over_time(tmp_path):
    sets = {
        "early": (360_000, 18_000),
        "rest": (450_000, 450_000),
        "twin": (360_000, 18_000),
        "late": (720_000, 18_000),
    }
    result = found(tmp_path, planted_sweep(points=4, seeds=(0,), sets=sets))
    assert [(each["from"], each["to"]) for each in result["over_time"]] == [("twin", "late")]


def test_laws_are_fitted_to_the_shares_that_were_drawn(tmp_path):
    content = planted_sweep(points=5, seeds=(0,), sets=EARLY)
    truth = found(tmp_path / "exact", content)
    for row in content["runs"]:
        for end in row["branches"]["early"]["ends"]:
            end["weights"] = {"web": 0.5, "code": 0.5}
    rounded = found(tmp_path / "rounded", content)
    assert rounded["branches"]["early"]["A"] == truth["branches"]["early"]["A"]


def test_sets_without_a_trunk_in_both_compare_their_mean_matrices_only(tmp_path):
    sets = {"early": (360_000, 18_000), "late": (720_000, 18_000)}
    content = planted_sweep(points=4, seeds=(0,), sets=sets)
    for number, row in enumerate(content["runs"]):
        del row["branches"]["early" if number < 2 else "late"]
    (over,) = found(tmp_path, content)["over_time"]
    assert (over["trunks"], over["changed"]) == (0, 0) and over["similarity"]["cosine"] > 0.9


def test_a_diagonal_may_rank_sources_unlike_the_full_matrix(tmp_path):
    """Web does most for both groups together, but code more for itself."""
    matrix = np.array([[0.10, 0.01], [0.08, 0.12]])
    content = planted_sweep(points=9, sets=EARLY, fall_noise=0.0002, matrices={"early": matrix})
    result = found(tmp_path, content)["branches"]["early"]
    trunk = result["trunks"][0]
    full, diagonal = trunk["column_sums"]["full"], trunk["column_sums"]["diagonal"]
    assert full["web"] > full["code"] and diagonal["web"] < diagonal["code"] and trunk["diagonal"] == diagonal
    assert not trunk["same_order"] and result["same_order"] == 0
    assert result["quality"]["diagonal"]["mean"]["r2"] < result["quality"]["linear"]["mean"]["r2"]


def test_fewer_branches_than_sources_warn_and_hold_no_nan(tmp_path):
    with pytest.warns(FewRunsWarning, match="2 branches for 4 parameters"):
        result = found(tmp_path, planted_sweep(m=4, points=2, sets=EARLY))
    json.dumps(result, allow_nan=False)


def test_a_trunk_of_one_branch_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="'planted', branches 'early' of 'sweep_00': law: 1 runs are not enough"):
        found(tmp_path, planted_sweep(points=1, sets=EARLY))


def test_losses_that_no_branch_moves_have_no_r2(tmp_path):
    content = planted_sweep(points=5, sets=EARLY)
    for row in content["runs"]:
        for end in row["branches"]["early"]["ends"]:
            end["validation"]["code"] = row["branches"]["early"]["before"]["code"]
    result = found(tmp_path, content)["branches"]["early"]
    json.dumps(result, allow_nan=False)
    for form in ("linear", "log_linear", "diagonal"):
        assert result["quality"][form]["groups"]["code"]["r2"] is None
        assert result["quality"][form]["mean"]["r2"] == result["quality"][form]["groups"]["web"]["r2"]


def test_a_sweep_without_branches_has_no_dynamic_laws(tmp_path):
    assert found(tmp_path, planted_sweep(points=3, sets={})) == {
        "experiment": "planted",
        "sources": ["web", "code"],
        "branches": {},
        "over_time": [],
    }
