"""What every method is to the rest of the house: numbers by source name in, mixtures out.

A method decides a schedule. Fixed and offline methods propose it before the run, from evidence; online methods decide
it during the run, round by round. A method sees no file and no model, so each can be tested with numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from emulsion.laws.table import Floats
from emulsion.mixture import Mixture
from emulsion.perplexity import DIVERGED

Observes = Literal["losses", "probes", "gradients", "excess_losses"]
OBSERVES: tuple[Observes, ...] = ("losses", "probes", "gradients", "excess_losses")
CURVE = (0.0, 0.1, 0.3, 0.6)  # shares of a run after which a swarm that measures `curve` evaluates it, besides its end
Losses = Mapping[str, float]  # {source: held-out loss, mean nats per token}
Effects = Mapping[str, Mapping[str, float]]  # {evaluated source: {trained source: effect on its loss}}
Stages = Sequence[tuple[float, Mixture]]  # (until, mixture), until a share of the run, as `Schedule.staged` takes them


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What must be there before a method can decide; it is an input of the method's rule and charged to it.

    sizes               tokens of every source
    swarm               finished runs over the simplex, `least_runs` or more together with the `others`
    least_mixtures      different mixtures that these runs must be on: a further seed adds none
    reference_run       a finished run whose losses others are measured against
    single_source_runs  one run per source, trained on nothing else
    sequence_losses     of these runs, the loss of every held-out sequence
    token_losses        of these runs, the loss of every token of the held-out sequences
    curves              of these runs, losses before their end; a wish, for the method decides without them
    others              besides a swarm, further finished runs of its size, where there are any
    trainer             trainings of its own while it searches
    trajectory          what another method decided during a finished run
    """

    sizes: bool = False
    swarm: bool = False
    least_runs: int = 0
    least_mixtures: int = 0
    reference_run: bool = False
    single_source_runs: bool = False
    sequence_losses: bool = False
    token_losses: bool = False
    curves: bool = False
    others: bool = False
    trainer: bool = False
    trajectory: bool = False

    @property
    def runs(self) -> bool:
        """Whether finished runs must be there: those of the swarm that the configuration names."""
        return self.swarm or self.reference_run or self.single_source_runs


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a method may decide from before a run.

    sizes            {source: tokens to train on}
    mixtures         {run: what it was trained on}
    losses           {run: {source: held-out loss at its end, mean nats per token}}, of the same runs
    epochs           {run: {source: how often the run read it}}, where they were recorded
    initial          {run: {source: the same before its first step}}, of runs on one source
    curves           {run: [(tokens trained on until then, {source: held-out loss})]} before its end, where measured
    run_tokens       {run: tokens that it was trained on}, where they are known
    sequence_losses  {run: {source: the losses of its held-out sequences, in order}}, where they were measured
    token_losses     {run: {source: losses of the tokens of its held-out sequences [n, T]}}, likewise
    capabilities     {run: {capability: score}}, where they were measured
    diverged         runs that are left out of all these, as they ended worse than blind guessing
    trajectory       what another method decided during a run, as stages
    tokens           budget of the run that is decided for
    max_epochs       how often that run may repeat a source
    strict           whether more is refused, or only warned of
    """

    sizes: Mapping[str, float] = field(default_factory=dict)
    mixtures: Mapping[str, Mixture] = field(default_factory=dict)
    losses: Mapping[str, Losses] = field(default_factory=dict)
    epochs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    initial: Mapping[str, Losses] = field(default_factory=dict)
    curves: Mapping[str, Sequence[tuple[float, Losses]]] = field(default_factory=dict)
    run_tokens: Mapping[str, float] = field(default_factory=dict)
    sequence_losses: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    token_losses: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    capabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    diverged: Sequence[str] = ()
    trajectory: Stages = ()
    tokens: int = 0
    max_epochs: float = math.inf
    strict: bool = True

    @property
    def warnings(self) -> list[str]:
        """What a reader should know of it before believing what is decided from it."""
        return [f"{run}: {DIVERGED}; it was left out." for run in self.diverged]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A short stretch of a run, trained on a mixture to see what that does.

    mixture  what was asked for; counts: {source: sequences that were drawn}
    before, after  held-out losses where it began and where it ended
    """

    mixture: Mixture
    counts: Mapping[str, int]
    before: Losses
    after: Losses


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What an online method sees when it is to decide, all by source name.

    step           optimiser steps done, of `steps` of the whole run
    tokens         trained on so far
    losses         held-out losses now, mean nats per token; for a method that does without held-out text, the means
                   over what was drawn of each source since the last update, which cost nothing
    counts         {source: sequences drawn since the last update}, or since the start of the run
    probes         of this round, in order; only for a method that observes probes
    gradients      {evaluated: {trained: dot product of their gradients}}: of the loss on held-out sequences of one
                   source and on training sequences of the other, or with one row, `all sources`, their sums over the
                   evaluated ones; only for a method that observes gradients
    norms          {trained: norm of the gradient on its training sequences}, with the former; where it is None, the
                   roots of the products of a source with itself stand for them
    excess_losses  {source: held-out loss less that of the reference run}; cut at 0 token by token before it is
                   averaged for a method whose `clip` is "token", else not cut; only for one that observes excess losses
    """

    step: int
    steps: int
    tokens: int
    losses: Losses
    counts: Mapping[str, int]
    probes: Sequence[Probe] | None = None
    gradients: Effects | None = None
    norms: Losses | None = None
    excess_losses: Losses | None = None


class Method(Protocol):
    """A fixed or offline method: it decides before the run.

    record  what the last proposal rests on, as plain JSON; None where there is nothing to say
    """

    needs: Needs
    record: dict[str, Any] | None

    def propose(self, evidence: Evidence) -> Stages:
        """The mixtures of the run, in order of time. Raises UserError where evidence is missing."""


@runtime_checkable
class SearchingMethod(Method, Protocol):
    """An offline method that trains while it searches; its `needs.trainer` is true."""

    def search(self, score: Callable[[Mixture], float], evidence: Evidence) -> Stages:
        """As `propose`, but `score` trains a run of the mixture and says how good it is."""


@runtime_checkable
class OnlineMethod(Protocol):
    """A method that decides during its own run.

    The run is cut into `rounds` of the same number of steps, up to rounding. The first round is trained on `start()`,
    each further one on what `update` makes of what was seen when the round before ended.

    needs     what must be there before the run
    observes  what an observation holds besides losses and counts
    rounds    of the run, 1 or more
    held_out  whether losses are of held-out text; else of training, which cost nothing
    averages  whether its answer is the mean of its mixtures, on which a run is trained from the start
    effects   {evaluated: {trained: A}} that the last update went by, or None
    """

    needs: Needs
    observes: Observes
    rounds: int
    held_out: bool
    averages: bool

    @property
    def effects(self) -> Effects | None: ...

    @property
    def average(self) -> Mixture:
        """The mean of the mixtures of all updates."""

    def prepare(self, evidence: Evidence) -> None:
        """Take up what it needs, before `start`. Raises UserError where it is missing."""

    def start(self) -> Mixture:
        """The mixture of the first round."""

    def update(self, seen: Observation) -> Mixture:
        """The mixture from now on."""

    def state(self) -> dict[str, Any]:
        """All that later answers depend on besides the settings, as plain JSON."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state: a method of the same settings continues exactly as the one whose state it is would have."""


