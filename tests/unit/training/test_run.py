import json
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from training_cases import NEOX, SPEC, Killed, killed_before, same, weights

from emulsion.data.tokenizers import train_bpe
from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl
from emulsion.training import owner
from emulsion.training.card import model_card
from emulsion.training.checkpoint import checkpoints
from emulsion.training.forward import SequenceLosses
from emulsion.training.loop import Training
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime

DROPOUT = {**SPEC["model"], "dropout": 0.1}


@pytest.mark.parametrize("model", [SPEC["model"], NEOX, DROPOUT], ids=["gpt2", "gpt_neox", "dropout"])
def test_a_run_killed_at_any_step_ends_with_the_weights_of_one_that_was_not(
    train_mixture, tmp_path, monkeypatch, model
):
    train_mixture("whole", model=model)
    for step in (1, 5, 6, 11):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train_mixture("killed", model=model)
    record = train_mixture("killed", model=model)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    rows = [read_jsonl(tmp_path / name / "training_log.jsonl") for name in ("whole", "killed")]
    assert rows[0] == rows[1]
    assert record["steps"] == len(rows[0]) == 12


def test_a_run_repeated_gives_the_same_weights_and_another_seed_does_not(train_mixture, tmp_path):
    train_mixture("first")
    train_mixture("again")
    train_mixture("other", seed=1)
    assert same(weights(tmp_path / "first"), weights(tmp_path / "again"))
    assert not same(weights(tmp_path / "first"), weights(tmp_path / "other"))


def test_micro_batches_change_nothing_but_rounding(train_mixture, tmp_path):
    train_mixture("whole")
    train_mixture("pieces", micro_batch=3)
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.allclose(tensor, weights(tmp_path / "pieces")[name], atol=2e-4), name


def test_a_checkpoint_of_another_spec_is_not_resumed(train_mixture, tmp_path, monkeypatch, caplog):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_before(patched, 6)
        train_mixture("run")
    train_mixture("run", seed=1)
    assert "is of a run with other settings, data or mixture, so it is not gone on from" in caplog.text
    train_mixture("fresh", seed=1)
    assert same(weights(tmp_path / "run"), weights(tmp_path / "fresh"))


def test_the_loss_falls_and_is_logged_at_every_step_with_validation_on_every_source(train_mixture, tmp_path):
    record = train_mixture("run", tokens=40 * 8 * 24)
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 41))
    assert rows[-1]["tokens"] == record["tokens"] == 40 * 8 * 24
    assert np.mean([row["loss"] for row in rows[-5:]]) < np.mean([row["loss"] for row in rows[:5]]) - 0.3
    validated = [row for row in rows if "validation" in row]
    assert [row["step"] for row in validated] == [13, 27, 40]
    assert all(set(row["validation"]) == {"alpha", "beta", "gamma"} for row in validated)
    assert record["validation"] == validated[-1]["validation"]


def test_the_model_card_states_mixture_tokens_and_results(train_mixture, tmp_path):
    record = train_mixture("run")
    card = (tmp_path / "run" / "README.md").read_text()
    assert f"{record['tokens']:,} tokens of the mixture `mixed`" in card
    assert f"{record['validation']['alpha']:.4f}" in card
    assert "until 50 %" in card
    web = {"kind": "web", "addresses": ["https://example.org/a.jsonl"], "paths": ["a.jsonl"], "licence": "unstated"}
    assert "| web: https://example.org/a.jsonl |" in model_card(
        {**record, "sources": {**record["sources"], "alpha": web}}
    )


def test_a_loss_that_is_not_finite_stops_the_run_with_the_step_and_the_sources(train_mixture, monkeypatch):
    original = Training._accumulate

    def accumulate(self, batch, weights=None):
        losses = original(self, batch, weights)
        return losses * (float("nan") if self.step == 4 else 1.0)

    monkeypatch.setattr(Training, "_accumulate", accumulate)
    with pytest.raises(UserError, match=r"not finite at step 5, on sequences of alpha"):
        train_mixture("run")


def short_of_memory(monkeypatch, most):
    """Devices whose memory holds so many sequences at once."""
    forward = SequenceLosses.forward

    def limited(self, tokens):
        if len(tokens) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, tokens)

    monkeypatch.setattr(SequenceLosses, "forward", limited)


def test_where_memory_is_too_small_fewer_sequences_are_taken_at_once_and_the_batch_stays(
    train_mixture, tmp_path, monkeypatch, caplog
):
    train_mixture("pieces", micro_batch=2)
    short_of_memory(monkeypatch, 3)
    train_mixture("halved", micro_batch=8)
    assert same(weights(tmp_path / "pieces"), weights(tmp_path / "halved"))
    assert [record.args[1] for record in caplog.records if "too small for" in record.message] == [4, 2]
    logs = [read_jsonl(tmp_path / name / "training_log.jsonl") for name in ("pieces", "halved")]
    assert [row["loss"] for row in logs[0]] == [row["loss"] for row in logs[1]]


def test_memory_that_is_too_small_for_one_sequence_is_said(train_mixture, monkeypatch):
    short_of_memory(monkeypatch, 0)
    with pytest.raises(UserError, match="too small for 1 sequences of 24 tokens at once: take a smaller model"):
        train_mixture("run")


def test_a_run_that_is_short_of_time_saves_and_says_so_and_the_next_try_ends_it(train_mixture, tmp_path):
    train_mixture("whole")
    with pytest.raises(UserError, match=r"stopped at step \d+ of 12, saved"):
        train_mixture("late", checkpoint_seconds=1e9, minutes=1e-9)
    train_mixture("late", checkpoint_seconds=1e9)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "late"))


