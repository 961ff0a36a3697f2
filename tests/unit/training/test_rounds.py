import itertools
import json
import os
import signal
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch
from rounds_cases import Ascent, Prober
from training_cases import SPEC

from emulsion.data.batches import read_batch
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl, write_json
from emulsion.laws.interface import TOTAL
from emulsion.methods import create
from emulsion.methods.follow import Follow
from emulsion.methods.stretches import Stretch, opening, stretches
from emulsion.mixture import Mixture
from emulsion.spec import RunSpec
from emulsion.training import gradients
from emulsion.training.evidence import Reference
from emulsion.training.gradients import _add_gradient, chosen_parameters, gradient_alignments
from emulsion.training.job import Job
from emulsion.training.loop import Training
from emulsion.training.parts import Parts
from emulsion.training.rounds import Prelude
from emulsion.training.run import prepare_rounds, train_online, train_run
from emulsion.training.runtime import Runtime

SOURCES = ["alpha", "beta", "gamma"]
UNEVEN = {"alpha": 0.6, "beta": 0.3, "gamma": 0.1}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
LOSSES = {"alpha": 4.0, "beta": 5.0, "gamma": 6.0}
REFERENCE = Reference(losses=LOSSES)
# A method of each kind of observation, made anew for every job.
KINDS = {
    "losses": Ascent,
    "training losses": lambda: Ascent(held_out=False),
    "excess_losses": lambda: Ascent("excess_losses"),
    "gradients": lambda: Ascent("gradients"),
    "probes": Prober,
}


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


@pytest.fixture
def settings(tmp_path, store_folders, tokenizer):
    """What a run of this name takes besides its mixture or method."""
    torch.set_num_threads(1)

    def of(name, checkpoint_seconds=0.0, minutes=None, **changes):
        return {
            "store_folders": list(store_folders.values()),
            "tokenizer": tokenizer,
            "spec_values": {**SPEC, **changes},
            "output": tmp_path / name,
            "checkpoints": tmp_path / f"{name}.checkpoints",
            "runtime": Runtime(micro_batch=8, checkpoint_seconds=checkpoint_seconds, job=Job(minutes)),
        }

    return of


@pytest.fixture
def train(tmp_path, settings):
    """Train on a method into a folder of this name; returns the run's record."""

    def run(name, method, values=None, *, most_epochs=0, reference=None, prelude=None, needed=(), **changes):
        train_online(
            experiment="exp9",
            name=name,
            method=method,
            method_values=values or {"kind": type(method).__name__},
            most_epochs=most_epochs,
            reference=reference,
            prelude=prelude,
            needed=needed,
            **settings(name, **changes),
        )
        return read_json(tmp_path / name / "run.json")

    return run


def follow(*mixtures):
    return Follow(SOURCES, mixtures=list(mixtures))


def files(folder):
    """What a run leaves that must not depend on how often it was cut off."""
    return [(folder / name).read_bytes() for name in ("model.safetensors", "training_log.jsonl")]


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def killed_before(monkeypatch, step):
    """Make the next training die before the step after `step`, when all that a round begins with is done."""
    original = Training._train_step

    def train_step(self):
        if self.step == step:
            raise Killed
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)


