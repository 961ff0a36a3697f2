"""A training whose end no Snakemake saw, by the real rules: its model is taken, and nothing is trained again."""

import json
import os
import shutil
import time

from workflow_project import TINY, planned, snakemake

from emulsion import drivers, refusals, unrecorded
from emulsion.processes import this_process

RUN = "exp3-equal_mix"


def killed(folder):
    """The note of a call of Snakemake that was killed here a while ago."""
    notes = folder / drivers.FOLDER
    notes.mkdir(exist_ok=True)
    (notes / "1.json").write_text(json.dumps({**this_process(), "process": 2**22 + 1}))
    os.utime(notes / "1.json", (time.time() - 600, time.time() - 600))


def test_what_a_job_made_without_a_driver_is_taken_and_an_edit_does_not_pass_unseen(editable, warm):
    """As a job on a cluster leaves it: whole, without a mark, and with no record but that of an earlier one."""
    model = editable / f"models/{RUN}"
    whole = {file.name: file.read_bytes() for file in model.iterdir()}
    for file in model.iterdir():
        os.utime(file)
        (editable / unrecorded._place(unrecorded.RECORDS, file.relative_to(editable))).unlink(missing_ok=True)
    killed(editable)
    planned(editable, f"models/{RUN}/run.json", *TINY)  # who looks first does not lose it
    said = snakemake(editable, "--cores", "1", *TINY, "--", f"models/{RUN}/run.json", environment=warm).stdout
    assert f"Finished with no Snakemake to record it: {RUN}. The same run takes it." in said
    log = (editable / f"logs/train/{RUN}.log").read_text()
    assert "was finished by an earlier job, whose success Snakemake did not see" in log and "step " not in log
    assert {file.name: file.read_bytes() for file in model.iterdir()} == whole
    assert planned(editable, f"models/{RUN}/run.json", *TINY) == {}


def test_a_model_of_another_configuration_is_not_taken(editable, warm):
    model = editable / f"models/{RUN}"
    before = (model / "model.safetensors").read_bytes()
    for file in model.iterdir():
        os.utime(file)
        (editable / unrecorded._place(unrecorded.RECORDS, file.relative_to(editable))).unlink(missing_ok=True)
    killed(editable)
    (editable / "edit.yaml").write_text("training: {demo: {learning_rate: 1.0e-4}}")
    snakemake(editable, "--cores", "1", *TINY, "edit.yaml", "--", f"models/{RUN}/run.json", environment=warm)
    assert (model / "model.safetensors").read_bytes() != before
    assert "resumed" not in (editable / f"logs/train/{RUN}.log").read_text()


def add_to_training(folder, *lines):
    """Have the script that trains end with these lines."""
    with (folder / "workflow/scripts/train.py").open("a") as script:
        script.write("".join(f"    {line}\n" for line in ("import shutil, sys", "from pathlib import Path", *lines)))


def test_a_model_whose_job_fails_after_its_last_byte_is_taken_by_the_next_try(editable, warm):
    add_to_training(editable, "first = not Path('tried').exists()", "Path('tried').touch()", "sys.exit(first)")
    weights = editable / f"models/{RUN}/model.safetensors"
    before = weights.read_bytes()
    asked = ("--forcerun", "train", "--", f"models/{RUN}/run.json")
    said = snakemake(editable, "--cores", "1", *TINY, *asked, environment=warm).stdout
    assert "Trying to restart job" in said
    log = (editable / f"logs/train/{RUN}.log").read_text()
    assert "was finished by an earlier job" in log and "step " not in log
    assert weights.read_bytes() == before
    assert not (editable / f"checkpoints/{RUN}").exists()


def job(folder, warm, **options):
    """A job of the training on a cluster, as Snakemake starts it there."""
    target = ("--target-jobs", f"train:experiment=exp3,run={RUN.removeprefix('exp3-')}", "--allowed-rules", "train")
    how = ("--mode", "remote", "--force", "--nolock", "--ignore-incomplete", "--retries", "0")
    return snakemake(folder, "--cores", "1", *TINY, *how, *target, environment=warm, **options).stdout


def test_a_job_that_fails_on_a_lost_node_leaves_the_model_that_another_made(editable, warm):
    """It was taken over, so it ends with an error, when the driver has long recorded the model."""
    add_to_training(editable, f"shutil.copytree('whole', 'models/{RUN}', dirs_exist_ok=True)", "sys.exit(1)")
    model = editable / f"models/{RUN}"
    shutil.copytree(model, editable / "whole")
    planned(editable, f"models/{RUN}/run.json", *TINY)
    assert "Error in rule train" in job(editable, warm, check=False)
    assert sorted(file.name for file in model.iterdir()) == sorted(file.name for file in (editable / "whole").iterdir())


def test_a_job_that_slurm_starts_again_takes_the_model_that_it_has_made(editable, warm):
    model = editable / f"models/{RUN}"
    whole = {file.name: file.read_bytes() for file in model.iterdir()}
    planned(editable, f"models/{RUN}/run.json", *TINY)
    began = (model / "run.json").stat().st_mtime_ns - 1
    job(editable, {**warm, refusals.CALL: f"1-{began}"})
    log = (editable / f"logs/train/{RUN}.log").read_text()
    assert "was finished by an earlier job" in log and "step " not in log
    assert {file.name: file.read_bytes() for file in model.iterdir()} == whole
