"""A training whose end no Snakemake saw, by the real rules: its model is taken, and nothing is trained again."""

import json
import os
import time

from workflow_project import TINY, planned, snakemake

from emulsion import drivers, unrecorded
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
    assert "was finished when Snakemake was not there to record it" in log and "step " not in log
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