@pytest.mark.parametrize("seconds", [0.0, 1e9], ids=["saved at every step", "never saved"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_in_and_between_rounds_ends_with_the_bytes_of_one_that_was_not(
    train, tmp_path, monkeypatch, kind, seconds
):
    told = {"reference": REFERENCE if kind == "excess_losses" else None}
    whole = train("whole", KINDS[kind](), {"kind": kind}, checkpoint_seconds=1e9, **told)
    for step in (1, 3, 4, 6, 8, 9, 11):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", KINDS[kind](), {"kind": kind}, checkpoint_seconds=seconds, **told)
    record = train("killed", KINDS[kind](), {"kind": kind}, checkpoint_seconds=seconds, **told)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    for key in ("identity", "schedule", "method", "sequences_per_source", "validation"):
        assert record[key] == whole[key], key


GRAPH = {i: {j: 0.4 if i == j else 0.05 for j in SOURCES} for i in SOURCES}
METHODS = {
    "skillit": {"graph": GRAPH, "rounds": 4},
    "doremi": {"rounds": 4},
    "doge": {"rounds": 3},
    "aioli": {"rounds": 2, "sweeps": 1, "probe_share": 0.5},
    "odm": {"rounds": 6},
    "ado": {"rounds": 6},
}


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_killed_in_and_between_its_rounds_ends_with_the_same_bytes(train, tmp_path, monkeypatch, kind):
    def method():
        return create(kind, sources=SOURCES, **METHODS[kind])

    told = {"values": METHODS[kind], "reference": REFERENCE if kind == "doremi" else None}
    whole = train("whole", method(), checkpoint_seconds=1e9, **told)
    for step in (1, 5, 8):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", method(), **told)
    record = train("killed", method(), **told)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    assert record["schedule"] == whole["schedule"] and record["method"] == whole["method"]


PRELUDE = Prelude(mixture=Mixture(UNEVEN), share=1 / 3)


@pytest.mark.parametrize("kind", ["losses", "probes"])
def test_a_method_takes_over_from_another_ones_mixture(train, tmp_path, monkeypatch, kind):
    method = KINDS[kind]()
    whole = train("whole", method, {"kind": kind}, checkpoint_seconds=1e9, prelude=PRELUDE)
    first, second = whole["schedule"][:2]
    assert first == {"until": pytest.approx(1 / 3), "weights": dict(PRELUDE.mixture)}
    # Rounds begin where it ends, with what the method starts from, and none of it was seen by the method.
    opened = opening(KINDS[kind]())
    assert second["weights"] == dict(opened[0])
    assert sum(method.seen[0].counts.values()) < 8 * 8 and method.seen[0].step > 4
    for step in (2, 4, 5, 9):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", KINDS[kind](), {"kind": kind}, prelude=PRELUDE)
    train("killed", KINDS[kind](), {"kind": kind}, prelude=PRELUDE)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    alone = train("alone", KINDS[kind](), {"kind": kind})
    assert alone["identity"] != whole["identity"]


def test_the_rounds_after_a_prelude_share_what_is_left():
    cut = stretches(Ascent(rounds=2), 12, prelude=4)
    assert cut == [Stretch(0, 4, -1, None), Stretch(4, 8, 0, None), Stretch(8, 12, 1, None)]
    with pytest.raises(UserError, match="rounds: 9 do not fit into the rest of 8 steps; 1 to 8 do"):
        stretches(Ascent(rounds=9), 12, prelude=4)


@pytest.mark.parametrize("kind", ["losses", "probes"])
def test_rounds_that_came_after_the_last_checkpoint_are_decided_again(train, tmp_path, monkeypatch, kind):
    train("whole", KINDS[kind](), {"kind": kind})
    original = Training._save
    for saved, dies in ((2, 5), (5, 11), (9, 10)):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, dies)
            patched.setattr(Training, "_save", lambda self, at=saved: original(self) if self.step == at else None)
            train("killed", KINDS[kind](), {"kind": kind})
        newest = max((tmp_path / "killed.checkpoints").glob("step-*"))
        assert newest.name == f"step-{saved:09d}"
    train("killed", KINDS[kind](), {"kind": kind})
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


def test_a_run_that_is_short_of_time_saves_and_the_next_job_goes_on_with_its_rounds(train, tmp_path):
    train("whole", Ascent(), checkpoint_seconds=1e9)
    with pytest.raises(UserError, match=r"stopped at step \d+ of 12, saved"):
        train("late", Ascent(), checkpoint_seconds=1e9, minutes=1e-9)
    train("late", Ascent(), checkpoint_seconds=1e9)
    assert files(tmp_path / "whole") == files(tmp_path / "late")


def test_a_run_killed_while_a_method_decides_decides_again(train, tmp_path, monkeypatch):
    train("whole", Ascent())

    def dies(self, seen):
        original(self, seen)
        raise Killed

    original = Ascent.update
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Ascent, "update", dies)
        train("killed", Ascent())
    train("killed", Ascent())
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


