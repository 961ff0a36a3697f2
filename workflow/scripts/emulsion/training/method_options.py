"""Options that the scripts which decide a mixture have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emulsion.command import AtMostOne, Json, Some, options
from emulsion.errors import UserError
from emulsion.methods import create, create_offline
from emulsion.methods.interface import AnyMethod, Evidence, Method, Stages
from emulsion.methods.offline import Optimum
from emulsion.mixture import mixture_file
from emulsion.training.costs import Needed, needed_of_mixtures, needed_of_swarm, together
from emulsion.training.evidence import read_evidence, reference_of
from emulsion.training.options import JobOptions, TrainingOptions

if TYPE_CHECKING:  # with it comes torch, which starts slowly
    from emulsion.training.online_run import OnlineRun


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

    def create_offline(self) -> Method:
        """The same, of a method that decides before the run."""
        return create_offline(**self.method, sources=self.sources)

    def create_optimum(self) -> Optimum:
        """The same, of a method with a surrogate, which says more of mixtures than which is best."""
        made = self.create()
        if not isinstance(made, Optimum):
            raise UserError(
                f"{self.name}: {self.method['kind']} fits no surrogate; name a method that does, such as optimum."
            )
        return made

    def mixture_file(self, stages: Stages, needed: Sequence[Needed] = ()) -> dict[str, Any]:
        """The content of the mixture's file; needed: what was trained and read to decide it."""
        return mixture_file(self.experiment, self.name, self.method["kind"], stages, needed)


@options
@dataclass(frozen=True, kw_only=True)
class EvidenceOptions:
    """What is decided from.

    :param stores: token stores of the sources, for a method that goes by their sizes
    :param swarm: what each job of the swarm wrote
    :param records: run.json of each further run to learn from
    :param capabilities: of each of these, in the same order
    :param tokens: budget of the run it is for
    :param max_epochs: how often that run may repeat a source, for a method that keeps to it
    :param on_excess: what is done about a mixture that repeats one more often
    """

    on_excess: Literal["warn", "refuse"]
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
            strict=self.on_excess == "refuse",
        )


@options
@dataclass(frozen=True, kw_only=True)
class OnlineOptions:
    """What an online run is decided from.

    :param swarm: what each job of the swarm that it needs wrote
    :param after: mixture file of the method that the run begins with, if any; of several stages, their mean
    :param after_share: share of the run that has its mixture
    """

    swarm: Sequence[Path] = ()
    after: AtMostOne[Path] = ()
    after_share: float

    def run(self, decided: MethodOptions, training: TrainingOptions, saving: JobOptions) -> OnlineRun:
        """The run, made of all that is there for it. Raises UserError where something is missing."""
        from emulsion.training.online_run import OnlineRun
        from emulsion.training.rounds import Prelude

        tokens = training.spec["tokens"]
        evidence = read_evidence(training.stores, tokens, saving.max_epochs, self.swarm, strict=saving.strict)
        return OnlineRun(
            method=decided.method,
            evidence=evidence,
            sources=decided.sources,
            spec=training.spec,
            reference=reference_of(evidence) if decided.create().needs.reference_run else None,
            prelude=next((Prelude.read(file, self.after_share, decided.sources) for file in self.after), None),
            max_epochs=saving.refused_above,
            needed=together(needed_of_swarm(self.swarm), needed_of_mixtures(self.after)),
        )
