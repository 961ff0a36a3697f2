import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from device_cases import train_all
from training_cases import MIXTURE, SPEC, weights

from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl, write_json
from emulsion.training import devices
from emulsion.training.devices import launch, threads_of_process
from emulsion.training.job import Job

DEEPER = {**SPEC["model"], "layers": 2}
MODELS = {
    "gpt2": DEEPER,
    "gpt_neox": {**DEEPER, "architecture": "gpt_neox"},
    "llama": {**DEEPER, "architecture": "llama", "kv_heads": 1, "tied": True},
}
HALTED = {"minutes": 1e-9}  # it saves and stops after a step
PARTS = {"sharding": "full"}
SMALL = {"micro_batch": 4, "memory": 2}


def run(name, model="gpt2", **has):
    return name, {**SPEC, "model": MODELS[model]}, has


def train(folder, runs, processes=1, **told):
    """Train runs, as `train_all` does, on so many processes; returns what they said."""
    told |= {**read_json(folder / "told.json"), "folder": str(folder), "runs": runs}
    if processes == 1:
        train_all(told)
        return ""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*torchrun, str(Path(__file__).with_name("device_cases.py")), json.dumps(told)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "1", "PYTHONPATH": "workflow/scripts"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as launcher:
        try:
            _, said = launcher.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            launcher.terminate()  # it ends its processes
            raise
    assert launcher.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def folder(tmp_path_factory, store_folders, tokenizer):
    """Runs of one process, finished as their model is named, and one that was stopped."""
    made = tmp_path_factory.mktemp("devices")
    write_json(made / "mixture.json", MIXTURE)
    stores = [str(store) for store in store_folders.values()]
    write_json(made / "told.json", {"stores": stores, "tokenizer": str(tokenizer)})
    train(made, [*(run(model, model, smoke=9) for model in MODELS), run("grows", **HALTED)])
    shutil.copytree(made / "gpt2", made / "kept.checkpoints/finished")
    return made


@pytest.fixture(scope="module")
def said(folder):
    """What two processes said that trained all that the tests below look at: their start is what takes the time."""
    runs = [
        run("whole", micro_batch=3),
        *(run(f"parts-{model}", model, micro_batch=3, smoke=9, **PARTS) for model in MODELS),
    ]
    runs += [
        run("kept"),
        run("grows", **PARTS),
        run("shrinks", **PARTS, **HALTED),
        run("changes", **PARTS, **HALTED),
        run("changes"),
    ]
    runs += 2 * [run("small", **SMALL), run("small-parts", **SMALL, **PARTS)]
    return train(folder, runs, processes=2)


def assert_same(folder, one, other, devices):
    """Step by step the same losses of the same sources; the weights at the end differ by rounding."""
    assert read_json(folder / other / "run.json")["devices"] == devices
    logs = [read_jsonl(folder / name / "training_log.jsonl") for name in (one, other)]
    assert len(logs[0]) == len(logs[1]) == 12
    for first, second in zip(*logs, strict=True):
        for key in ("loss", "source_losses", "gradient_norm"):
            assert second[key] == pytest.approx(first[key], abs=1e-5, rel=1e-5), (key, first["step"])
        assert second.get("validation") == pytest.approx(first.get("validation"), abs=1e-5)
    found = weights(folder / other)
    assert found.keys() == weights(folder / one).keys()
    for name, tensor in weights(folder / one).items():
        assert torch.allclose(tensor, found[name], atol=2e-4), name


@pytest.mark.parametrize("model", MODELS)
def test_two_processes_train_the_same_model_as_one_whole_or_in_parts(folder, said, model):
    if model == "gpt2":
        assert_same(folder, model, "whole", 2)
    assert_same(folder, model, f"parts-{model}", 2)
    one, parts = (read_json(folder / name / "config.json") for name in (model, f"parts-{model}"))
    assert one == parts
    one, parts = (read_json(folder / name / "run.json")["smoke_check"] for name in (model, f"parts-{model}"))
    assert parts["sample"] == one["sample"] and one["sample"]["text"]


def test_a_model_that_was_finished_before_is_taken_by_all_processes(folder, said):
    assert said.count("kept: was finished by an earlier job, whose success Snakemake did not see") == 1
    assert read_json(folder / "kept/run.json") == read_json(folder / "gpt2/run.json")
    assert not (folder / "kept.checkpoints").exists()


def test_a_run_goes_on_on_other_devices_and_in_other_parts(folder, said):
    assert said.count("resumed at step 1 of 12") == 2
    assert "shrinks: stopped at step 1 of 12, saved" in said
    train(folder, [run("shrinks")])
    for name, count in (("grows", 2), ("shrinks", 1), ("changes", 2)):
        assert_same(folder, "gpt2", name, count)


@pytest.mark.parametrize("name", ["small", "small-parts"])
def test_devices_whose_memory_is_too_small_take_half_as_many_at_the_next_try(folder, said, name):
    words = "the memory of the GPU is too small for 4 sequences of 24 tokens at once; the next try takes 2. Start again"
    assert said.count(f"{name}: {words}") == 2, "once each process"
    assert_same(folder, "gpt2", name, 2)


def test_a_training_ends_while_the_group_of_its_processes_is_still_at_work(folder):
    """Its threads need the interpreter's lock to end, which nothing may keep that waits for them."""
    train(folder, [run("busy")], processes=2, busy=True)
    assert_same(folder, "gpt2", "busy", 2)


