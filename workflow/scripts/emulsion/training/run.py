"""One run on a mixture file: mixture, token stores and spec in, a model folder out."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.data import tokenizers
from emulsion.errors import UserError
from emulsion.files import read_object, whole_folder, write_json, write_text
from emulsion.mixture import read_mixture
from emulsion.plan import excess_epochs
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training.card import model_card
from emulsion.training.costs import run_cost
from emulsion.training.finish import check_validations, finish, is_there, remove_checkpoints
from emulsion.training.inputs import RunInputs
from emulsion.training.loop import Training
from emulsion.training.owner import owned_by_first
from emulsion.training.runtime import Runtime
from emulsion.trust import check_model, record_of

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
    check_validations(spec)
    inputs = RunInputs.open(store_folders, tokenizer, spec, weights)
    with owned_by_first(checkpoints, runtime) as (owner, waited):
        training = prepare(mixture_file, inputs, spec_values, checkpoints, runtime, max_epochs)
        training.owner = owner
        if is_there(training, output, waited):
            return
        alone = training.accelerator.num_processes == 1
        twin = find_twin(output, training.identity) if reuse and alone else None
        if twin is not None:
            copy_twin(twin, output, mixture)
            remove_checkpoints(training)
            return
        training.run()
        names = {"experiment": mixture["experiment"], "mixture": mixture["name"], "identity": training.identity}
        head = {"spec": spec_values, "schedule": mixture["schedule"], "tokenizer": tokenizers.fingerprint(tokenizer)}
        head |= {} if reuse else {"again": True}
        cost = run_cost(spec.realised_tokens, mixture.get("needed", []))
        finish(training, inputs, {**names, **head, "cost": cost}, tokenizer, output)


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
