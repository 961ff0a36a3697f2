"""One run from files to files: mixture, token stores and spec in, a model folder out."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from emulsion.data import tokenizers
from emulsion.errors import UserError
from emulsion.files import read_object, remove_folder, sha256, whole_folder, write_json, write_text
from emulsion.methods.interface import OnlineMethod
from emulsion.methods.stretches import opening
from emulsion.mixture import Mixture, read_mixture
from emulsion.origin import code_version
from emulsion.perplexity import has_diverged
from emulsion.plan import describe_plan, excess_epochs
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training import devices
from emulsion.training.card import model_card
from emulsion.training.checkpoint import LOG
from emulsion.training.costs import Needed, run_cost
from emulsion.training.evidence import Reference
from emulsion.training.inputs import RunInputs
from emulsion.training.log import TrainingLog
from emulsion.training.loop import REMEDY, Training
from emulsion.training.measurements import measurements
from emulsion.training.owner import Owner, owned
from emulsion.training.rounds import Prelude, Rounds
from emulsion.training.runtime import Runtime
from emulsion.training.sharding import gathered
from emulsion.training.smoke import passed
from emulsion.trust import check_model, record_of
from emulsion.unrecorded import take_model

log = logging.getLogger(__name__)


def train_run(
    *,
    mixture_file: Path,
    store_folders: list[Path],
    tokenizer: Path,
    spec_values: dict[str, Any],
    output: Path,
    checkpoints: Path,
    runtime: Runtime,
    max_epochs: float = 0,
    weights: Path | None = None,
    reuse: bool = False,
) -> None:
    """Train, or resume training, and save the model with its record, `run.json`.

    reuse: whether to copy the model of a finished run of the same identity beside `output`, if there is one. A run that
        may not is to show that another one reproduces, which then must not be a copy of it: it gives no model either.
    max_epochs: how often a source may be repeated, 0 for any number.
    weights: the model folder to start from, where the spec's model names `weights`.
    Raises UserError where stores and tokenizer do not belong together, or model and weights, a source would be repeated
    too often, or the run cannot be finished.
    """
    spec, mixture = RunSpec.from_json(spec_values), read_mixture(mixture_file)
    _check_validations(spec)
    inputs = RunInputs.open(store_folders, tokenizer, spec, weights)
    with owned_by_first(checkpoints, runtime) as (owner, waited):
        training = prepare(mixture_file, inputs, spec_values, checkpoints, runtime, max_epochs)
        training.owner = owner
        if _is_there(training, output, waited):
            return
        alone = training.accelerator.num_processes == 1
        twin = find_twin(output, training.identity) if reuse and alone else None
        if twin is not None:
            copy_twin(twin, output, mixture)
            _remove(training)
            return
        training.run()
        names = {"experiment": mixture["experiment"], "mixture": mixture["name"], "identity": training.identity}
        head = {"spec": spec_values, "schedule": mixture["schedule"], "tokenizer": tokenizers.fingerprint(tokenizer)}
        head |= {} if reuse else {"again": True}
        cost = run_cost(spec.realised_tokens, mixture.get("needed", []))
        _finish(training, inputs, {**names, **head, "cost": cost}, tokenizer, output)


def find_twin(output: Path, identity: str) -> Path | None:
    """The folder of a finished model of this identity beside `output`, if there is one that was not trained `again`."""
    for record in sorted(output.parent.glob("*/run.json")):
        folder = record.parent
        whole = folder != output and (folder / "model.safetensors").is_file()
        if whole and (found := record_of(folder)).get("identity") == identity and not found.get("again"):
            return folder
    return None


def copy_twin(twin: Path, output: Path, mixture: Mapping[str, Any]) -> None:
    """The model of another run of the same identity under names of its own; its record says where it is from.

    mixture: the content of the run's own mixture file, which says what was needed to decide it
    Raises UserError where that model is damaged.
    """
    check_model(twin)
    log.info("%s has the same mixture, data and spec: its model is copied, and nothing is trained", twin)
    record = {**read_object(twin / "run.json"), "experiment": mixture["experiment"], "mixture": mixture["name"]}
    record.setdefault("copied_seconds", record["seconds"])  # else it is a copy itself
    record.pop("killed", None)  # what its tries lost is charged to that run
    record |= {"copied_from": twin.name, "seconds": 0.0, "cost": run_cost(record["tokens"], mixture.get("needed", []))}
    with whole_folder(output) as part:
        for file in sorted(twin.iterdir()):
            if file.name not in ("run.json", "README.md"):
                shutil.copyfile(file, part / file.name)
        write_json(part / "run.json", record)
        write_text(part / "README.md", model_card(record))


def train_online(
    *,
    experiment: str,
    name: str,
    method: OnlineMethod,
    method_values: Mapping[str, Any],
    store_folders: list[Path],
    tokenizer: Path,
    spec_values: dict[str, Any],
    output: Path,
    checkpoints: Path,
    runtime: Runtime,
    max_epochs: float = 0,
    weights: Path | None = None,
    reference: Reference | None = None,
    prelude: Prelude | None = None,
    needed: Sequence[Needed] = (),
) -> None:
    """Train on an online method as `train_run` does on a mixture file, and save the model with its record.

    name: of the run within its experiment, as a mixture's.
    method: as it was made, before its first round; method_values: all that it was made from, its kind, its settings
    and what it needed, as plain JSON. They are part of the run's identity, as the reference is.
    reference: what the reference run reached, for a method that observes excess losses.
    prelude: the mixture of another method that the run begins with.
    needed: what was trained and read before the run (`training.costs`).
    The record's `schedule` is what the method decided, and its `method` has the values, the rounds and their cost.
    Raises what `train_run` does, and UserError where the method's rounds do not fit into the run.
    """
    spec = RunSpec.from_json(spec_values)
    _check_validations(spec)
    inputs = RunInputs.open(store_folders, tokenizer, spec, weights)
    with owned_by_first(checkpoints, runtime) as (owner, waited):
        rounds = prepare_rounds(
            method,
            method_values,
            inputs,
            spec_values,
            checkpoints,
            runtime,
            max_epochs=max_epochs,
            reference=reference,
            prelude=prelude,
        )
        training = rounds.training
        training.owner = owner
        if _is_there(training, output, waited):
            return
        rounds.run()
        names = {"experiment": experiment, "mixture": name, "identity": training.identity}
        head = {"spec": spec_values, "schedule": rounds.schedule(), "tokenizer": tokenizers.fingerprint(tokenizer)}
        average = dict(method.average) if method.averages else None
        kind = {"values": dict(method_values), "rounds": method.rounds, "observes": method.observes, "average": average}
        noticed = rounds.notices()
        taken = rounds.cost()
        decided = {**kind, **taken, "notices": noticed}
        cost = run_cost(
            spec.realised_tokens,
            needed,
            probe_tokens=taken["probe_tokens"],
            evaluations=taken["validations"],
            evaluation_tokens=taken["evaluation_tokens"],
        )
        for notice in noticed:
            log.warning("%s: %s", name, notice)
        _finish(training, inputs, {**names, **head, "method": decided, "cost": cost}, tokenizer, output)


def prepare_rounds(
    method: OnlineMethod,
    method_values: Mapping[str, Any],
    inputs: RunInputs,
    spec_values: dict[str, Any],
    checkpoints: Path,
    runtime: Runtime,
    *,
    max_epochs: float = 0,
    reference: Reference | None = None,
    prelude: Prelude | None = None,
) -> Rounds:
    """The training of an online method's run, not yet started; raises what `train_online` does by then."""
    spec = RunSpec.from_json(spec_values)
    first = opening(method)
    plan = inputs.plan(spec, Schedule.constant(prelude.mixture if prelude else Mixture(first[0])))
    identity = identity_of_rounds(inputs, spec_values, method_values, reference, prelude)
    training = Training(spec, plan, inputs.stores, lambda: inputs.model(spec.model), checkpoints, identity, runtime)
    return Rounds(training, method, first, max_epochs=max_epochs, reference=reference, prelude=prelude)


