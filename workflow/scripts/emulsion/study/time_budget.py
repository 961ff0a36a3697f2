"""Tokens of a run for a time budget: what `make plan` reckons an experiment to take, solved for them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from emulsion.errors import UserError
from emulsion.study.budget import planned_cost
from emulsion.study.catalogue import Config
from emulsion.study.experiment import Experiment

# Batches that a run should have at least, for its loss to say something of its mixture.
_LEAST_STEPS = 100
_ROUNDED = 1000


def tokens_within(config: Config, name: str, hours: float, most: float = math.inf) -> int:
    """Tokens of each run with which an experiment takes so many hours of its device, `most` at most; whole batches.

    Raises UserError where starting and evaluating its runs leaves too little time to train them.
    """
    batch = _batch_tokens(config, name)
    least = _LEAST_STEPS * batch
    low, high = (hours_of(config, name, tokens) for tokens in (least, 2 * least))
    if low > hours:
        raise UserError(
            f"experiments.{name}.budget.hours: {hours:g} hours are too few: its runs would take {low:.2f} with "
            f"{_LEAST_STEPS} steps each. Give it more time, fewer seeds or fewer mixtures, or say `tokens`."
        )
    affordable = least + least * (hours - low) / (high - low)
    tokens = max(min(affordable, most), least)
    step = max(batch, _ROUNDED // batch * batch)
    return int(tokens // step * step)


def hours_of(config: Config, name: str, tokens: int) -> float:
    """Hours of its device that an experiment takes with so many tokens a run."""
    settings: Mapping[str, Any] = {**config["experiments"][name], "tokens": tokens}
    changed = {**config, "experiments": {**config["experiments"], name: settings}}
    return planned_cost(Experiment(changed, name))["total"]["hours"]


def _batch_tokens(config: Config, name: str) -> int:
    settings = config["experiments"][name]
    context = config["models"][settings["model"]]["context"]
    return int(max(1, config["training"][settings["training"]]["batch_tokens"] // context) * context)
