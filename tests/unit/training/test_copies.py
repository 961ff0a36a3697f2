"""A run that was trained already under another name is copied."""

import shutil

import pytest
from training_cases import MIXTURE

from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.training.loop import Training
from emulsion.training.run import find_twin

NEEDED = {"what": "swarm small", "runs": 4, "tokens": 1000, "evaluation_tokens": 10}


@pytest.mark.parametrize("content", ["[]", "null", "{}"])
def test_a_record_of_another_program_beside_a_run_is_no_twin_of_it(tmp_path, content):
    other = tmp_path / "other"
    other.mkdir()
    (other / "run.json").write_text(content)
    (other / "model.safetensors").write_bytes(b"weights")
    assert find_twin(tmp_path / "run", "identity") is None


def test_a_run_that_is_another_one_is_copied_and_trained_where_it_should_show_that_it_comes_out_the_same(
    train_mixture, tmp_path, monkeypatch
):
    first = train_mixture("first", reuse=True)
    write_json(tmp_path / "first" / "run.json", {**first, "killed": {"tries": 1, "seconds": 9.0}})
    write_json(tmp_path / "mixture.json", {**MIXTURE, "name": "twin"})
    steps = []
    original = Training._train_step
    monkeypatch.setattr(Training, "_train_step", lambda self: steps.append(1) or original(self))
    twin = train_mixture("twin", reuse=True)
    assert not steps and (twin["copied_from"], twin["mixture"], twin["seconds"]) == ("first", "twin", 0.0)
    assert twin["copied_seconds"] == first["seconds"] > 0
    assert twin["identity"] == first["identity"] and "copied_from" not in first and "killed" not in twin
    names = {file.name for file in (tmp_path / "first").iterdir()}
    assert {file.name for file in (tmp_path / "twin").iterdir()} == names
    for name in names - {"run.json", "README.md"}:
        assert (tmp_path / "twin" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()
    train_mixture("again")
    train_mixture("other", reuse=True, seed=9)
    for folder in ("first", "twin"):
        shutil.rmtree(tmp_path / folder)
    # What should show that it comes out the same is no copy.
    assert "copied_from" not in train_mixture("late", reuse=True)
    assert len(steps) == 3 * first["steps"]


def test_a_copy_costs_what_its_own_mixture_needed_and_as_long_as_the_run_that_was_trained(train_mixture, tmp_path):
    first = train_mixture("run", reuse=True)
    write_json(tmp_path / "mixture.json", {**MIXTURE, "needed": [NEEDED]})
    cost = {**first["cost"], "needed": [NEEDED], "extra_tokens": 1000, "extra_evaluation_tokens": 10}
    for name in ("copy", "copy_of_copy"):  # the first of them comes before the run by name
        copy = train_mixture(name, reuse=True)
        assert (copy["copied_seconds"], copy["seconds"], copy["cost"]) == (first["seconds"], 0, cost)
    shutil.rmtree(tmp_path / "copy")
    trained = train_mixture("again")
    assert "copied_from" not in trained and trained["cost"] == cost
    (tmp_path / "copy_of_copy" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"copy_of_copy.*model\.safetensors"):
        train_mixture("next", reuse=True)
