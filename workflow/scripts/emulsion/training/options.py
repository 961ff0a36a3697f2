"""Options that the scripts which train have in common."""

from __future__ import annotations

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

    :param checkpoints: folder to go on from
    :param checkpoint_seconds: time between checkpoints
    :param minutes: time the job has; it saves and stops before
    :param most_epochs: refuse to repeat a source more often; 0: no limit
    """

    checkpoints: Path
    checkpoint_seconds: Annotated[float, Parameter(env_var="EMULSION_CHECKPOINT_SECONDS")] = 120.0
    minutes: float | None = None
    most_epochs: int = 0
