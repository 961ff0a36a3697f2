import pytest
from swarm_cases import EARLY, REST, STEP, TRUNKS
from training_cases import SPEC

from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from emulsion.training import loop
from emulsion.training.judge import Judge
from emulsion.training.loop import Training
from emulsion.training.swarm import train_swarm


def test_too_many_epochs_of_a_trunk_or_a_branch_are_refused_before_anything_is_trained(swarm, steps):
    long = {**swarm, "spec": {**SPEC, "tokens": 100 * STEP}}
    message = r"^trunk sweep_00: mixture sweep_00: source 'alpha' would be read 1\.\d\d times \(max_epochs is 1\)"
    with pytest.raises(UserError, match=message):
        train_swarm(**long, max_epochs=1)
    long["branches"] = {"early": {**EARLY, "tokens": 80 * STEP}}
    message = r"^trunk stratified: branches early, mixture only_alpha: source 'alpha' would be read 2\.\d\d times"
    with pytest.raises(UserError, match=message):
        train_swarm(**{**long, "trunks": TRUNKS[1:]}, max_epochs=2)
    with pytest.raises(UserError, match=r"They read 0\.05 of each source \(match_epochs_of\)"):
        train_swarm(**{**swarm, "spec": {**SPEC, "part": 0.05}}, max_epochs=1)
    assert not steps
    train_swarm(**{**swarm, "trunks": TRUNKS[2:]}, max_epochs=1)
    assert len(steps) == 4 + 3 * 2


def test_a_choice_that_no_context_holds_is_refused_before_anything_is_trained(swarm, steps, tmp_path):
    item = {"id": "a", "capability": "facts", "kind": "choice", "prompt": "Say", "choices": ["no", "so " * 200]}
    write_json(tmp_path / "suite.json", {"suite": "long", "items": [{**item, "answer": 0}]})
    judge = Judge(suites=[tmp_path / "suite.json"], settings={}, tokenizer=swarm["tokenizer"])
    with pytest.raises(UserError, match=r"^suite 'long': item 'a': the \d+ tokens of the choice 'so so.* do not fit"):
        train_swarm(**swarm, judge=judge)
    assert not steps


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            "validation",
            r"^trunk sweep_00: the validation loss is not finite after step 4, on beta\. Lower the learning",
        ),
        (
            "test",
            r"^trunk sweep_00: branches rest, mixture sweep_00: the test loss is not finite after step 12, on beta",
        ),
    ],
)
def test_a_measured_loss_that_is_not_finite_is_refused_in_words_and_not_kept(swarm, monkeypatch, split, message):
    original = loop.held_out_losses

    def broken(model, stores, chosen, *sizes):
        losses = original(model, stores, chosen, *sizes)
        return {**losses, "beta": float("nan")} if chosen == split else losses

    monkeypatch.setattr(loop, "held_out_losses", broken)
    with pytest.raises(UserError, match=message):
        train_swarm(**swarm)
    kept = [read_json(file) for file in swarm["checkpoints"].glob("*.json")]
    assert all(each["row"][split] is None for each in kept)


def test_a_loss_that_is_not_finite_while_a_branch_trains_names_its_mixture(swarm, monkeypatch):
    original = Training._accumulate

    def broken(self, batch, weights=None):
        return original(self, batch, weights) * (float("nan") if self.folder.parent.name == "branches" else 1.0)

    monkeypatch.setattr(Training, "_accumulate", broken)
    message = (
        r"^trunk sweep_00: branches early, mixture sweep_00: the loss is not finite at step 5, on sequences of alpha"
    )
    with pytest.raises(UserError, match=message):
        train_swarm(**swarm)


def test_names_that_are_not_there_are_refused_before_anything_is_trained(swarm, steps):
    with pytest.raises(UserError, match=r"trunk sweep_00: unknown branches 'late'.*early"):
        train_swarm(**{**swarm, "trunks": [TRUNKS[1], {**TRUNKS[0], "branches": ["late"]}]})
    with pytest.raises(UserError, match=r"trunk x: unknown mixture 'sweep_02'. Did you mean 'sweep_0"):
        train_swarm(**{**swarm, "trunks": [{**TRUNKS[1], "run": "x", "mixture": "sweep_02"}]})
    with pytest.raises(UserError, match="unknown mixture 'only_beta'"):
        train_swarm(**{**swarm, "branches": {"early": {**EARLY, "corners": ["only_beta"]}, "rest": REST}})
    with pytest.raises(UserError, match="neither to be finished nor to be branched from"):
        train_swarm(**{**swarm, "trunks": [{**TRUNKS[2], "branches": []}]})
    assert not steps
