"""Methods in simulated worlds: what each one's schedule loses against the best, and what finding it cost.

Every method goes by its own protocol: it is given what it needs (sizes, a swarm, a reference run, single-source runs,
all of them simulated), proposes or decides round by round, and the target run is trained on what it decides. Costs
are in target runs: tokens trained on besides the target run, and a third of the tokens evaluated, as a forward pass
is a third of a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emulsion.laws.table import Floats
from emulsion.methods.designs import points
from emulsion.methods.interface import (
    CURVE,
    Evidence,
    Observation,
    OnlineMethod,
    Probe,
    ProbingMethod,
    SearchingMethod,
    Stages,
)
from emulsion.methods.registry import create
from emulsion.methods.stretches import Stretch, opening, probes_of, stretches
from emulsion.mixture import Mixture
from emulsion.models import FORWARD
from emulsion.seeds import derive_seed
from emulsion.world import BATCH, CONTEXT, SEQUENCES, SimulatedRun, World

# Of every source, at an evaluation; as of a run spec's default.
_EVALUATED = 32


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """A method as it takes part.

    extra     target runs that its swarm, guide or search may take together
    runs      of its swarm: how many for m sources; points  of the swarm, as in the configuration
    guide     share of `extra` for the run that the mean of the mixtures is taken of
    evaluated shares of a swarm's run at whose ends it is evaluated
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    extra: float = 0.0
    runs: Callable[[int], int] = lambda m: min(2 * m + 2, 12)
    points: Mapping[str, Any] = field(default_factory=lambda: {"kind": "spread", "bounds": [0.0, 1.0], "seed": 0})
    guide: float = 0.0
    evaluated: Sequence[float] = (1.0,)
    max_epochs: float = math.inf


# What searches and reports take for themselves is kept small; it changes no answer of a convex law.
_QUICK = {"resamples": 1, "generations": 1, "population": 1}
_CURVES: dict[str, Any] = {
    "runs": lambda m: m + 2,
    "points": {"kind": "spread", "bounds": [0.0, 0.8], "seed": 0},
    "evaluated": (*CURVE[1:], 1.0),
}
# Ten runs as long as the target run: what a study pays whose answer many runs will use.
_TEN: dict[str, Any] = {"extra": 10.0, "runs": lambda m: 10}
_CORNERS: dict[str, Any] = {"runs": lambda m: m, "points": {"kind": "corners"}}

ENTRANTS: dict[str, Entrant] = {
    "stratified": Entrant(kind="stratified"),
    "proportional": Entrant(kind="proportional"),
    "temperature": Entrant(kind="temperature", settings={"tau": 2}),
    "unimax": Entrant(kind="unimax", max_epochs=4),
    "grid_search": Entrant(kind="grid_search", extra=0.5),
    "direct_search": Entrant(
        kind="direct_search", settings={"objective": "mean_loss", "bounds": [0.0, 1.0], "evaluations": 10}, extra=0.5
    ),
    "dml_tenth": Entrant(kind="dml", settings=_QUICK, extra=0.1),
    "dml": Entrant(kind="dml", settings=_QUICK, extra=0.5),
    "olmix": Entrant(kind="olmix", settings={"resamples": 1}, extra=0.5),
    "epochs_tenth": Entrant(kind="law_optimum", settings={"law": "epochs", **_QUICK}, extra=0.1),
    "epochs": Entrant(kind="law_optimum", settings={"law": "epochs", **_QUICK}, extra=0.5),
    "regmix": Entrant(kind="regmix", settings={"draws": 5000, "best": 25, "resamples": 1}, extra=0.5),
    "optimum": Entrant(kind="optimum", settings={"objective": "mean_loss", "bounds": [0.0, 1.0], **_QUICK}, extra=0.5),
    "emulsion_tenth": Entrant(kind="emulsion", extra=0.1, **_CURVES),
    "emulsion": Entrant(kind="emulsion", extra=0.5, **_CURVES),
    "emulsion_unguarded": Entrant(kind="emulsion", settings={"guard": 0}, extra=0.5, **_CURVES),
    "emulsion_online_tenth": Entrant(kind="emulsion_online", extra=0.1, **_CURVES),
    "emulsion_online": Entrant(kind="emulsion_online", extra=0.5, **_CURVES),
    "grid_search_ten": Entrant(kind="grid_search", **_TEN),
    "direct_search_ten": Entrant(
        kind="direct_search", settings={"objective": "mean_loss", "bounds": [0.0, 1.0], "evaluations": 10}, extra=10.0
    ),
    "dml_ten": Entrant(kind="dml", settings=_QUICK, **_TEN),
    "olmix_ten": Entrant(kind="olmix", settings={"resamples": 1}, **_TEN),
    "epochs_ten": Entrant(kind="law_optimum", settings={"law": "epochs", **_QUICK}, **_TEN),
    "regmix_ten": Entrant(kind="regmix", settings={"draws": 5000, "best": 25, "resamples": 1}, **_TEN),
    "optimum_ten": Entrant(kind="optimum", settings={"objective": "mean_loss", "bounds": [0.0, 1.0], **_QUICK}, **_TEN),
    "emulsion_ten": Entrant(kind="emulsion", **{**_CURVES, **_TEN}),
    "skillit": Entrant(kind="skillit", extra=0.5, **_CORNERS),
    "doremi": Entrant(
        kind="doremi", settings={"rounds": 20}, extra=0.5, runs=lambda m: 1, points={"kind": "uniform"}, guide=0.5
    ),
    "doge": Entrant(kind="doge", settings={"rounds": 20}, extra=0.5, guide=1.0),
    "aioli": Entrant(kind="aioli"),
    "aioli_static": Entrant(kind="aioli", settings={"rounds": 1, "sweeps": 4, "eta": 1.0}),
    "aioli_diagonal": Entrant(kind="aioli", settings={"diagonal": True}),
    "odm": Entrant(kind="odm", settings={"rounds": 20}),
    "ado": Entrant(kind="ado", settings={"rounds": 20, "refit": 0.2}),
}


