"""The smoke check: a run whose loss does not fall in its first steps is stopped, in words, before it costs more.

It is no training of its own but the beginning of the run, so the steps count, and what it finds is what the run does.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emulsion.errors import UserError
from emulsion.files import read_note, write_json
from emulsion.training.loop import Training
from emulsion.training.measurements import measurements

log = logging.getLogger(__name__)

FILE = "smoke.json"
PROMPT_TOKENS = 16
# Losses differ from batch to batch, so the first and the last tenth of the steps are compared, not two steps.
PART = 10


@dataclass(frozen=True, kw_only=True)
class SmokeCheck:
    """To be a runtime's `after_step`.

    steps       after how many of them to look, 0 for never; the last one where the run is shorter
    least_fall  nats per token that the loss must have fallen by
    continued   (model, token ids of a prompt) -> {"prompt", "text"}: a sample
    stop        whether to stop there, though all is well
    """

    steps: int
    least_fall: float
    continued: Callable[[Any, list[int]], dict[str, str]]
    stop: bool = False

    def __call__(self, training: Training) -> bool:
        """Whether to continue; raises UserError where the loss did not fall."""
        if training.step != min(self.steps, training.spec.steps):
            return True
        main = training.accelerator.is_main_process
        # Every process has to compute with a model in parts.
        sample = self._sample(training) if main or training.sharded else {}
        if main:
            record = self.examine(training, sample)
            if not record["passed"]:
                raise UserError(record["verdict"])
            write_json(training.folder / FILE, record)
            log.info("%s", record["verdict"])
        return not self.stop

    def examine(self, training: Training, sample: dict[str, str]) -> dict[str, Any]:
        """The content of `smoke.json`; sample: a text that the model has continued."""
        first, last = ends([row["loss"] for row in training.log.rows])
        fell = first - last >= self.least_fall
        return {
            "identity": training.identity,
            "steps": training.step,
            "tokens": training.log.rows[-1]["tokens"],
            "first_loss": first,
            "last_loss": last,
            "least_fall": self.least_fall,
            "passed": fell,
            "verdict": self._verdict(training, first, last, fell),
            "sample": sample,
            **measurements(training),
        }

    def _verdict(self, training: Training, first: float, last: float, fell: bool) -> str:
        steps, rate = training.step, max(row["learning_rate"] for row in training.log.rows)
        part = max(1, steps // PART)
        seen = f"{first:.3f} nats per token over the first {part} of {steps} steps, {last:.3f} over the last {part}"
        if fell:
            return f"The loss falls: {seen}."
        warmup = round(training.spec.warmup * training.spec.steps)
        return (
            f"smoke check: the loss does not fall: {seen}, where it should have fallen by {self.least_fall:g} at least "
            f"(`smoke.least_fall`). The learning rate was {rate:g} at most, of {training.spec.learning_rate:g} after "
            f"{warmup} steps of warm-up; a model that knows nothing has {math.log(vocabulary(training)):.3f}. Look at "
            "the learning rate and at the data, or raise `smoke.steps` where warm-up takes longer."
        )

    def _sample(self, training: Training) -> dict[str, str]:
        """A held-out text of the source with the largest share, continued."""
        targets = training.plan.targets(training.spec.sequences)
        source = list(training.plan.sizes)[int(targets.argmax())]
        tokens = training.stores[source].read("validation", np.zeros(1, np.int64), training.spec.context)[0]
        prompt = tokens[: min(PROMPT_TOKENS, training.spec.context // 2)]
        # Every length is another shape, which must not be compiled.
        with torch.compiler.set_stance("force_eager"), training.accelerator.autocast():
            reply = training.losses.use(lambda model: self.continued(model, prompt.tolist()))
            return {"source": source, **reply}


def ends(losses: Sequence[float]) -> tuple[float, float]:
    """The mean of the first and of the last tenth of losses."""
    part = max(1, len(losses) // PART)
    return math.fsum(losses[:part]) / part, math.fsum(losses[-part:]) / part


def vocabulary(training: Training) -> int:
    model: Any = training.model
    return int(model.get_input_embeddings().weight.shape[0])


def passed(folder: Path, identity: str) -> dict[str, Any] | None:
    """What the smoke check of this very run found; None where there was none."""
    record = read_note(folder / FILE, ("identity",))
    return record if record and record["identity"] == identity else None