def test_a_run_saves_as_often_as_it_is_told_and_takes_its_last_step_however_short_of_time(
    train_mixture, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_before(patched, 6)
        train_mixture("run", checkpoint_seconds=1e9)
    assert not checkpoints(tmp_path / "run.checkpoints")
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_before(patched, 11)
        train_mixture("run")
    saved = read_json(checkpoints(tmp_path / "run.checkpoints")[-1] / "state.json")
    record = train_mixture("run", minutes=1e-9)
    assert saved["step"] == 11 and record["seconds"] > saved["seconds"] > 0


def test_a_run_can_be_followed_in_tensorboard_also_when_it_is_finished(train_mixture, tmp_path):
    train_mixture("run", trackers=("tensorboard",))
    [events] = (tmp_path / "trackers" / "run.checkpoints").glob("events*")
    assert b"validation/alpha" in events.read_bytes()


def wait_for_step(folder, step):
    """Until the log of a training in another process holds this step."""
    log = folder / "training_log.jsonl"
    for _ in range(12_000):
        if log.exists() and log.read_text().count("\n") >= step:
            return
        time.sleep(0.05)
    raise TimeoutError(f"no step {step} in {log}")


def command_line(tmp_path, store_folders, tokenizer, name, **settings):
    """train.py and its options, for a run into a folder of this name."""
    values = {
        "mixture": tmp_path / "mixture.json",
        "tokenizer": tokenizer,
        "output": tmp_path / name,
        "checkpoints": tmp_path / f"{name}.checkpoints",
        "micro-batch": 8,
        **settings,
    }
    options = [part for key, value in values.items() for part in (f"--{key}", str(value))]
    return ["workflow/scripts/train.py", *options, "--stores", *map(str, store_folders.values())]


def test_a_process_killed_by_the_system_twice_ends_with_the_same_weights(
    train_mixture, tmp_path, store_folders, tokenizer
):
    spec = {"tokens": 600 * 8 * 24}
    # Not beside the other, which would be a copy of it.
    train_mixture("elsewhere/whole", checkpoint_seconds=1e9, **spec)
    settings = {"spec": json.dumps({**SPEC, **spec}), "checkpoint-seconds": 0.2}
    command = [sys.executable, *command_line(tmp_path, store_folders, tokenizer, "killed", **settings)]
    for step in (20, 250):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for_step(tmp_path / "killed.checkpoints", step)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "resumed at step" in done.stderr
    assert same(weights(tmp_path / "elsewhere/whole"), weights(tmp_path / "killed"))
    assert read_json(tmp_path / "killed" / "run.json")["killed"]["tries"] == 2


def test_a_second_process_waits_for_a_run_and_takes_its_model(train_mixture, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(owner, "LOOK_SECONDS", 0.01)
    steps, original = [], Training._train_step
    second = threading.Thread(target=lambda: train_mixture("run"))

    def train_step(self):
        if len(steps) == 5:
            second.start()
            while "trains this run; waiting for its end" not in caplog.text:
                time.sleep(0.01)
        steps.append(self.step)
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
    train_mixture("run")
    second.join(timeout=60)
    assert not second.is_alive() and steps == list(range(12))
    assert [row["step"] for row in read_jsonl(tmp_path / "run/training_log.jsonl")] == list(range(1, 13))
    assert not (tmp_path / "run.checkpoints").exists()


def test_a_store_made_with_another_tokenizer_is_refused(train_mixture, tmp_path, store_folders):
    train_bpe(["something else entirely"] * 50, 280, tmp_path / "other")
    with pytest.raises(UserError, match=r"made with tokenizer \w+, but .*other is \w+"):
        train_run(
            mixture_file=tmp_path / "mixture.json",
            store_folders=list(store_folders.values()),
            tokenizer=tmp_path / "other",
            spec_values=SPEC,
            output=tmp_path / "run",
            checkpoints=tmp_path / "checkpoints",
            runtime=Runtime(micro_batch=8),
        )


def test_a_model_with_fewer_rows_than_the_tokenizer_has_tokens_is_refused(train_mixture):
    with pytest.raises(UserError, match=r"the model's vocab_size is 299, but .* has 300 tokens"):
        train_mixture("run", model={**SPEC["model"], "vocab_size": 299})


def test_a_card_is_written_of_sources_whose_origin_is_not_told(train_mixture):
    told = train_mixture("run")
    card = model_card({**told, "sources": {source: {} for source in told["sources"]}})
    assert "| unstated: local files | unstated |" in card


def test_a_run_that_would_repeat_a_source_too_often_is_refused_before_it_starts(train_mixture, tmp_path):
    with pytest.raises(UserError, match=r"mixture\.json: .*'alpha' would be read 0\.\d\d times .*max_epochs is 0\.01"):
        train_mixture("run", max_epochs=0.01)
    assert not (tmp_path / "run.checkpoints" / "training_log.jsonl").exists()
    train_mixture("run", max_epochs=1)


def test_a_gradient_that_is_not_finite_is_null_in_the_log(train_mixture, tmp_path, monkeypatch):
    """The step after it stops the run, whose log stays one of valid JSON."""
    original = Training._train_step

    def train_step(self):
        if self.step == 4:
            self.model.get_input_embeddings().weight.register_hook(lambda gradient: gradient * float("inf"))
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
    with pytest.raises(UserError, match="not finite at step 6"):
        train_mixture("run")
    rows = read_jsonl(tmp_path / "run.checkpoints" / "training_log.jsonl")
    assert [row["gradient_norm"] is None for row in rows] == [False] * 4 + [True]
