"""The end of a run: what its record and its model folder have, and what is left beside them."""

import json
import shutil

import pytest
import torch
from training_cases import NEOX, same, weights
from transformers import AutoModelForCausalLM, AutoTokenizer

from emulsion.errors import PassingError, UserError
from emulsion.files import read_json, write_json
from emulsion.training import finish, loop, owner
from emulsion.training.job import Job
from emulsion.training.loop import Training


def test_the_record_says_what_was_drawn_and_it_is_what_was_asked_for(train_mixture):
    record = train_mixture("run", tokens=100 * 8 * 24)
    assert sum(record["sequences_per_source"].values()) == record["sequences"] == 800
    assert record["sequences_per_source"] == {"alpha": 320, "beta": 160, "gamma": 320}
    assert record["tokens"] == 800 * 24
    assert record["largest_deviation_sequences"] < 1
    assert record["parameters"] == 300 * 16 + 24 * 16 + 2 * 16 + (4 * 16 * 16 + 2 * 16 * 32 + 9 * 16 + 32)


def test_the_model_loads_with_transformers_and_gives_the_logits_it_was_trained_to(train_mixture, tmp_path, monkeypatch):
    seen = {}
    original = loop.Training.run

    def run(self, *arguments):
        original(self, *arguments)
        with torch.no_grad():
            self.model.eval()
            seen["logits"] = self.model(input_ids=torch.arange(10)[None]).logits

    monkeypatch.setattr(loop.Training, "run", run)
    train_mixture("run", model=NEOX)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run", local_files_only=True).eval()
    tokens = AutoTokenizer.from_pretrained(tmp_path / "run", local_files_only=True)("one two")["input_ids"]
    with torch.no_grad():
        assert torch.equal(model(input_ids=torch.arange(10)[None]).logits, seen["logits"])
        written = model.generate(torch.arange(2, 6)[None], max_new_tokens=2, return_dict_in_generate=True)
    assert len(tokens) > 0 and written.past_key_values is not None  # without, each token reads the text anew


def test_a_run_told_to_stop_while_its_model_is_saved_keeps_what_to_make_it_from_again(
    train_mixture, tmp_path, monkeypatch, caplog
):
    """Its job may be taken for failed for the signal, and then Snakemake deletes the model."""
    saved = finish.save_model

    def told(model, *arguments):
        saved(model, *arguments)
        jobs[-1].told_to_stop = True

    jobs, made = [], Job.__init__
    monkeypatch.setattr(Job, "__init__", lambda self, minutes=None: jobs.append(self) or made(self, minutes))
    with monkeypatch.context() as patched:
        patched.setattr(finish, "save_model", told)
        train_mixture("told")
    whole = weights(tmp_path / "told")
    shutil.rmtree(tmp_path / "told")
    caplog.set_level("INFO")
    train_mixture("told")
    assert "resumed at step 12 of 12" in caplog.text
    assert same(whole, weights(tmp_path / "told"))
    assert not (tmp_path / "told.checkpoints").exists()


def test_nothing_is_left_beside_a_finished_model(train_mixture, tmp_path):
    train_mixture("run")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"mixture.json", "run"}
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "run.json",
        "training_log.jsonl",
        "README.md",
    }
    assert json.loads((tmp_path / "run" / "run.json").read_text())["spec"]["seed"] == 0


def test_a_run_that_would_take_no_losses_at_its_end_is_refused_before_it_starts(train_mixture, tmp_path):
    with pytest.raises(UserError, match="validations: should be 1 or more"):
        train_mixture("run", validations=0)
    assert not (tmp_path / "run.checkpoints" / "training_log.jsonl").exists()


def test_a_run_that_was_taken_over_in_its_last_step_gives_no_model(train_mixture, tmp_path, monkeypatch):
    original, other = Training.run, tmp_path / "run.checkpoints" / owner.FILE

    def run_and_sleep(self):
        original(self)
        write_json(other, {"host": "elsewhere", "process": 7, "start": "1", "token": "another"})

    monkeypatch.setattr(Training, "run", run_and_sleep)
    with pytest.raises(PassingError, match="another process trains this run now"):
        train_mixture("run")
    assert not (tmp_path / "run").exists() and read_json(other)["token"] == "another"


def test_a_run_whose_log_lacks_a_step_gives_no_model(train_mixture, tmp_path, monkeypatch):
    original = Training.run

    def run_and_lose(self):
        original(self)
        del self.log.rows[4]

    monkeypatch.setattr(Training, "run", run_and_lose)
    with pytest.raises(RuntimeError, match="the log has 11 rows of 12 steps"):
        train_mixture("run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_drew_other_shares_than_planned_gives_no_model(train_mixture, tmp_path, monkeypatch):
    original = Training._report

    def draw_one_more(self, *arguments):
        original(self, *arguments)
        self.drawn[0] += self.step == 12

    monkeypatch.setattr(Training, "_report", draw_one_more)
    with pytest.raises(RuntimeError, match="sequences per source, planned"):
        train_mixture("run")
    assert not (tmp_path / "run").exists()