JOB = """
import os, signal, sys, json
from pathlib import Path
import torch
from emulsion.training.job import Job
from emulsion.training.loop import Training
from emulsion.training.run import train_online
from emulsion.training.runtime import Runtime
from rounds_cases import Ascent

told = json.loads(sys.argv[1])
torch.set_num_threads(1)
original = Training._save

def save(self):
    original(self)
    if self.step == told["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)

def train():
    train_online(
        experiment="exp9", name="killed", method=Ascent(), method_values={"kind": "Ascent"},
        store_folders=[Path(folder) for folder in told["stores"]], tokenizer=Path(told["tokenizer"]),
        spec_values=told["spec"], output=Path(told["output"]), checkpoints=Path(told["output"] + ".checkpoints"),
        runtime=Runtime(micro_batch=8, checkpoint_seconds=0.0),
    )

Training._save = save
codes = []
for told["dies"] in told["dies"]:  # each in a process of its own
    if not (child := os.fork()):
        train()
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""


def test_a_process_killed_by_the_system_in_and_between_rounds_ends_with_the_same_bytes(
    train, tmp_path, store_folders, tokenizer
):
    train("whole", Ascent())
    told = {"stores": list(map(str, store_folders.values())), "tokenizer": str(tokenizer), "spec": SPEC}
    told |= {"output": str(tmp_path / "killed"), "dies": [3, 7, None]}
    command = [sys.executable, "-c", JOB, json.dumps(told)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


RANKS = """
import json, sys
from pathlib import Path
import torch
from accelerate import Accelerator
from emulsion.methods import create
from emulsion.training.evidence import Reference
from emulsion.training.run import train_online
from emulsion.training.runtime import Runtime

told = json.loads(sys.argv[1])
torch.set_num_threads(1)
# A run ends with the process group; here the next one goes on in it.
Accelerator.end_training = lambda self: None
for sharding, kind in [(sharding, kind) for sharding in ("none", "full") for kind in told["methods"]]:
    settings, folder = told["methods"][kind], Path(told["output"], sharding)
    train_online(
        experiment="exp9", name=kind, method=create(kind, sources=told["sources"], **settings), method_values=settings,
        store_folders=[Path(folder) for folder in told["stores"]], tokenizer=Path(told["tokenizer"]),
        spec_values=told["spec"], output=folder / kind, checkpoints=folder / (kind + ".work"),
        runtime=Runtime(micro_batch=8, checkpoint_seconds=1e9, sharding=sharding),
        reference=Reference(losses=told["losses"]) if kind == "doremi" else None,
    )