@dataclass
class Bill:
    """Target runs: trained besides the target run, and evaluated."""

    trained: float = 0.0
    evaluated: float = 0.0

    def evaluation(self, sources: int, *, gradients: bool = False) -> None:
        """Charge one evaluation of every source; gradients: one of each source, and one of all held-out text."""
        passes = sources + 1 if gradients else sources * FORWARD
        self.evaluated += passes * _EVALUATED / SEQUENCES

    @property
    def total(self) -> float:
        """With the target run."""
        return 1.0 + self.trained + self.evaluated


def trial(world: World, entrant: Entrant, seed: int = 0) -> dict[str, Any]:
    """{"kind", "world", "sources", "regret" in nats, "cost" in target runs} of one method in one world.

    The same world and seed have the same noise for every method, run by run.
    """
    bill = Bill()
    method = create(entrant.kind, world.sources, **entrant.settings)
    if isinstance(method, OnlineMethod):
        regret = _online(world, entrant, method, seed, bill)
    elif isinstance(method, SearchingMethod):
        regret = world.regret(_searched(world, entrant, method, seed, bill))
    else:
        regret = world.regret(method.propose(evidence_of(world, entrant, seed, bill)))
    return {
        "kind": world.kind,
        "world": world.number,
        "sources": len(world.sources),
        "regret": regret,
        "cost": bill.total,
    }


def _sizes(world: World, entrant: Entrant) -> Evidence:
    return Evidence(sizes=world.sizes, tokens=world.tokens, max_epochs=entrant.max_epochs, strict=False)


def evidence_of(world: World, entrant: Entrant, seed: int, bill: Bill) -> Evidence:
    """What the method's swarm shows: runs short enough for `extra`, on sources cut down to their length."""
    sizes = _sizes(world, entrant)
    left = entrant.extra * (1 - entrant.guide)
    if not left:
        return sizes
    m = len(world.sources)
    design = points({**entrant.points, "count": entrant.runs(m)}, world.sources, sizes)
    length, more = left / len(design), len(entrant.evaluated) > 1
    mixtures, losses, epochs, initial = {}, {}, {}, {}
    curves: dict[str, list[tuple[float, dict[str, float]]]] = {}
    for number, mixture in enumerate(design):
        run, name = world.train(derive_seed(seed, "swarm", number), length, matched=True), f"run {number}"
        initial[name], done = _named(world, run.losses()), 0.0
        for share in entrant.evaluated:
            run.train(world.weights(mixture), (share - done) * length)
            done, seen = share, run.losses()
            bill.evaluation(m)
            curves.setdefault(name, []).append((share * length * world.tokens, _named(world, seen)))
        mixtures[name], losses[name] = mixture, _named(world, seen)
        epochs[name] = {source: mixture[source] * world.tokens / world.sizes[source] for source in world.sources}
    bill.trained += left
    return Evidence(
        sizes=world.sizes,
        tokens=world.tokens,
        max_epochs=entrant.max_epochs,
        strict=False,
        mixtures=mixtures,
        losses=losses,
        epochs=epochs,
        initial=initial,
        curves={name: [(0.0, initial[name]), *seen[:-1]] for name, seen in curves.items()} if more else {},
        run_tokens=dict.fromkeys(mixtures, length * world.tokens),
    )


