import numpy as np
import pytest
import torch
from training_cases import MIXTURE, SPEC
from transformers import AutoTokenizer

from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.evaluation.generation import continue_text
from emulsion.files import read_json, write_json
from emulsion.spec import RunSpec
from emulsion.training.inputs import RunInputs
from emulsion.training.run import prepare, train_run
from emulsion.training.runtime import Runtime
from emulsion.training.smoke import SmokeCheck, ends, passed


@pytest.fixture
def arguments(tmp_path, store_folders, tokenizer):
    """What a run is made of, with a smoke check after `steps` steps."""
    write_json(tmp_path / "mixture.json", MIXTURE)
    torch.set_num_threads(1)

    def of(name, steps, least_fall=0.1, stop=False, **changes):
        check = SmokeCheck(
            steps=steps,
            least_fall=least_fall,
            continued=lambda model, prompt: continue_text(model, prompt, tokenizer=tokenizer),
            stop=stop,
        )
        return {
            "mixture_file": tmp_path / "mixture.json",
            "store_folders": list(store_folders.values()),
            "tokenizer": tokenizer,
            "spec_values": {**SPEC, **changes},
            "checkpoints": tmp_path / f"{name}.checkpoints",
            "runtime": Runtime(micro_batch=8, after_step=check),
        }

    return of


def test_a_run_whose_loss_does_not_fall_is_refused_and_told_why(arguments, tmp_path):
    with pytest.raises(UserError) as error:
        train_run(**arguments("flat", 6, learning_rate=1e-9, final_learning_rate=0.0), output=tmp_path / "flat")
    message = str(error.value)
    assert "smoke check: the loss does not fall" in message
    assert "over the first 1 of 6 steps" in message and "fallen by 0.1 at least (`smoke.least_fall`)" in message
    assert "learning rate was 1e-09 at most" in message
    assert not (tmp_path / "flat").exists()


def test_a_run_whose_loss_falls_by_less_than_is_asked_for_is_refused_too(arguments, tmp_path):
    with pytest.raises(
        UserError, match=r"should have fallen by 100 at least .* of 0\.01 after 3 steps of warm-up; .* has 5\.7"
    ):
        train_run(**arguments("slow", 6, least_fall=100.0), output=tmp_path / "slow")


def test_a_refused_run_is_refused_again_when_it_is_tried_again(arguments, tmp_path):
    told = arguments("flat", 6, learning_rate=1e-9, final_learning_rate=0.0)
    for _ in range(2):
        with pytest.raises(UserError, match="does not fall"):
            train_run(**told, output=tmp_path / "flat")


def test_what_the_check_found_is_in_the_record_of_the_run(arguments, tmp_path, store_folders, tokenizer):
    train_run(**arguments("good", 6), output=tmp_path / "good")
    record = read_json(tmp_path / "good/run.json")
    check = record["smoke_check"]
    assert check["identity"] == record["identity"]
    assert check["passed"] and check["steps"] == 6 and check["tokens"] == 6 * SPEC["batch_tokens"]
    assert check["first_loss"] - check["last_loss"] >= 0.1
    assert check["peak_memory_bytes"] > 2**24 and 0 < check["seconds"] < record["seconds"] and check["devices"] == 1
    # The first half of a held-out text of the source that is drawn most.
    assert check["sample"]["source"] == max(record["realised_shares"], key=record["realised_shares"].get) == "gamma"
    text = TokenStore.open(store_folders["gamma"]).read("validation", np.zeros(1, np.int64), 24)[0]
    codec = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    assert check["sample"]["prompt"] == codec.decode(text[:12].tolist())


def test_the_check_changes_nothing_of_what_is_learned(arguments, tmp_path):
    dropout = {**SPEC["model"], "dropout": 0.1}
    for name, steps in (("checked", 6), ("unchecked", 0)):
        train_run(**arguments(name, steps, model=dropout), output=tmp_path / name)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("checked", "unchecked")]
    assert weights[0] == weights[1]
    assert read_json(tmp_path / "unchecked/run.json")["smoke_check"] is None


def test_a_check_of_its_own_stops_after_its_steps_and_finds_what_the_run_finds(arguments, tmp_path):
    told = arguments("alone", 6, stop=True)
    inputs = RunInputs.open(told.pop("store_folders"), told.pop("tokenizer"), RunSpec.from_json(SPEC), None)
    alone = prepare(**told, inputs=inputs)
    alone.run()
    assert alone.step == 6
    found = passed(tmp_path / "alone.checkpoints", alone.identity)
    train_run(**arguments("whole", 6), output=tmp_path / "whole")
    whole = read_json(tmp_path / "whole/run.json")["smoke_check"]
    assert {key: found[key] for key in ("identity", "last_loss", "sample")} == {
        key: whole[key] for key in ("identity", "last_loss", "sample")
    }


def test_a_run_shorter_than_the_check_is_looked_at_when_it_ends(arguments, tmp_path):
    train_run(**arguments("short", 1000), output=tmp_path / "short")
    assert read_json(tmp_path / "short/run.json")["smoke_check"]["steps"] == 12


def test_a_check_of_another_run_counts_for_nothing(tmp_path):
    write_json(tmp_path / "smoke.json", {"identity": "other"})
    assert passed(tmp_path, "this") is None


def test_the_ends_of_a_run_are_means_of_a_tenth_of_it():
    assert ends([3.0, 2.0, 1.0]) == (3.0, 1.0)
    assert ends([4.0, 2.0, *[9.0] * 16, 1.0, 0.0]) == (3.0, 0.5)
