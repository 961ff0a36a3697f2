"""Options that the scripts which decide a mixture have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.command import Json, Some, options
from emulsion.methods import create
from emulsion.methods.interface import AnyMethod, Evidence, Stages
from emulsion.mixture import mixture_file
from emulsion.training.evidence import read_evidence


@options
@dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """Which mixture is decided, and what decides it.

    :param experiment: name of the experiment
    :param name: name of the mixture
    :param sources: the experiment's sources, in its order
    :param method: its kind and settings, as JSON
    """

    experiment: str
    name: str
    sources: Some[str]
    method: Json

    def create(self) -> AnyMethod:
        """The method, as it is made from its settings."""
        return create(**self.method, sources=self.sources)

    def mixture_file(self, stages: Stages) -> dict[str, Any]:
        """The content of the mixture's file."""
        return mixture_file(self.experiment, self.name, self.method["kind"], stages)


@options
@dataclass(frozen=True, kw_only=True)
class EvidenceOptions:
    """What is decided from.

    :param most_epochs: how often the run that it is for may repeat a source where more is refused; 0: only warned of
    :param stores: token stores of the sources, for a method that goes by their sizes
    :param swarm: what each job of the swarm wrote
    :param records: run.json of each further run to learn from
    :param capabilities: of each of these, in the same order
    :param tokens: budget of the run it is for
    :param max_epochs: how often that run may repeat a source, for a method that keeps to it
    """

    most_epochs: int
    stores: Sequence[Path] = ()
    swarm: Sequence[Path] = ()
    records: Sequence[Path] = ()
    capabilities: Sequence[Path] = ()
    tokens: int = 0
    max_epochs: float = 0

    def read(self) -> Evidence:
        return read_evidence(
            self.stores,
            self.tokens,
            self.max_epochs,
            self.swarm,
            self.records,
            self.capabilities,
            strict=self.most_epochs > 0,
        )
