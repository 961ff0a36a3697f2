"""What a GPU must give as a CPU does: the same bytes after any kill, in mixed precision and compiled too."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from rounds_cases import Prober, RunOn, files
from swarm_cases import WHOLE
from training_cases import MIXTURE, SPEC, Killed, killed_before

from emulsion.files import read_json, read_jsonl, write_json
from emulsion.mixture import Mixture
from emulsion.models import build_model
from emulsion.spec import RunSpec
from emulsion.training.branching import Trunk, branch_plan
from emulsion.training.forward import SequenceLosses
from emulsion.training.inputs import RunInputs
from emulsion.training.journal import Journal
from emulsion.training.loop import Training
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime, make_deterministic
from emulsion.training.swarm import train_swarm

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

# Large enough for kernels of mixed precision, and a vocabulary that divides by no power of two.
SIZES = {"hidden_size": 64, "layers": 3, "heads": 2, "intermediate_size": 128, "vocab_size": 303}
MODELS = {name: {**SPEC["model"], **SIZES, "architecture": name} for name in ("gpt2", "gpt_neox")}
DROPOUT = {**MODELS["gpt2"], "dropout": 0.1}
# A last micro-batch of another shape.
RUNTIME = {"micro_batch": 3, "checkpoint_seconds": 0.0}

ONE_RUN = """
import json, sys
from pathlib import Path
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime, make_deterministic
told = json.loads(sys.argv[1])
make_deterministic(1)
train_run(
    mixture_file=Path(told["mixture"]), store_folders=[Path(folder) for folder in told["stores"]],
    tokenizer=Path(told["tokenizer"]), spec_values=told["spec"], output=Path(told["output"]),
    checkpoints=Path(told["checkpoints"]),
    runtime=Runtime(
        micro_batch=8, checkpoint_seconds=0.0, compiled=True, after_step=lambda at: at.step != told["until"]
    ),
)
"""


@pytest.fixture(autouse=True)
def deterministic():
    make_deterministic(1)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def settings(tmp_path, store_folders, tokenizer):
    def of(name, compiled=False, **changes):
        return {
            "store_folders": list(store_folders.values()),
            "tokenizer": tokenizer,
            "spec_values": {**SPEC, "model": MODELS["gpt_neox"], **changes},
            "output": tmp_path / name,
            "checkpoints": tmp_path / f"{name}.checkpoints",
            "runtime": Runtime(compiled=compiled, **RUNTIME),
        }

    return of


@pytest.fixture
def train(tmp_path, settings):
    write_json(tmp_path / "mixture.json", MIXTURE)

    def run(name, **changes):
        AcceleratorState._reset_state(reset_partial_state=True)  # else a process keeps its first precision
        train_run(mixture_file=tmp_path / "mixture.json", **settings(name, **changes))
        return read_json(tmp_path / name / "run.json")

    return run


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("model", [*MODELS.values(), DROPOUT], ids=[*MODELS, "dropout"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_run_killed_at_any_step_ends_with_the_same_bytes(train, tmp_path, monkeypatch, precision, model, compiled):
    told = {"precision": precision, "model": model, "compiled": compiled}
    record = train("whole", **told)
    for step in (1, 6, 11):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", **told)
    train("killed", **told)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    assert record["precision"] == {"fp32": "no"}.get(precision, precision)
    assert record["device"] == torch.cuda.get_device_name()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_compiled_run_resumes_to_the_same_bytes_in_a_process_that_compiles_afresh(
    tmp_path, store_folders, tokenizer, precision
):
    write_json(tmp_path / "mixture.json", MIXTURE)

    def run(name, cache, until=None):
        told = {
            "mixture": str(tmp_path / "mixture.json"),
            "stores": [str(folder) for folder in store_folders.values()],
            "tokenizer": str(tokenizer),
            "spec": {**SPEC, "model": MODELS["gpt2"], "precision": precision},
            "output": str(tmp_path / name),
            "checkpoints": str(tmp_path / f"{name}.checkpoints"),
            "until": until,
        }
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / cache),
        }
        done = subprocess.run([sys.executable, "-c", ONE_RUN, json.dumps(told)], env=environment, capture_output=True)
        return done.returncode, done.stderr.decode()

    code, errors = run("whole", "first")
    assert code == 0, errors[-3000:]
    # A job that ends early leaves its checkpoint, and fails for want of a model to save.
    run("killed", "second", until=7)
    assert (tmp_path / "killed.checkpoints").exists() and not (tmp_path / "killed").exists()
    code, errors = run("killed", "third")
    assert code == 0, errors[-3000:]
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_mixed_precision_and_compiling_change_losses_by_rounding_alone(train, tmp_path, precision):
    # At the learning rate of the other tests rounding grows within a few steps.
    told = {"learning_rate": 1e-3}
    train("exact", precision="fp32", **told)
    exact = [row["loss"] for row in read_jsonl(tmp_path / "exact" / "training_log.jsonl")]
    for name, compiled in (("mixed", False), ("compiled", True)):
        train(name, precision=precision, compiled=compiled, **told)
        losses = [row["loss"] for row in read_jsonl(tmp_path / name / "training_log.jsonl")]
        assert np.allclose(losses, exact, atol=0.01), name
        assert losses != exact, name


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_probing_run_in_bf16_killed_in_a_probe_ends_with_the_same_bytes(settings, tmp_path, monkeypatch, compiled):
    def train(name):
        told = settings(name, compiled=compiled, precision="bf16")
        RunOn(made=Prober(), spec=told.pop("spec_values")).train(experiment="exp9", name=name, **told)

    train("whole")
    for step in (1, 7, 9):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed")
    train("killed")
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_swarm_killed_and_started_again_gives_the_same_rows(swarm, tmp_path, steps, precision):
    told = {**swarm, "spec": {**SPEC, "model": MODELS["gpt_neox"], "precision": precision}}

    def rows():
        runs = train_swarm(**told)["runs"]
        return [json.loads(json.dumps(run, default=str)) for run in runs]

    def losses(found):
        return [
            (row["validation"], row["test"], [(end["mixture"], end["validation"]) for end in branches["ends"]])
            for row in found
            for branches in row["branches"].values()
        ]

    whole = losses(rows())
    assert len(steps) == WHOLE
    told["checkpoints"] = tmp_path / "again"
    for dies in (5, 17, 20):
        steps.clear()
        steps.dies = dies
        with pytest.raises(Killed):
            rows()
    steps.clear()
    steps.dies = None
    assert losses(rows()) == whole


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_branch_is_the_run_that_changes_its_mixture_there(store_folders, tokenizer, tmp_path, precision):
    spec = {**SPEC, "model": MODELS["gpt_neox"], "precision": precision, "validations": 0}
    inputs = RunInputs.open(list(store_folders.values()), tokenizer, RunSpec.from_json(spec), None)
    runtime = Runtime(quiet=True, **RUNTIME)
    uniform, other = ({"alpha": 1 / 3, "beta": 1 / 3, "gamma": 1 / 3}, {"alpha": 0.7, "beta": 0.2, "gamma": 0.1})

    trunk = Trunk(spec, Mixture(uniform), inputs, Journal(tmp_path / "journal"), runtime)
    branch = trunk.measure_branch(5, Mixture(other), 12)
    plan = branch_plan(trunk.plan, 5 * trunk.spec.batch_sequences, Mixture(other))
    told = (
        trunk.spec,
        plan,
        inputs.stores,
        lambda: inputs.model(trunk.spec.model),
        tmp_path / "whole",
        "whole",
        runtime,
    )
    whole = Training(*told)
    whole.run()
    assert whole.validate() == branch["validation"]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16, torch.float16])
def test_gradients_over_a_long_context_are_the_same_bits_again(precision, compiled):
    # Kernels of attention that add up in any order show it only where they have several tiles to add.
    model = build_model({**MODELS["gpt_neox"], "context": 1024}, 303, 0).cuda()
    losses = SequenceLosses(model)
    if compiled:
        losses.compile_parts()
    tokens = torch.randint(0, 303, (8, 1025), device="cuda")

    def gradients():
        with torch.autocast("cuda", precision, enabled=precision != torch.float32):
            return torch.autograd.grad(losses(tokens).sum(), list(model.parameters()))

    first = gradients()
    for _ in range(4):
        assert all(torch.equal(one, other) for one, other in zip(first, gradients(), strict=True))
