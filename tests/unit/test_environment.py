import pytest

from emulsion.environment import checkpoint_seconds, installed_trackers, mistakes_of_environment, trackers
from emulsion.errors import UserError


def test_trackers_are_named_with_commas_and_blanks_between_them():
    assert trackers({}) == ()
    assert trackers({"EMULSION_TRACKERS": "wandb, tensorboard,"}) == ("wandb", "tensorboard")


def test_a_tracker_that_is_not_installed_is_refused_by_the_run(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == "tensorboard" else None)
    assert installed_trackers({"EMULSION_TRACKERS": "tensorboard"}) == ("tensorboard",)
    with pytest.raises(UserError, match="'wandb' is not installed; `pip install wandb`"):
        installed_trackers({"EMULSION_TRACKERS": "tensorboard,wandb"})


def test_the_time_between_checkpoints_is_a_number_of_seconds():
    assert checkpoint_seconds({}) is None
    assert checkpoint_seconds({"EMULSION_CHECKPOINT_SECONDS": "90.5"}) == 90.5


@pytest.mark.parametrize("text", ["2m", "", "-1", "nan", "inf"])
def test_another_value_is_refused(text):
    with pytest.raises(UserError, match="EMULSION_CHECKPOINT_SECONDS: should be a number of seconds, such as 120"):
        checkpoint_seconds({"EMULSION_CHECKPOINT_SECONDS": text})


@pytest.mark.parametrize("text", ["2", "3"])
def test_without_docstrings_no_model_could_be_defined(text):
    [found] = mistakes_of_environment({"PYTHONOPTIMIZE": text})
    assert f"PYTHONOPTIMIZE: {text} takes away docstrings that transformers needs; unset it" in found
    assert not list(mistakes_of_environment({"PYTHONOPTIMIZE": "1"}))


def test_all_mistakes_are_listed():
    found = list(mistakes_of_environment({"EMULSION_TRACKERS": "tensorbord", "EMULSION_CHECKPOINT_SECONDS": "2m"}))
    assert [each.split(":")[0] for each in found] == ["EMULSION_TRACKERS", "EMULSION_CHECKPOINT_SECONDS"]
    assert "Did you mean 'tensorboard'?" in found[0]