def identity_of_rounds(
    inputs: RunInputs,
    spec_values: Mapping[str, Any],
    method_values: Mapping[str, Any],
    reference: Reference | None,
    prelude: Prelude | None,
) -> str:
    """The identity of an online method's run."""
    decided: dict[str, Any] = {"method": dict(method_values)}
    if reference is not None:
        decided["reference"] = dict(reference.losses)
    if prelude is not None:
        decided["prelude"] = {"mixture": dict(prelude.mixture), "share": prelude.share}
    return inputs.identity(spec_values, {"schedule": decided})


@contextmanager
def owned_by_first(checkpoints: Path, runtime: Runtime) -> Iterator[tuple[Owner | None, bool]]:
    """The ownership of a run, by its first process, and whether another run's was waited for; the others wait, too."""
    if int(os.environ.get("RANK", "0")):
        devices.wait_for("owned", runtime.job)
        yield None, False
        return
    with owned(checkpoints, runtime.job) as (owner, waited):
        devices.tell("owned")
        yield owner, waited


def _is_there(training: Training, output: Path, waited: bool) -> bool:
    """Whether the first process finds this very model: then no process has anything left to do, and the group ends."""
    found = training.agreed((waited and _is_made(output, training.identity)) or _is_kept(training, output))
    if found:
        training.accelerator.end_training()
    return found


def _is_made(output: Path, identity: str) -> bool:
    """Whether the process that was waited for has made this very model."""
    record = output / "run.json"
    made = record.exists() and record_of(output).get("identity") == identity
    if made:
        log.info("%s: was made meanwhile", output)
    return bool(made)


def _is_kept(training: Training, output: Path) -> bool:
    """Whether this very model was finished before, and is taken; by the first process alone, as it moves files."""
    return training.accelerator.is_main_process and take_model(training.folder, output, training.identity)