@runtime_checkable
class ProbingMethod(OnlineMethod, Protocol):
    """An online method that observes probes.

    Every round, the first one included, begins with its probes: stretches of the same run, all of the same number of
    steps. The update follows them, and holds for the rest of the round; `start()` is not asked for.

    probe_count  probes of a round, 1 or more
    probe_share  the part of a round's steps that all its probes take together, plus at most one step each
    """

    probe_count: int
    probe_share: float

    def probe_mixtures(self) -> Sequence[Mixture]:
        """The mixtures of the coming round's probes, `probe_count` of them, in order; asked for once a round."""


@runtime_checkable
class GradientMethod(OnlineMethod, Protocol):
    """An online method that says which gradients it observes; of others they are of all parameters.

    parameters        "all", or "last_block": those of the last transformer block alone
    validation_share  held-out sequences for each training sequence whose gradient is taken; None for as many held-out
                      sequences of all sources together as training ones of each
    """

    parameters: str
    validation_share: float | None


def sequences_evaluated(sequences: int, sources: int, validation_share: float | None) -> int:
    """Held-out sequences of each of so many sources whose gradient is taken; sequences: of training text of each."""
    return math.ceil((1 / sources if validation_share is None else validation_share) * sequences - 1e-9)


@runtime_checkable
class WeighingMethod(OnlineMethod, Protocol):
    """An online method that says how its mixtures act on the run that decides them.

    act_on  "sampling": sequences are drawn by them, as with all other methods; "loss": sequences are drawn by the first
            mixture q throughout, and the loss of each is weighed by p/q of its source, as DoReMi and DoGE published it
    """

    act_on: str


AnyMethod = Method | OnlineMethod
