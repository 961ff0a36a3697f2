import pytest

from emulsion.methods import create
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan, describe_plan, excess_epochs
from emulsion.schedule import Schedule

PLAN = SequencePlan({"large": 100, "small": 10}, Mixture({"large": 0.5, "small": 0.5}))


def test_a_source_read_too_often_is_named_with_tokens_wanted_and_tokens_there():
    [problem] = excess_epochs(PLAN, sequences=100, context=8, limit=4)
    assert problem == ("source 'small' would be read 5.00 times (max_epochs is 4): 400 tokens wanted, 80 there.")


def test_exactly_the_epochs_allowed_are_allowed():
    assert excess_epochs(PLAN, sequences=80, context=8, limit=4) == []


@pytest.mark.parametrize("rest", [1, 2, 50, 100])
@pytest.mark.parametrize("size", [10, 57, 400])
def test_a_mixture_that_keeps_to_the_epochs_by_tokens_is_allowed(size, rest):
    # 100 tokens a sequence, and a rest of the small source that fills no other one: the first token is not predicted.
    evidence = Evidence(sizes={"small": 100 * size + rest, "large": 1e6}, tokens=500_000, max_epochs=4)
    [(_, mixture)] = create("unimax", ["small", "large"]).propose(evidence)
    plan = SequencePlan({"small": size, "large": 9999}, mixture)
    assert plan.counts(5000)[0] >= 4 * size and excess_epochs(plan, 5000, 100, 4) == []


def test_a_description_counts_in_named_units_that_add_up():
    described = describe_plan(PLAN, 100, 8, {"large": 1000, "small": 20})
    assert described["sequences_per_source"] == {"large": 50, "small": 50}
    assert described["tokens"] == sum(described["tokens_per_source"].values()) == 800
    assert described["epochs_per_source"] == {"large": 0.5, "small": 5.0}
    assert described["samples_per_source"] == {"large": 500, "small": 100}
    assert described["total_samples"] == 600
    assert described["mixing_ratios"] == described["realised_shares"] == {"large": 0.5, "small": 0.5}
    assert described["largest_deviation_sequences"] == 0


STAGES = (
    (0.5, {"a": 0.9, "b": 0.1, "c": 0.0}),
    (0.75, {"a": 0.5, "b": 0.49, "c": 0.01}),
    (1.0, {"a": 0, "b": 0, "c": 1}),
)


def test_a_source_goes_on_in_the_next_stage_where_it_was():
    pairs = [(until, Mixture(weights)) for until, weights in STAGES]
    plan = SequencePlan({"a": 100, "b": 100, "c": 100}, Schedule.staged(pairs, 80))
    stages = describe_plan(plan, 80, 8, dict.fromkeys("abc", 10))["stages"]
    assert [(stage["first_sequence"], stage["sequences"]) for stage in stages] == [(0, 40), (40, 20), (60, 20)]
    drawn = dict.fromkeys("abc", 0)
    for stage in stages:
        assert stage["offsets"] == drawn
        assert stage["largest_deviation_sequences"] < 1
        drawn = {source: drawn[source] + stage["sequences_per_source"][source] for source in drawn}
    assert stages[2]["sequences_per_source"]["c"] >= 19


def test_a_weight_too_small_for_one_sequence_of_its_stage_is_told():
    pairs = [(until, Mixture(weights)) for until, weights in STAGES]
    plan = SequencePlan({"a": 100, "b": 100, "c": 100}, Schedule.staged(pairs, 80))
    first, second, third = describe_plan(plan, 80, 8, dict.fromkeys("abc", 10))["stages"]
    assert first["not_drawn"] == third["not_drawn"] == {}
    assert second["not_drawn"] == {"c": pytest.approx(0.2)}