@pytest.mark.slow
def test_four_processes_go_on_where_one_stopped(folder):
    train(folder, [run("four", **HALTED), run("four-parts", **HALTED)])
    said = train(folder, [run("four"), run("four-parts", **PARTS)], processes=4)
    assert said.count("resumed at step 1 of 12") == 2
    assert_same(folder, "gpt2", "four", 4)
    assert_same(folder, "gpt2", "four-parts", 4)


@pytest.fixture
def store(monkeypatch):
    """What torchrun would keep for its processes, of which this is one."""
    server = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True)
    for name, value in {
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": server.port,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(devices, "_times", Counter())
    devices._launchers_store.cache_clear()
    yield server
    devices._launchers_store.cache_clear()


def test_processes_wait_for_the_first_one_each_time_anew_until_it_is_there_or_the_job_is_to_stop(store):
    job = Job()
    waiting = threading.Thread(target=lambda: [devices.wait_for("saved", job) for _ in range(3)])
    waiting.start()
    for time_ in (1, 2, 3):
        deadline = time.monotonic() + 60
        while devices._times["saved"] < time_ and time.monotonic() < deadline:
            time.sleep(0.01)
        waiting.join(timeout=0.3)
        assert waiting.is_alive() and devices._times["saved"] == time_
        if time_ < 3:
            store.set(f"emulsion/saved/{time_}", "")
    job.told_to_stop = True
    waiting.join(timeout=60)
    assert not waiting.is_alive()
    devices.tell("owned")
    assert store.check(["emulsion/owned/1"])


def test_a_process_alone_waits_for_nobody(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    devices._launchers_store.cache_clear()
    devices.wait_for("saved", Job())
    devices.tell("saved")


@pytest.fixture
def started(monkeypatch):
    """The commands that this process would have become."""
    commands = []
    monkeypatch.setattr(os, "execv", lambda program, command: commands.append(command))
    monkeypatch.setattr(os, "execvp", lambda program, command: commands.append(command))
    monkeypatch.setattr(sys, "argv", ["train.py", "--output", "models/x"])
    for name in ("RANK", "SLURM_JOB_ID", "ACCELERATE_USE_CPU"):
        monkeypatch.delenv(name, raising=False)
    return commands


@pytest.mark.parametrize(("asked", "there", "used"), [(1, 8, 1), (8, 1, 1), (4, 0, 1), (4, 2, 2), (4, 8, 4)])
def test_a_process_is_started_for_each_device_that_there_is(started, monkeypatch, asked, there, used):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    launch(asked)
    if used == 1:
        assert not started
    else:
        [command] = started
        assert command[:3] == [sys.executable, "-m", "torch.distributed.run"]
        assert command[-5:] == ["--standalone", f"--nproc-per-node={used}", "train.py", "--output", "models/x"]


@pytest.mark.parametrize(("told", "used"), [("1", 4), ("true", 4), ("YES", 4), ("0", 1), ("", 1)])
def test_where_accelerate_is_to_use_the_processor_as_many_processes_are_started_as_are_asked_for(
    started, monkeypatch, told, used
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("ACCELERATE_USE_CPU", told)
    launch(4)
    assert [f"--nproc-per-node={used}" in command for command in started] == [True] * (used > 1)


def test_a_process_that_was_started_starts_no_others(started, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    launch(8)
    launch(8, 2)
    assert not started


def test_nodes_of_a_job_each_start_their_own_and_meet_at_the_first(started, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    launch(8, 2)
    [command] = started
    assert command[0] == "srun" and {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1"} <= set(command)
    assert {"--nnodes=2", "--nproc-per-node=4"} <= set(command)
    assert command[-3:] == ["train.py", "--output", "models/x"]


def test_trainings_of_one_job_meet_at_places_of_their_own(started, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    for output in ("models/x", "models/x", "models/y"):
        monkeypatch.setattr(sys, "argv", ["train.py", "--output", output])
        launch(8, 2)
    places = [[part for part in command if part.startswith("--rdzv-")] for command in started]
    assert places[0] == places[1]
    for one, other in zip(places[0], places[2], strict=True):
        assert (one == other) == (one == "--rdzv-backend=c10d")


@pytest.mark.parametrize(("here", "nodes", "used"), [(None, 1, 8), (4, 1, 2), (16, 1, 1), (4, 2, 8)])
def test_processes_of_one_node_share_the_threads_of_the_job(monkeypatch, here, nodes, used):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if here:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(here))
    assert threads_of_process(8, nodes) == used


def test_nodes_that_cannot_be_are_refused(started, monkeypatch):
    with pytest.raises(UserError, match="only a SLURM job has more than one"):
        launch(8, 2)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    with pytest.raises(UserError, match="7 devices do not divide by 2 nodes"):
        launch(7, 2)


@pytest.mark.slow
def test_a_signal_to_the_launcher_reaches_its_processes_which_save_and_stop(folder):
    told, work = read_json(folder / "told.json"), folder / "told-to-stop.checkpoints"
    options = {
        "mixture": folder / "mixture.json",
        "tokenizer": told["tokenizer"],
        "spec": json.dumps({**SPEC, "tokens": 4000 * 8 * 24}),
        "output": folder / "told-to-stop",
        "checkpoints": work,
        "micro-batch": 8,
        "processes": 2,
    }
    words = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    command = [sys.executable, "workflow/scripts/train.py", *words, "--stores", *told["stores"]]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    log = work / "training_log.jsonl"
    while not log.exists() or log.read_text().count("\n") < 3:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGUSR1)
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0 and "saved; start again to go on" in said
    assert len(list(work.glob("step-*"))) == 1