def _searched(world: World, entrant: Entrant, method: SearchingMethod, seed: int, bill: Bill) -> Stages:
    """The proposal of a method that trains while it searches."""
    length = entrant.extra / entrant.settings["evaluations"]

    def score(mixture: Mixture) -> float:
        run = world.train(derive_seed(seed, "search", round(1e6 * bill.trained)), length, matched=True)
        run.train(world.weights(mixture), length)
        bill.trained += length
        bill.evaluation(len(world.sources))
        return -float(run.losses().mean())

    return method.search(score, _sizes(world, entrant))


def _online(world: World, entrant: Entrant, method: OnlineMethod, seed: int, bill: Bill) -> float:
    """The regret of a run that the method decides, or of one on the mean of what it decided."""
    evidence = evidence_of(world, entrant, seed, bill)
    method.prepare(evidence)
    reference = next(iter(evidence.losses.values()), None) if method.needs.reference_run else None
    if not method.averages:
        run = world.train(derive_seed(seed, "target"))
        _Decided(world, method, run, bill, reference).finish()
        return float(run.true_losses().mean()) - world.least
    length = entrant.extra * entrant.guide
    run = world.train(derive_seed(seed, "guide"), length, matched=True)
    _Decided(world, method, run, bill, reference).finish()
    bill.trained += length
    return world.regret(method.average)


class _Decided:
    """A simulated run whose mixtures an online method decides; `training.rounds` is the same for real ones."""

    def __init__(
        self,
        world: World,
        method: OnlineMethod,
        run: SimulatedRun,
        bill: Bill,
        reference: Mapping[str, float] | None,
    ) -> None:
        self.world, self.method, self.run, self.bill, self.reference = world, method, run, bill, reference
        self.steps = round(run.planned * SEQUENCES / BATCH)
        self._drawn: Floats = np.zeros(len(world.sources))

    def finish(self) -> None:
        """Train to the end."""
        method, probing = self.method, isinstance(self.method, ProbingMethod)
        mixtures, probes = opening(method), list[Probe]()
        mixture, before = mixtures[0], dict[str, float]()
        for number, stretch in enumerate(stretches(method, self.steps)):
            losses = self._see() if number or probing else {}
            if probing and stretch.probe != 0:  # the stretch before was a probe
                counts = self._counts(mixture, self._length)
                probes.append(Probe(mixture=mixture, counts=counts, before=before, after=losses))
            before = losses
            if stretch.probe is not None and isinstance(method, ProbingMethod):
                if stretch.probe == 0 and stretch.round > 0:
                    mixtures = probes_of(method)
                mixture = mixtures[stretch.probe]
            elif number:
                mixture = method.update(self._observation(losses, probes, stretch.start))
                probes, self._drawn = [], np.zeros(len(self._drawn))
            self._train(mixture, stretch)

    def _train(self, mixture: Mixture, stretch: Stretch) -> None:
        self._length = (stretch.end - stretch.start) * BATCH
        row = self.world.weights(mixture)
        self.run.train(row, self._length / SEQUENCES)
        self._drawn = self._drawn + row * self._length

    def _see(self) -> dict[str, float]:
        if not self.method.held_out:
            seen = _named(self.world, self.run.training_losses(self._drawn.round()))
            return {source: loss for source, loss in seen.items() if not math.isnan(loss)}
        self.bill.evaluation(len(self.world.sources), gradients=self.method.observes == "gradients")
        return _named(self.world, self.run.losses())

    def _counts(self, mixture: Mixture, sequences: int) -> dict[str, int]:
        return {source: round(share * sequences) for source, share in mixture.items()}

    def _observation(self, losses: dict[str, float], probes: list[Probe], step: int) -> Observation:
        names, kind = self.world.sources, self.method.observes
        gradients = None
        if kind == "gradients":
            rows = self.run.gradients().tolist()
            gradients = {i: dict(zip(names, row, strict=True)) for i, row in zip(names, rows, strict=True)}
        reference = self.reference
        return Observation(
            step=step,
            steps=self.steps,
            tokens=step * BATCH * CONTEXT,
            losses=losses,
            counts={source: round(count) for source, count in zip(names, self._drawn.tolist(), strict=True)},
            probes=probes if kind == "probes" else None,
            gradients=gradients,
            excess_losses={source: loss - reference[source] for source, loss in losses.items()} if reference else None,
        )


def _named(world: World, values: Floats) -> dict[str, float]:
    return dict(zip(world.sources, values.tolist(), strict=True))
