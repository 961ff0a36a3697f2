"""A model that was finished while no Snakemake was there to record it is taken, not trained again."""

import json
import logging
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from emulsion import refusals, unrecorded
from emulsion.files import read_json, sha256, write_json


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A finished model of a run in a working directory."""
    monkeypatch.chdir(tmp_path)
    folder = Path("models/exp3-equal_mix")
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    files = {name: sha256(folder / name) for name in ("model.safetensors", "config.json")}
    write_json(folder / "run.json", {"identity": "same", "files": files})
    return folder


def mark(name):
    """As Snakemake marks a file whose job's end it has not seen."""
    path = unrecorded._place(unrecorded.MARKS, Path(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")


CHECKPOINTS = Path("checkpoints/exp3-equal_mix")


def test_a_marked_model_is_laid_beside_its_checkpoints_and_taken_by_the_same_run(model):
    mark("models/exp3-equal_mix/run.json")
    mark("results/exp3/equal_mix/perplexity.json")
    assert unrecorded.keep_models(time.time()) == ["exp3-equal_mix"]
    assert not model.exists()
    assert unrecorded.take_model(CHECKPOINTS, model, "same")
    assert (model / "model.safetensors").read_bytes() == b"weights"
    assert read_json(model / "run.json")["identity"] == "same" and not CHECKPOINTS.exists()


def test_a_kill_while_it_is_taken_loses_nothing(model, monkeypatch):
    mark("models/exp3-equal_mix/run.json")
    unrecorded.keep_models(time.time())
    taken = []

    def dies(beside, path):
        taken.append(sorted(file.name for file in beside.iterdir()))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("emulsion.files.publish", dies)
        unrecorded.take_model(CHECKPOINTS, model, "same")
    assert taken == [["config.json", "model.safetensors", "run.json"]] and not model.exists()
    assert unrecorded.take_model(CHECKPOINTS, model, "same")
    assert (model / "model.safetensors").read_bytes() == b"weights"


def test_another_run_does_not_take_it(model):
    mark("models/exp3-equal_mix/run.json")
    unrecorded.keep_models(time.time())
    assert not unrecorded.take_model(CHECKPOINTS, model, "edited meanwhile")
    assert not model.exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"weighty"),
        ("run.json", b'{"identity": "same", "checksum": "0"}'),
        ("run.json", b"[]"),
        ("run.json", b"{}"),
    ],
)
def test_a_damaged_one_is_named_and_not_taken(model, caplog, file, content):
    (model / file).write_bytes(content)
    mark("models/exp3-equal_mix/run.json")
    unrecorded.keep_models(time.time())
    assert not unrecorded.take_model(CHECKPOINTS, model, "same")
    assert "It is not used" in caplog.text


def test_what_snakemake_has_recorded_and_what_is_not_there_stay(model):
    mark("models/exp3-other/run.json")
    unrecorded.MARKS.joinpath("no mark").write_text("")
    mark(f"models/{'x' * 300}/run.json")  # a name that no file can have
    assert unrecorded.keep_models(time.time()) == []
    assert model.exists()


def test_long_names_are_read(model):
    name = "x" * 240
    model.rename(model.with_name(name))
    mark(f"models/{name}/run.json")
    assert unrecorded.keep_models(time.time()) == [name]


def record(file, time_of_file):
    """As Snakemake records how a file was made."""
    path = unrecorded._place(unrecorded.RECORDS, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"endtime": time_of_file}))


def test_what_was_made_without_a_record_is_marked_and_made_anew(model):
    """As of jobs on a cluster, which take their marks away themselves."""
    files = [Path("results/exp3/equal_mix") / name for name in ("stale.json", "known.json", "new.json", "old.json")]
    files[0].parent.mkdir(parents=True)
    began = time.time() - 100
    for file in files:
        file.write_text("{}")
    os.utime(files[3], (began - 50, began - 50))
    record(files[0], began - 500)
    record(files[1], files[1].stat().st_mtime)
    assert unrecorded.keep_models(began) == ["exp3-equal_mix"]
    marked = {path.as_posix() for path in unrecorded._marked()}
    assert marked & {file.as_posix() for file in files} == {files[0].as_posix(), files[2].as_posix()}


def test_a_working_directory_without_records_is_left_as_it_is(model):
    assert unrecorded.keep_models(time.time() - 100) == []
    assert not unrecorded.MARKS.exists()


@pytest.mark.parametrize("made_after", [1, 0, -1])
def test_whether_a_call_made_a_model_is_known_to_the_nanosecond(model, monkeypatch, made_after):
    """As floating-point seconds the time of this file is less than that of the nanosecond before it."""
    made = 1_796_138_093_074_106_244
    os.utime(model / "run.json", ns=(made, made))
    assert (model / "run.json").stat().st_mtime < (made - 1) / 1e9
    monkeypatch.setenv(refusals.CALL, f"1-{made - made_after}")
    logger = logging.Logger("of Snakemake")
    unrecorded.keep_from_snakemake(logger, SimpleNamespace(is_main_process=True))
    logger.info("failed", extra={"event": "job_error", "output": [str(model / "run.json")]})
    assert model.exists() == (made_after < 0)
    assert (CHECKPOINTS / unrecorded.FINISHED).exists() == (made_after >= 0)