def _finish(training: Training, inputs: RunInputs, head: dict[str, Any], tokenizer: Path, output: Path) -> None:
    """Save the model of a training that has ended, and let go of its checkpoints; head: how its record begins."""
    main = training.accelerator.is_main_process
    weights = gathered(training.model.state_dict(keep_vars=True), keep=main) if training.sharded else None
    training.accelerator.wait_for_everyone()
    training.accelerator.end_training()
    if main:
        steps = [row["step"] for row in training.log.rows]
        if steps != list(range(1, training.spec.steps + 1)):
            raise RuntimeError(f"{training.folder}: the log has {len(steps)} rows of {training.spec.steps} steps")
        found = {
            "initial_weights": inputs.describe_weights(training.spec.model),
            "smoke_check": passed(training.folder, training.identity),
        }
        if training.owner is not None and (killed := training.owner.killed)["tries"]:
            found["killed"] = killed
        record = {**head, **describe_run(training), **found}
        if training.owner is not None:
            training.owner.confirm()
        save_model(training.model, training.log, record, tokenizer, output, weights)
        if training.runtime.job.told_to_stop:
            # Its launcher or SLURM may report the job as failed all the same, and Snakemake then deletes the model.
            log.warning(
                "told to stop while the model was saved: %s stays, to make it again from if this job is reported as "
                "failed; else delete it",
                training.folder,
            )
        else:
            _remove(training)
        devices.tell("saved")
    else:
        devices.wait_for("saved", training.runtime.job)  # torchrun waits five minutes after the first one's end


def _remove(training: Training) -> None:
    """Remove the checkpoints of a run that has ended."""
    if training.owner is not None:
        training.owner.remove()
    else:
        remove_folder(training.folder)


def prepare(
    mixture_file: Path,
    inputs: RunInputs,
    spec_values: dict[str, Any],
    checkpoints: Path,
    runtime: Runtime,
    max_epochs: float = 0,
) -> Training:
    """The training of a run, not yet started; raises what `train_run` does of what can be known by then."""
    spec, mixture = RunSpec.from_json(spec_values), read_mixture(mixture_file)
    plan = inputs.plan(spec, Schedule.from_json(mixture["schedule"], spec.sequences))
    if max_epochs and (problems := excess_epochs(plan, spec.sequences, spec.context, max_epochs)):
        raise UserError(f"{mixture_file}: {' '.join(problems)}")
    identity = inputs.identity(spec_values, mixture)
    return Training(spec, plan, inputs.stores, lambda: inputs.model(spec.model), checkpoints, identity, runtime)


def _check_validations(spec: RunSpec) -> None:
    """Raise UserError where a run takes no loss at its end, which its record is to have."""
    if not spec.validations:
        raise UserError(
            "run spec.validations: should be 1 or more, but is 0: a run's record has the losses at its end."
        )


def make_deterministic(threads: int) -> None:
    """The same bytes again on the same machine; to be called before anything is computed."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # To warn only would leave attention on a GPU as it is: not the same twice.
    torch.use_deterministic_algorithms(True, warn_only=not torch.cuda.is_available())
    # We read no memory that was not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def describe_run(training: Training) -> dict[str, Any]:
    """What a finished run drew, reached and took; the part of `run.json` that the training decides."""
    spec, stores = training.spec, training.stores
    model: Any = training.model
    losses, vocabulary = training.log.rows[-1]["validation"], model.get_input_embeddings().weight.shape[0]
    documents = {source: store.train_documents for source, store in stores.items()}
    drawn = describe_plan(training.plan, spec.sequences, spec.context, documents)
    if diverged := has_diverged(losses, drawn["mixing_ratios"], vocabulary):
        log.warning("the run diverged: on its own mixture it is worse than guessing blindly. %s", REMEDY)
    return {
        "steps": spec.steps,
        **drawn,
        "validation": losses,
        "diverged": diverged,
        "loss_spikes_at_steps": training.log.spikes,
        **measurements(training),
        "sources": {source: store.header["provenance"] for source, store in stores.items()},
        "code": code_version(),
        "versions": {name: version(name) for name in ("torch", "transformers", "accelerate", "numpy")},
    }


def save_model(
    model: Any,
    log: TrainingLog,
    record: dict[str, Any],
    tokenizer: Path,
    output: Path,
    weights: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """The model folder in the Hugging Face layout, with its tokenizer, record, log and card; whole or not at all.

    weights: {name: tensor} of a model that is in parts
    The record has the SHA-256 of every other file, except the card: see `check_model`.
    """
    model.config.use_cache = model.generation_config.use_cache = True  # the latter is what `generate` goes by
    with whole_folder(output) as part:
        model.save_pretrained(part, state_dict=weights)
        tokenizers.copy_tokenizer(tokenizer, part)
        log.copy(part / LOG)
        files = {file.name: sha256(file) for file in sorted(part.iterdir())}
        write_json(part / "run.json", {**record, "files": files})
        write_text(part / "README.md", model_card(record))
