from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_cases import MIXTURE, SPEC

from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.models import ARCHITECTURES
from emulsion.spec import DECAYS, PRECISIONS, RunSpec, run_identity


def spec(**changes):
    return RunSpec.from_json({**SPEC, **changes})


def test_a_budget_is_spent_in_whole_batches_of_whole_sequences():
    chosen = spec(tokens=1000, batch_tokens=100, model={**SPEC["model"], "context": 24})
    assert (chosen.batch_sequences, chosen.steps, chosen.sequences) == (4, 10, 40)
    assert chosen.realised_tokens == 960


def test_a_budget_smaller_than_a_batch_is_refused():
    with pytest.raises(UserError, match="tokens 90 is less than one batch of 100"):
        spec(tokens=90, batch_tokens=100)


def test_a_batch_smaller_than_a_sequence_is_refused():
    with pytest.raises(UserError, match="less than one sequence of 24"):
        spec(batch_tokens=20)


def test_an_unknown_or_missing_key_is_named():
    with pytest.raises(UserError, match=r"unknown field 'sed'.*'seed'"):
        RunSpec.from_json({**SPEC, "sed": 1})
    with pytest.raises(UserError, match=r"run spec\.clip: is missing"):
        RunSpec.from_json({key: value for key, value in SPEC.items() if key != "clip"})


@given(st.integers(1, 500), st.integers(1, 40))
def test_validations_are_spread_over_the_run_and_always_close_it(steps, validations):
    chosen = spec(tokens=96 * steps, batch_tokens=96, validations=validations)
    taken = chosen.validation_steps()
    assert chosen.steps == steps
    assert max(taken) == steps
    assert len(taken) == min(steps, validations)
    assert min(taken) >= 1


@given(st.integers(2, 60), st.integers(1, 6000), st.integers(1, 6000))
def test_branches_leave_and_end_after_whole_steps_within_the_run(steps, after, tokens):
    chosen = spec(tokens=96 * steps + 7, batch_tokens=96)
    if round(after / 96) >= steps:
        with pytest.raises(UserError, match=r"^after: .* branches have to leave before the last step"):
            chosen.branch(after, tokens)
        return
    start, end = chosen.branch(after, tokens)
    assert 1 <= start < end <= steps
    assert abs(start * 96 - after) <= 96
    if after + tokens >= 96 * steps:
        assert end == steps
    elif end < steps:
        assert abs((end - start) * 96 - tokens) <= 96


def test_the_identity_of_a_run_is_its_spec_schedule_and_data():
    mixture = {"name": "m", "schedule": [{"until": 1.0, "weights": {"a": 1.0}}]}
    identity = run_identity(SPEC, mixture, {"a": {"tokens": 1}})
    assert identity == run_identity(dict(reversed(SPEC.items())), {**mixture, "name": "other"}, {"a": {"tokens": 1}})
    assert identity != run_identity({**SPEC, "seed": 1}, mixture, {"a": {"tokens": 1}})
    assert identity != run_identity(SPEC, mixture, {"a": {"tokens": 2}})


def test_the_identity_of_a_run_without_initial_weights_is_what_it_always_was():
    """Another one would train every run again."""
    assert run_identity(SPEC, MIXTURE, {"alpha": {"tokens": 1}}) == "06c9d24967c2c0a8"


def test_initial_weights_are_part_of_the_identity():
    identities = {run_identity(SPEC, MIXTURE, {}, weights) for weights in (None, "one hash", "another")}
    assert len(identities) == 3


def test_the_decay_is_a_cosine_where_the_spec_says_nothing_and_an_unknown_one_is_refused():
    assert (spec().decay, spec(decay="linear").decay) == ("cosine", "linear")
    with pytest.raises(UserError, match=r"run spec: unknown decay 'liner'. Did you mean 'linear'"):
        spec(decay="liner")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("tokens", "100", "a whole number, 1 or more, but is '100'"),
        ("tokens", 2304.5, "a whole number, 1 or more, but is 2304.5"),
        ("learning_rate", "1e-3", "a number, 0 or more, but is '1e-3'"),
        ("learning_rate", float("nan"), "a number, 0 or more, but is nan"),
        ("final_learning_rate", -1, "a number, 0 or more, but is -1"),
        ("warmup", 2.0, "a number from 0 to 1, but is 2.0"),
        ("betas", [0.9], r"two numbers from 0 to below 1, but is \[0.9\]"),
        ("betas", 0.9, "two numbers from 0 to below 1, but is 0.9"),
        ("weight_decay", -1, "a number, 0 or more, but is -1"),
        ("validations", -1, "a whole number, 0 or more, but is -1"),
        ("validation_sequences", 0, "a whole number, 1 or more, but is 0"),
        ("seed", 0.5, "a whole number, but is 0.5"),
        ("part", 0, "a number above 0, up to 1, but is 0"),
        ("model", {**SPEC["model"], "architecture": "xlstm"}, "a model with an architecture"),
        ("model", {**SPEC["model"], "context": "24"}, "a model with an architecture"),
    ],
)
def test_a_setting_of_another_form_is_refused_by_name(key, value, words):
    with pytest.raises(UserError, match=f"run spec.{key}: should be {words}"):
        spec(**{key: value})


@pytest.mark.parametrize("values", [[], None, 5, "spec"])
def test_what_is_no_spec_is_refused(values):
    with pytest.raises(UserError, match="run spec: should be fields with values"):
        RunSpec.from_json(values)


def test_an_unknown_precision_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown precision 'bf1'\. Did you mean 'bf16'"):
        spec(precision="bf1")


def test_a_spec_and_the_configuration_know_the_same_architectures_precisions_and_decays():
    schema = read_yaml(Path("workflow/schemas/config.schema.yaml"))["properties"]
    training = schema["training"]["additionalProperties"]["properties"]
    assert tuple(schema["models"]["additionalProperties"]["properties"]["architecture"]["enum"]) == ARCHITECTURES
    assert (tuple(training["precision"]["enum"]), tuple(training["decay"]["enum"])) == (PRECISIONS, DECAYS)
