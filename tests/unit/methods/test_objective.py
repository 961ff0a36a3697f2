"""The objective: what is summed, with which sign, and what is refused."""

import math

import pytest

from emulsion.errors import UserError
from emulsion.methods import Objective

RESULTS = [
    {"run": "r0", "capabilities": {"math": 0.2, "code": 0.6}, "losses": {"web": 3.0, "books": 2.0}},
    {"run": "r1", "capabilities": {"code": 0.5, "math": 0.3}, "losses": {"books": 2.5, "web": 2.5}},
]


def scores(spec, results=RESULTS):
    objective = Objective.of(spec, results)
    return [objective.score(result) for result in results]


def test_means_are_over_names_in_any_order_and_losses_count_less():
    assert scores("mean_capability") == pytest.approx([0.4, 0.4])
    assert scores("mean_loss") == pytest.approx([-2.5, -2.5])


def test_weights_per_capability_and_source_are_normalised():
    assert scores({"capabilities": {"math": 3}, "losses": {"web": 1}}) == pytest.approx([0.15 - 0.75, 0.225 - 0.625])
    assert Objective.of({"losses": {"web": 4}}, RESULTS).to_json() == {"capabilities": {}, "losses": {"web": 1.0}}


def test_the_table_has_costs_of_which_smaller_is_better():
    costs, weights = Objective.of({"capabilities": {"math": 1, "code": 0}, "losses": {"web": 1}}, RESULTS).table(
        RESULTS
    )
    assert costs.tolist() == [[-0.2, 3.0], [-0.3, 2.5]] and weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("mean_capabilty", "unknown objective 'mean_capabilty'.*Did you mean 'mean_capability'"),
        ({"capability": {"math": 1}}, "Did you mean 'capabilities'"),
        ({"capabilities": {"maths": 1}}, "run 'r0': unknown capabilities 'maths'.*'math'"),
        ({"losses": {"web": -1}}, r"losses\.web: should be a number, 0 or more, but is -1"),
        ({"losses": {"web": "1"}}, r"losses\.web: should be a number"),
        ({"losses": "web"}, r"losses: should be \{name: weight\}"),
        ({"web": 2}, "unknown group 'web'"),
        (["mean_loss"], "should be mean_capability or mean_loss, or"),
        (5, "should be mean_capability or mean_loss, or"),
        ({"losses": {"web": 0}}, "all weights are 0"),
    ],
)
def test_what_cannot_be_weighed_is_refused(spec, words):
    with pytest.raises(UserError, match=words):
        scores(spec)


def test_a_run_without_a_score_is_named():
    for value in (None, math.nan):
        broken = [RESULTS[0], {"run": "r1", "capabilities": {"math": value, "code": 0.1}}]
        with pytest.raises(UserError, match=rf"run 'r1'.*math is {value}"):
            scores("mean_capability", broken)
    with pytest.raises(UserError, match="needs results with losses"):
        Objective.of("mean_loss", [{"run": "r", "capabilities": {"math": 1.0}}])
