import numpy as np
import pytest
import torch
from training_cases import NEOX, SPEC, same

from emulsion.errors import PassingError
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training import checkpoint
from emulsion.training.branching import Trunk
from emulsion.training.checkpoint import Origin
from emulsion.training.inputs import RunInputs
from emulsion.training.journal import Journal
from emulsion.training.loop import Training
from emulsion.training.runtime import Runtime

DROPOUT = {**SPEC["model"], "dropout": 0.1}
BEFORE = Mixture({"alpha": 0.6, "beta": 0.3, "gamma": 0.1})
AFTER = Mixture({"alpha": 0.0, "beta": 0.25, "gamma": 0.75})


@pytest.fixture
def inputs(store_folders, tokenizer):
    torch.set_num_threads(1)
    return RunInputs.open(list(store_folders.values()), tokenizer, RunSpec.from_json(SPEC), None)


@pytest.fixture
def make(tmp_path, inputs):
    """A training into a folder of this name, from step `change` on by AFTER, and from the state of `origin` then."""

    def of(name, model=SPEC["model"], change=None, origin=None):
        spec = RunSpec.from_json({**SPEC, "model": model})
        plan = inputs.plan(spec, Schedule.constant(BEFORE))
        if change is not None:
            plan.change(change * spec.batch_sequences, AFTER)
        told = (tmp_path / name, name)
        training = Training(spec, plan, inputs.stores, lambda: inputs.model(model), *told, Runtime(micro_batch=8))
        if origin is not None:
            training.turn_to(plan, *told, Origin(tmp_path / origin, origin, change))
        return training

    return of


def state(training):
    """All that the next step depends on."""
    return checkpoint.tensors(training.model, training.optimizer)


@pytest.mark.parametrize("model", [SPEC["model"], NEOX, DROPOUT], ids=["gpt2", "gpt_neox", "dropout"])
def test_a_branch_ends_with_the_very_weights_of_a_run_from_scratch_whose_mixture_changes_there(make, model):
    make("trunk", model).run(5)
    branch, scratch = make("branch", model, change=5, origin="trunk"), make("scratch", model, change=5)
    branch.run(9)
    scratch.run(9)
    assert same(state(branch), state(scratch))
    assert branch.log.rows == scratch.log.rows[5:]
    assert np.array_equal(branch.drawn, scratch.drawn)
    assert branch.validate("test") == scratch.validate("test") != scratch.validate()


def test_a_training_turned_from_branch_to_branch_and_back_is_the_trunk_that_was_never_left(make, tmp_path):
    whole, left = make("whole"), make("trunk")
    whole.run()
    left.run(5)
    for name in ("first", "second"):
        branch = make(name, change=5)
        left.carried = object()  # of an online method, which is of the run that is left
        left.turn_to(branch.plan, tmp_path / name, name, Origin(tmp_path / "trunk", "trunk", 5))
        left.run(8, save=False)
    left.turn_to(whole.plan, tmp_path / "trunk", "trunk", Origin(tmp_path / "trunk", "trunk", 5))
    left.run()
    assert same(state(left), state(whole))
    assert left.log.rows == whole.log.rows


def test_a_training_paused_leaves_two_checkpoints_and_goes_on_to_the_same_weights(make, tmp_path):
    whole, paused = make("whole"), make("paused")
    whole.run()
    for step, kept in ((3, [3]), (7, [3, 7]), (9, [7, 9])):
        paused.run(step)
        names = [folder.name for folder in checkpoint.checkpoints(tmp_path / "paused")]
        assert names == [f"step-{number:09d}" for number in kept]
    paused.run()
    assert same(state(paused), state(whole))
    assert paused.log.rows == whole.log.rows


def test_a_branch_killed_goes_on_from_its_own_checkpoint(make):
    make("trunk").run(5)
    whole = make("whole", change=5, origin="trunk")
    whole.run()
    make("killed", change=5, origin="trunk").run(8)
    resumed = make("killed", change=5, origin="trunk")
    resumed.run()
    assert same(state(resumed), state(whole))
    assert [row["step"] for row in resumed.log.rows] == list(range(6, 13))


def test_a_checkpoint_later_than_the_step_that_is_asked_for_is_not_taken(make):
    make("trunk").run(8)
    again, fresh = make("trunk"), make("fresh")
    again.run(5)
    fresh.run(5)
    assert same(state(again), state(fresh))


def test_a_branch_from_a_step_that_was_not_saved_is_refused(make):
    make("trunk").run(4)
    with pytest.raises(PassingError, match="no checkpoint of step 5 of run trunk to branch from"):
        make("branch", change=5, origin="trunk").run()


def test_a_trunk_measures_what_a_run_from_scratch_measures(make, tmp_path, inputs):
    trunk = Trunk(SPEC, BEFORE, inputs, Journal(tmp_path / "journal"), Runtime(micro_batch=8))
    scratch = make("scratch")
    scratch.run(5)
    assert trunk.measure(5)["validation"] == scratch.validate()
    turned = make("turned", change=5)
    turned.run()
    row = trunk.measure_branch(5, AFTER, 12)
    assert (row["validation"], row["test"]) == (turned.validate(), turned.validate("test"))
    scratch.run()
    assert trunk.measure(12)["test"] == scratch.validate("test")
    assert (trunk.measured, trunk.known) == (3, 0)
