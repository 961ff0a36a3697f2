"""The end of a run: it is found to be there already, or its model is saved, and its checkpoints go."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from emulsion.data import tokenizers
from emulsion.errors import UserError
from emulsion.files import remove_folder, sha256, whole_folder, write_json, write_text
from emulsion.origin import code_version
from emulsion.perplexity import has_diverged
from emulsion.plan import describe_plan
from emulsion.spec import RunSpec
from emulsion.training import devices
from emulsion.training.card import model_card
from emulsion.training.checkpoint import LOG
from emulsion.training.inputs import RunInputs
from emulsion.training.log import TrainingLog
from emulsion.training.loop import REMEDY, Training
from emulsion.training.measurements import measurements
from emulsion.training.sharding import gathered
from emulsion.training.smoke import passed
from emulsion.trust import record_of
from emulsion.unrecorded import take_model

log = logging.getLogger(__name__)


def check_validations(spec: RunSpec) -> None:
    """Raise UserError where a run takes no loss at its end, which its record is to have."""
    if not spec.validations:
        raise UserError(
            "run spec.validations: should be 1 or more, but is 0: a run's record has the losses at its end."
        )


def is_there(training: Training, output: Path, waited: bool) -> bool:
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


def finish(training: Training, inputs: RunInputs, head: dict[str, Any], tokenizer: Path, output: Path) -> None:
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
            remove_checkpoints(training)
        devices.tell("saved")
    else:
        devices.wait_for("saved", training.runtime.job)  # torchrun waits five minutes after the first one's end


def remove_checkpoints(training: Training) -> None:
    """Remove the checkpoints of a run that has ended."""
    if training.owner is not None:
        training.owner.remove()
    else:
        remove_folder(training.folder)


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
