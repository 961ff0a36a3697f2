"""greedy.json: the best first round and then the best second, beside the best pair of all."""

import math

import pytest

from emulsion.laws.study.greedy import compare_greedy
from emulsion.laws.study.rows import read_sweep
from sweep_rows import planted_sweep, write_sweep


def two_points(before, ends, corner=None):
    """A sweep of two points: mean losses at the branch point [2], and at the ends of its branches [2][2]."""
    content = planted_sweep("ab", points=2, seeds=(0,), sets={"rest": (450_000, 450_000)})
    for row, start, losses in zip(content["runs"], before, ends, strict=True):
        branches = row["branches"]["rest"]
        branches["before"] = {"web": start, "code": start}
        for end, loss in zip(branches["ends"], [*losses, corner or 9.0, 9.0], strict=True):
            end["validation"], end["test"] = {"web": loss, "code": loss}, {"web": loss, "code": loss + 1}
    return content


def found(folder, content):
    return compare_greedy(read_sweep("ab", write_sweep(folder, content)))["rounds"]


def test_a_worse_start_may_lead_to_the_better_end(tmp_path):
    rounds = found(tmp_path, two_points([2.0, 2.1], [[1.8, 1.7], [1.5, 1.9]]))["rest"]
    (seed,) = rounds["seeds"]
    assert seed["greedy"]["mixtures"] == ["sweep_00", "sweep_01"]
    assert seed["optimal"]["mixtures"] == ["sweep_01", "sweep_00"]
    assert seed["optimal"]["weights"][1] == seed["greedy"]["weights"][0]
    assert (seed["optimal"]["validation"], rounds["same"], rounds["of"]) == (1.5, 0, 1)
    assert seed["optimal"]["test_perplexity"] == pytest.approx((math.exp(1.5) + math.exp(2.5)) / 2)


def test_greedy_is_optimal_where_the_better_start_leads_to_the_better_end(tmp_path):
    rounds = found(tmp_path, two_points([2.0, 2.1], [[1.8, 1.4], [1.5, 1.9]]))["rest"]
    assert rounds["same"] == 1 and rounds["seeds"][0]["same"]


def test_corners_are_no_choice(tmp_path):
    rounds = found(tmp_path, two_points([2.0, 2.1], [[1.8, 1.4], [1.5, 1.9]], corner=0.1))["rest"]
    assert rounds["seeds"][0]["optimal"]["validation"] == 1.4


def test_seeds_are_compared_each_by_itself(tmp_path):
    content = planted_sweep("ab", points=4, seeds=(3, 7), noise=0.1)
    rounds = found(tmp_path, content)
    assert list(rounds) == ["rest"]
    for seed in rounds["rest"]["seeds"]:
        ends = [e for r in content["runs"] if r["seed"] == seed["seed"] for e in r["branches"]["rest"]["ends"]]
        losses = [sum(end["validation"].values()) / 2 for end in ends if not end["corner"]]
        assert seed["optimal"]["validation"] == pytest.approx(min(losses))
    assert [seed["seed"] for seed in rounds["rest"]["seeds"]] == [3, 7] and rounds["rest"]["of"] == 2


@pytest.mark.parametrize("planted", [{"sets": {"early": (360_000, 18_000)}}, {"stratified": True}])
def test_no_set_qualifies_that_stops_early_or_starts_from_the_uniform_mixture(tmp_path, planted):
    assert found(tmp_path, planted_sweep("ab", points=3, **planted)) == {}