"""


def test_two_processes_decide_and_train_as_one_with_every_method(train, tmp_path, store_folders, tokenizer):
    """All kinds, each process with the whole model or with a part, in one group, whose start is what takes the time."""
    for kind, values in METHODS.items():
        reference = REFERENCE if kind == "doremi" else None
        train(kind, create(kind, sources=SOURCES, **values), values, reference=reference)
    told = {"stores": list(map(str, store_folders.values())), "tokenizer": str(tokenizer), "spec": SPEC}
    told |= {"methods": METHODS, "sources": SOURCES, "losses": LOSSES, "output": str(tmp_path / "two")}
    (tmp_path / "job.py").write_text(RANKS)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**ENVIRONMENT, "ACCELERATE_USE_CPU": "1"}
    command = [*launcher, str(tmp_path / "job.py"), json.dumps(told)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for kind, together in itertools.product(METHODS, (tmp_path / "two/none", tmp_path / "two/full")):
        one, two = (read_json(folder / kind / "run.json") for folder in (tmp_path, together))
        assert (one["devices"], two["devices"]) == (1, 2)
        # The same plan: of every source as many sequences, in every stage.
        assert [stage["sequences_per_source"] for stage in two["stages"]] == [
            stage["sequences_per_source"] for stage in one["stages"]
        ], kind
        for first, second in zip(one["schedule"], two["schedule"], strict=True):
            assert second["weights"] == pytest.approx(first["weights"], abs=1e-3), kind
        # The same order: each step draws from the same sources, and its losses are those of the same sequences.
        logs = (read_jsonl(folder / kind / "training_log.jsonl") for folder in (tmp_path, together))
        for first, second in zip(*logs, strict=True):
            assert second["source_losses"] == pytest.approx(first["source_losses"], abs=5e-3), (kind, first["step"])
        assert two["validation"] == pytest.approx(one["validation"], abs=5e-3), kind


@pytest.mark.parametrize("rounds", [1, 3])
def test_to_follow_one_mixture_is_the_run_on_that_mixture_byte_for_byte(train, settings, tmp_path, rounds):
    train("followed", follow(*[UNEVEN] * rounds))
    schedule = [{"until": 1.0, "weights": UNEVEN}]
    write_json(tmp_path / "mixture.json", {"experiment": "exp9", "name": "fixed", "schedule": schedule})
    train_run(mixture_file=tmp_path / "mixture.json", **settings("fixed"))
    assert weights(tmp_path / "followed") == weights(tmp_path / "fixed")


def test_to_follow_what_a_method_decided_is_its_run_byte_for_byte(train, tmp_path):
    decided = [stage["weights"] for stage in train("online", Ascent())["schedule"]]
    assert len({json.dumps(each) for each in decided}) == 4
    train("followed", follow(*decided))
    assert weights(tmp_path / "online") == weights(tmp_path / "followed")


def test_the_schedule_of_a_run_can_be_trained_as_a_mixture_file_and_draws_the_same_shares(train, settings, tmp_path):
    online = train("online", Ascent(), tokens=40 * 8 * 24)
    write_json(tmp_path / "mixture.json", {"experiment": "exp9", "name": "frozen", "schedule": online["schedule"]})
    train_run(mixture_file=tmp_path / "mixture.json", **settings("frozen", tokens=40 * 8 * 24))
    frozen = read_json(tmp_path / "frozen" / "run.json")
    assert frozen["mixing_ratios"] == pytest.approx(online["mixing_ratios"])
    for source, drawn in online["sequences_per_source"].items():
        assert abs(frozen["sequences_per_source"][source] - drawn) <= 2
    assert [stage["first_sequence"] for stage in frozen["stages"]] == [0, 80, 160, 240]
    assert "identity" in frozen and frozen["identity"] != online["identity"]


def test_a_method_sees_each_round_by_source_name(train):
    method = Ascent(rounds=4)
    record = train("run", method)
    assert [seen.step for seen in method.seen] == [3, 6, 9]
    assert {seen.steps for seen in method.seen} == {12}
    assert [seen.tokens for seen in method.seen] == [3 * 8 * 24, 6 * 8 * 24, 9 * 8 * 24]
    assert all(sum(seen.counts.values()) == 3 * 8 for seen in method.seen)
    assert all(set(seen.losses) == set(seen.counts) == set(SOURCES) for seen in method.seen)
    drawn = [stage["sequences_per_source"] for stage in record["stages"]]
    assert drawn[:3] == [seen.counts for seen in method.seen]


def test_the_losses_it_sees_are_the_run_s_own_validation_losses(train, tmp_path):
    method = Ascent(rounds=3)
    train("run", method, validations=3)
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    assert [seen.losses for seen in method.seen] == [rows[3]["validation"], rows[7]["validation"]]


def test_training_losses_are_means_over_what_was_drawn_since_the_last_update_and_cost_nothing(train, tmp_path):
    method = Ascent(held_out=False, rounds=3)
    record = train("run", method)
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    assert record["method"]["evaluation_tokens"] == record["method"]["validations"] == 0
    for number, seen in enumerate(method.seen):
        steps = rows[4 * number : 4 * number + 4]
        total = sum(seen.losses[source] * seen.counts[source] for source in seen.losses)
        assert total / sum(seen.counts.values()) == pytest.approx(np.mean([row["loss"] for row in steps]))
        assert set(seen.losses) == {source for source, count in seen.counts.items() if count}


def test_excess_losses_are_those_over_the_reference(train):
    method = Ascent("excess_losses")
    train("run", method, reference=REFERENCE)
    for seen in method.seen:
        assert seen.excess_losses == {source: seen.losses[source] - LOSSES[source] for source in SOURCES}


def test_a_reference_that_lacks_a_source_is_refused(train):
    with pytest.raises(UserError, match="reference run: has no validation loss of source 'gamma'"):
        train("run", Ascent("excess_losses"), reference=Reference(losses={"alpha": 1.0, "beta": 1.0}))


def test_the_log_tells_where_a_round_begins_what_was_seen_and_what_was_decided(train, tmp_path):
    record = train("run", Ascent())
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    turns = [row for row in rows if "mixture" in row]
    assert [row["step"] for row in turns] == [1, 4, 7, 10]
    assert [row["round"] for row in turns] == [1, 2, 3, 4]
    assert [row["mixture"] for row in turns] == [stage["weights"] for stage in record["schedule"]]
    assert "observed" not in turns[0] and set(turns[1]["observed"]) == set(SOURCES)
    assert set(turns[1]["effects"]["alpha"]) == set(SOURCES)
    assert [stage["until"] for stage in record["schedule"]] == [0.25, 0.5, 0.75, 1.0]


def test_the_record_has_the_method_its_rounds_and_what_it_cost(train):
    values = {"kind": "ascent", "settings": {"rate": 2.0}}
    record = train("run", Ascent(), values)
    validated = 3 * (3 * SPEC["validation_sequences"]) * 24
    assert record["method"] == {
        "values": values,
        "rounds": 4,
        "observes": "losses",
        "average": None,
        "validations": 3,
        "evaluation_tokens": validated,
        "probe_tokens": 0,
        "notices": [],
    }
    own = {"tokens": SPEC["tokens"], "evaluations": 3, "evaluation_tokens": validated, "probe_tokens": 0}
    assert record["cost"] == {**own, "needed": [], "extra_tokens": 0, "extra_evaluation_tokens": 0}


def test_probes_are_charged_as_part_of_the_run_with_all_that_was_needed_before(train):
    needed = [{"what": "swarm small", "runs": 3, "tokens": 500, "evaluation_tokens": 70}]
    cost = train("run", Prober(), needed=needed)["cost"]
    # Of two rounds of six steps three are probes, each of one step of 8 sequences of 24 tokens.
    assert cost["probe_tokens"] == 6 * 8 * 24 and cost["evaluations"] == 2 * (3 + 1)
    assert (cost["needed"], cost["extra_tokens"], cost["extra_evaluation_tokens"]) == (needed, 500, 70)


def test_another_setting_is_another_run_and_does_not_go_on_from_its_checkpoint(train, tmp_path, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_before(patched, 7)
        train("run", Ascent(rate=2.0), {"rate": 2.0})
    other = train("run", Ascent(rate=-2.0), {"rate": -2.0})
    fresh = train("fresh", Ascent(rate=-2.0), {"rate": -2.0})
    assert files(tmp_path / "run") == files(tmp_path / "fresh")
    assert other["identity"] == fresh["identity"] != train("first", Ascent(), {"rate": 2.0})["identity"]


def test_probes_come_before_each_update_and_are_told_with_what_they_drew(train):
    method = Prober(rounds=2)
    record = train("run", method, tokens=24 * 8 * 24)
    assert [seen.step for seen in method.seen] == [6, 18]
    for seen in method.seen:
        assert len(seen.probes) == 3
        assert all(sum(probe.counts.values()) == 2 * 8 for probe in seen.probes)
        assert seen.probes[0].after == seen.probes[1].before
        assert seen.probes[-1].after == seen.losses
        assert all(
            max(probe.counts, key=probe.counts.get) == max(probe.mixture, key=probe.mixture.get)
            for probe in seen.probes
        )
    assert sum(method.seen[1].counts.values()) == 12 * 8
    assert len(record["schedule"]) == 8
    assert record["method"]["validations"] == 8


def test_gradients_of_a_source_are_products_with_those_of_all_and_leave_the_training_alone(train, tmp_path):
    flat = Ascent("gradients", rate=0.0)
    train("observed", flat)
    train("plain", Ascent("losses", rate=0.0))
    assert weights(tmp_path / "observed") == weights(tmp_path / "plain")
    for seen in flat.seen:
        assert set(seen.gradients) == {TOTAL} and set(seen.gradients[TOTAL]) == set(seen.norms) == set(SOURCES)
        assert all(norm > 0 for norm in seen.norms.values())
    # Two of four validation sequences of every source, and four of its train split, before three updates.
    cost = read_json(tmp_path / "observed" / "run.json")["method"]
    assert cost["evaluation_tokens"] == 3 * 3 * (2 + 4) * 24


@pytest.fixture
def parts(store_folders, tokenizer):
    return Parts.open(list(store_folders.values()), tokenizer, RunSpec.from_json(SPEC), None)


def begun(parts, folder, steps, **changes):
    rounds = prepare_rounds(follow(UNEVEN), {}, parts, {**SPEC, **changes}, folder, Runtime(micro_batch=3))
    rounds.training.run(steps)
    return rounds.training


def by_brute_force(training, split, drawn, parameters):
    """{source: the gradient of its mean loss, flat}, all held at once."""
    found = {}
    for source, store in training.stores.items():
        tokens = torch.as_tensor(store.read(split, np.array(drawn[source, split]), 24)).long()
        training.model.zero_grad()
        training.losses(tokens).mean().backward()
        found[source] = torch.cat([parameter.grad.flatten() for parameter in parameters]).double()
    training.model.zero_grad()
    return found


@pytest.mark.parametrize("parameters", ["all", "last_block"])
def test_streamed_gradient_products_are_those_of_brute_force(parts, tmp_path, monkeypatch, parameters):
    training = begun(parts, tmp_path / "checkpoints", 4, model={**SPEC["model"], "layers": 2})
    training.model.eval()
    drawn, original = {}, TokenStore.read

    def read(store, split, rows, context):
        drawn.setdefault((store.source, split), []).extend(np.asarray(rows).tolist())
        return original(store, split, rows, context)

    with monkeypatch.context() as patched:
        patched.setattr(TokenStore, "read", read)
        found = gradient_alignments(training, parameters)
    assert all(parameter.grad is None for parameter in training.model.parameters())
    chosen = chosen_parameters(training.model, parameters)
    held_out = by_brute_force(training, "validation", drawn, chosen)
    trained = by_brute_force(training, "train", drawn, chosen)
    for source in SOURCES:
        product = sum(float(trained[source] @ gradient) for gradient in held_out.values())
        assert found.products[source] == pytest.approx(product, rel=1e-4)
        assert found.norms[source] == pytest.approx(float(trained[source].norm()), rel=1e-4)


def test_a_gradient_product_says_how_far_a_small_step_on_a_source_lowers_all_losses(parts, tmp_path):
    training = begun(parts, tmp_path / "checkpoints", 4, validation_sequences=64)
    found, before, rate = gradient_alignments(training, validation_share=1.0), training.validate(), 1e-3
    store = training.stores["alpha"]
    rows = np.arange(store.count("train", 24))
    chosen = chosen_parameters(training.model, "all")
    step = [torch.zeros_like(parameter) for parameter in chosen]
    _add_gradient(step, training, store, "train", rows, chosen)
    with torch.no_grad():
        for parameter, gradient in zip(training.model.parameters(), step, strict=True):
            parameter -= rate * gradient
    after = training.validate()
    fall = sum(before[source] - after[source] for source in SOURCES) / rate
    assert fall == pytest.approx(found.products["alpha"], rel=0.25, abs=0.05)


@pytest.mark.parametrize("sources", [SOURCES, SOURCES[:2]], ids=["three", "two"])
def test_gradients_take_the_memory_of_two_whatever_the_number_of_sources(parts, tmp_path, monkeypatch, sources):
    training = begun(parts, tmp_path / "checkpoints", 1)
    training.stores = {source: training.stores[source] for source in sources}
    made, alive, most = gradients._zeros, weakref.WeakSet(), []

    def zeros(parameters):
        tensors = made(parameters)
        alive.update(tensors)
        most.append(len(alive) / len(parameters))
        return tensors

    monkeypatch.setattr(gradients, "_zeros", zeros)
    gradient_alignments(training)
    assert len(most) == 1 + len(sources) and max(most) <= 3


def test_the_published_proxies_draw_as_at_first_and_weigh_losses(train, tmp_path):
    values = {"kind": "doremi", "rounds": 4, "eta": 3.0}
    for act_on in ("loss", "sampling"):
        method = create(**values, act_on=act_on, sources=SOURCES)
        train(act_on, method, {**values, "act_on": act_on}, reference=REFERENCE)
    weighed, sampled = (read_json(tmp_path / name / "run.json") for name in ("loss", "sampling"))
    assert weighed["sequences_per_source"] == dict.fromkeys(SOURCES, 32)
    assert sampled["sequences_per_source"] != weighed["sequences_per_source"]
    assert weighed["schedule"][1] == sampled["schedule"][1] and weighed["schedule"][2] != sampled["schedule"][2]


def test_a_weighed_step_goes_down_the_gradient_of_the_weighed_mean(parts, tmp_path):
    training = begun(parts, tmp_path / "checkpoints", 1)
    training.loss_weights = {"alpha": 3.0, "beta": 0.5, "gamma": 0.0}
    batch = read_batch(training.plan, training.stores, 24, 8, 16)
    sources = training.plan.sources(8, 16)
    weights = training._weights(sources)
    assert weights.mean() == pytest.approx(1) and weights[sources == 2].tolist() == [0] * sum(sources == 2)
    training._accumulate(batch, weights)
    taken = [parameter.grad.clone() for parameter in training.model.parameters()]
    training.model.zero_grad()
    losses = training.losses(torch.from_numpy(batch.tokens).long())
    (losses * torch.as_tensor(weights) / torch.as_tensor(weights).sum()).sum().backward()
    for one, parameter in zip(taken, training.model.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-7)


def test_excess_is_cut_token_by_token_where_the_method_says_so(train, parts, tmp_path):
    training = begun(parts, tmp_path / "first", 3)
    tokens = training.token_losses("validation")
    assert {source: each.mean() for source, each in tokens.items()} == pytest.approx(training.validate(), rel=1e-5)
    seen = {}
    for clip in ("token", "source"):
        method = create("doremi", sources=SOURCES, rounds=4, clip=clip)
        method.update = keeping(seen.setdefault(clip, []), method.update)
        losses = {source: float(each.mean()) for source, each in tokens.items()}
        train(clip, method, {"kind": "doremi", "clip": clip}, reference=Reference(losses=losses, tokens=tokens))
    # After the same first round losses are alike, and what is cut at each token is more than what is cut in the mean.
    cut, mean = (seen[clip][0] for clip in ("token", "source"))
    assert cut.losses == pytest.approx(mean.losses, rel=1e-5)
    for source in SOURCES:
        assert cut.excess_losses[source] > max(mean.excess_losses[source], 0) >= 0
    with pytest.raises(UserError, match="has no losses of the tokens of source 'alpha'"):
        train("lacks", create("doremi", sources=SOURCES, clip="token", rounds=4), {}, reference=REFERENCE)


def keeping(seen, update):
    """The same update, which keeps what it saw."""

    def kept(observation):
        seen.append(observation)
        return update(observation)

    return kept


@pytest.mark.parametrize(("share", "held_out"), [(0.25, 1), (0.5, 2), (1.0, 4)])
def test_the_share_of_held_out_sequences_is_charged(train, tmp_path, share, held_out):
    doge = create("doge", sources=SOURCES, rounds=3, validation_share=share, parameters="last_block")
    cost = train("run", doge, {"kind": "doge"})["method"]
    assert cost["evaluation_tokens"] == 2 * 3 * (held_out + 4) * 24


def test_a_source_that_a_decision_repeats_too_often_is_refused_with_the_round(train):
    with pytest.raises(UserError, match=r"round 2, up to step 80: source 'alpha' would be read \d+\.\d+ times"):
        train("run", follow(UNEVEN, {"alpha": 1.0}), tokens=80 * 8 * 24, most_epochs=1)


def test_a_source_that_a_decision_names_and_nobody_has_is_refused(train):
    method = follow(UNEVEN, UNEVEN)
    method.mixtures[1] = Mixture({"delta": 1.0})
    with pytest.raises(UserError, match="delta"):
        train("run", method)


@pytest.mark.parametrize("steps", [1, 5, 12, 17])
def test_rounds_and_probes_cover_every_step_once(steps):
    for rounds in range(1, steps + 1):
        cut = stretches(Ascent(rounds=rounds), steps)
        assert [each.start for each in cut] == [0, *(each.end for each in cut[:-1])]
        assert cut[-1].end == steps and all(each.end > each.start for each in cut)
    assert stretches(Prober(rounds=1), 8) == [
        Stretch(0, 1, 0, 0),
        Stretch(1, 2, 0, 1),
        Stretch(2, 3, 0, 2),
        Stretch(3, 8, 0, None),
    ]


@pytest.mark.parametrize("rounds", [0, 13])
def test_rounds_that_do_not_fit_into_the_run_are_refused(train, rounds):
    with pytest.raises(UserError, match=rf"rounds: {rounds} do not fit into a run of 12 steps; 1 to 12 do"):
        train("run", Ascent(rounds=rounds))


def test_probes_that_leave_nothing_of_a_round_are_refused(train):
    with pytest.raises(UserError, match="probes: 3 of 1 steps leave nothing of a round of 3 steps"):
        train("run", Prober(rounds=4))


def test_an_observation_that_nobody_can_make_is_refused_with_the_nearest_name(train):
    with pytest.raises(UserError, match=r"unknown kind of observation 'gradient'\. Did you mean 'gradients'"):
        train("run", Ascent("gradient"))


def test_a_method_that_observes_probes_and_has_none_is_refused(train):
    with pytest.raises(UserError, match="method: observes probes"):
        train("run", Ascent("probes"))


def test_a_method_that_gives_another_number_of_probes_than_it_said_is_refused(train, monkeypatch):
    monkeypatch.setattr(Prober, "probe_count", 2)
    with pytest.raises(UserError, match="method: gives 3 mixtures for the 2 probes of a round"):
        train("run", Prober())


def test_the_model_card_says_that_a_method_decided(train, tmp_path):
    train("run", Ascent())
    card = (tmp_path / "run" / "README.md").read_text()
    assert "An online method decided the mixture during the run, in 4 rounds" in card
