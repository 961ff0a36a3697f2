from emulsion.mixture import Mixture
from emulsion.planning import describe_plan, excess_epochs
from emulsion.sampling import SequencePlan

PLAN = SequencePlan({"large": 100, "small": 10}, Mixture({"large": 0.5, "small": 0.5}))


def test_a_source_read_too_often_is_named_with_tokens_wanted_and_tokens_there():
    [problem] = excess_epochs(PLAN, sequences=100, context=8, limit=4)
    assert problem == ("source 'small' would be read 5.00 times (max_epochs is 4): 400 tokens wanted, 80 there.")


def test_exactly_the_epochs_allowed_are_allowed():
    assert excess_epochs(PLAN, sequences=80, context=8, limit=4) == []


def test_a_description_counts_in_named_units_that_add_up():
    described = describe_plan(PLAN, 100, 8, {"large": 1000, "small": 20})
    assert described["sequences_per_source"] == {"large": 50, "small": 50}
    assert described["tokens"] == sum(described["tokens_per_source"].values()) == 800
    assert described["epochs_per_source"] == {"large": 0.5, "small": 5.0}
    assert described["samples_per_source"] == {"large": 500, "small": 100}
    assert described["total_samples"] == 600
    assert described["mixing_ratios"] == described["realised_shares"] == {"large": 0.5, "small": 0.5}
    assert described["largest_deviation_sequences"] == 0
