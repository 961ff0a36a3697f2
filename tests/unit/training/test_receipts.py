"""Receipts of a step: the same where the run is the same, and what differs is named where it is not."""

import hashlib
from pathlib import Path

import pytest
from training_cases import SPEC

from emulsion.data.batches import read_batch, train_sizes
from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan
from emulsion.spec import RunSpec
from emulsion.training.receipts import compare, receipt

MIXED = Mixture({"alpha": 0.5, "beta": 0.25, "gamma": 0.25})


@pytest.fixture
def after(stores):
    """The receipt after a step of a run; order: the seed of its plan, changes: of its spec."""

    def of(step, carried=None, order=0, **changes):
        spec = RunSpec.from_json({**SPEC, **changes})
        return receipt(spec, SequencePlan(train_sizes(stores, spec.context), MIXED, order), stores, step, carried)

    return of


def test_the_next_batch_is_that_of_the_tokens_after_a_step_and_there_is_none_after_the_last(after, stores):
    plan = SequencePlan(train_sizes(stores, 24), MIXED, 0)
    tokens = read_batch(plan, stores, 24, 5 * 8, 6 * 8)
    assert after(5)["next_batch"] == hashlib.sha256(tokens.tobytes()).hexdigest()
    assert after(11)["next_batch"] is not None and after(12)["next_batch"] is None


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"order": 1}, "next batch"),
        ({"seed": 1}, "randomness"),
        ({"carried": {"weights": [0.5, 0.5]}}, "carried"),
        ({"carried": None, "order": 1}, "next batch and carried"),
    ],
)
def test_what_is_no_longer_as_it_was_saved_is_named_with_its_step(after, other, named):
    saved = after(5, {"weights": [0.6, 0.4]})
    compare(saved, after(5, {"weights": [0.6, 0.4]}), Path("run"))
    with pytest.raises(UserError, match=rf"^run: the run cannot go on from step 5: {named} would not be what"):
        compare(saved, after(5, **{"carried": {"weights": [0.6, 0.4]}, **other}), Path("run"))
