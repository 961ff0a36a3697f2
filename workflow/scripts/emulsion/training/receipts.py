"""Receipts: what a checkpoint says of the step to come, so that a resumed run proves to be at that very step.

Tensors and log have checksums of their own; the receipt has what no file holds, for it follows from the step: the
order of the data, the tokens themselves, and the random numbers. It differs where the code or a token store is no
longer what it was when the checkpoint was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.data.batches import read_batch
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.files import fingerprint
from emulsion.plan import SequencePlan
from emulsion.seeds import derive_seed
from emulsion.spec import RunSpec


def receipt(
    spec: RunSpec,
    plan: SequencePlan,
    stores: Mapping[str, TokenStore],
    step: int,
    carried: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """{"step", "next_batch", "randomness", "carried"} of a training after `step`.

    next_batch: SHA-256 of the tokens of the next step, null after the last one. randomness: the seed of the next
    step's dropout. carried: fingerprint of what an online method has decided and learned, null without one.
    """
    return {
        "step": step,
        "next_batch": _next_batch(spec, plan, stores, step) if step < spec.steps else None,
        "randomness": derive_seed(spec.seed, "dropout", step, 0, bits=63),
        "carried": fingerprint(carried) if carried is not None else None,
    }


def compare(saved: Mapping[str, Any], found: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError where a resumed run is not where it was."""
    differ = [name.replace("_", " ") for name in found if saved.get(name) != found[name]]
    if differ:
        raise UserError(
            f"{folder}: the run cannot go on from step {found['step']}: {' and '.join(differ)} would not be what the "
            "checkpoint was saved with, so the token stores or the code have changed since. Delete this folder, and "
            "it is trained from the start."
        )


def _next_batch(spec: RunSpec, plan: SequencePlan, stores: Mapping[str, TokenStore], step: int) -> str:
    first = step * spec.batch_sequences
    batch = read_batch(plan, stores, spec.context, first, first + spec.batch_sequences)
    return hashlib.sha256(batch.tobytes()).hexdigest()
