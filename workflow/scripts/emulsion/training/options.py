"""Options that the scripts which train have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from emulsion.command import AtMostOne, Json, Some, options


@options
@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What is trained on what.

    :param stores: token store folders
    :param tokenizer: tokenizer folder
    :param spec: run spec, as JSON; its seed may be replaced
    :param weights: model to start from, where the spec's names `weights`
    :param micro_batch: sequences a device takes at once
    :param sharding: what devices hold of the model where there are several
    :param threads: CPU threads
    """

    stores: Some[Path]
    tokenizer: Path
    spec: Json
    weights: AtMostOne[Path] = ()
    micro_batch: int
    sharding: Literal["none", "full"] = "none"
    threads: int = 1

    @property
    def start(self) -> Path | None:
        """The model to start from, if any."""
        return next(iter(self.weights), None)


@options
@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """How a job that may be cut off saves and stops, and what it refuses.

    :param checkpoints: folder to resume from
    :param checkpoint_seconds: time between checkpoints
    :param minutes: time the job has; it saves and stops before
    :param max_epochs: how often the run may repeat a source
    :param on_excess: what is done about more: warn, or refuse the run
    """

    checkpoints: Path
    checkpoint_seconds: Annotated[float, Parameter(env_var="EMULSION_CHECKPOINT_SECONDS")] = 120.0
    minutes: float | None = None
    max_epochs: float = math.inf
    on_excess: Literal["warn", "refuse"] = "refuse"

    @property
    def strict(self) -> bool:
        """Whether a run that repeats a source too often is refused."""
        return self.on_excess == "refuse"

    @property
    def refused_above(self) -> float:
        """How often a run may repeat a source before it is refused; 0: any number."""
        return self.max_epochs if self.strict and math.isfinite(self.max_epochs) else 0
