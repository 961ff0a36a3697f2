"""Online methods that are small enough to follow by hand, and what their runs share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from training_cases import SPEC

from emulsion.methods.follow import Follow
from emulsion.methods.interface import Evidence, Needs
from emulsion.mixture import Mixture
from emulsion.training.evidence import Reference
from emulsion.training.online_run import OnlineRun
from emulsion.training.runtime import Runtime

SOURCES = ["alpha", "beta", "gamma"]
UNEVEN = {"alpha": 0.6, "beta": 0.3, "gamma": 0.1}
LOSSES = {"alpha": 4.0, "beta": 5.0, "gamma": 6.0}
REFERENCE = Reference(losses=LOSSES)
GRAPH = {i: {j: 0.4 if i == j else 0.05 for j in SOURCES} for i in SOURCES}
METHODS = {
    "skillit": {"graph": GRAPH, "rounds": 4},
    "doremi": {"rounds": 4},
    "doge": {"rounds": 3},
    "aioli": {"rounds": 2, "sweeps": 1, "probe_share": 0.5},
    "odm": {"rounds": 6},
    "ado": {"rounds": 6},
}


class Ascent:
    """Weights grow with what is observed, and with all that was observed before: a method with a memory."""

    needs = Needs()
    averages = False

    def __init__(self, observes="losses", rounds=4, rate=2.0, held_out=True):
        self.held_out = held_out
        self.observes, self.rounds, self.rate = observes, rounds, rate
        self.logits = {"alpha": 0.0, "beta": 0.0, "gamma": 0.0}
        self.effects = None
        self.seen = []

    def prepare(self, evidence):
        pass

    @property
    def average(self):
        return self.start()

    def start(self):
        return Mixture.uniform(list(self.logits))

    def update(self, seen):
        self.seen.append(seen)
        for source in self.logits:
            self.logits[source] += self.rate * self.reward(seen, source)
        self.effects = {"alpha": dict(self.logits)}
        highest = max(self.logits.values())
        return Mixture({source: math.exp(logit - highest) for source, logit in self.logits.items()})

    def reward(self, seen, source):
        if self.observes == "gradients":
            return math.tanh(sum(row[source] for row in seen.gradients.values()))
        if self.observes == "probes":
            return math.fsum(probe.before[source] - probe.after[source] for probe in seen.probes)
        # Of training losses, a source that was not drawn has none.
        return (seen.excess_losses if self.observes == "excess_losses" else seen.losses).get(source, 5.5) - 5.5

    def state(self):
        return {"logits": dict(self.logits), "effects": self.effects}

    def restore(self, state):
        self.logits, self.effects = dict(state["logits"]), state["effects"]


class Prober(Ascent):
    """The same by probes of one source each, whose order changes from round to round."""

    probe_count, probe_share = 3, 0.5

    def __init__(self, rounds=2, rate=2.0):
        super().__init__("probes", rounds, rate)
        self.asked = 0

    def probe_mixtures(self):
        self.asked += 1
        names = list(self.logits)
        turned = names[self.asked % 3 :] + names[: self.asked % 3]
        return [Mixture({source: 3.0 if source == name else 1.0 for source in names}) for name in turned]

    def state(self):
        return {**super().state(), "asked": self.asked}

    def restore(self, state):
        super().restore(state)
        self.asked = state["asked"]


# A method of each kind of observation, made anew for every job.
KINDS = {
    "losses": Ascent,
    "training losses": lambda: Ascent(held_out=False),
    "excess_losses": lambda: Ascent("excess_losses"),
    "gradients": lambda: Ascent("gradients"),
    "probes": Prober,
}


@dataclass(frozen=True, kw_only=True)
class RunOn(OnlineRun):
    """A run on a method that a test made itself; told: what it is said to be made from."""

    made: Any
    told: Mapping[str, Any] = field(default_factory=dict)
    method: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    sources: list[str] = field(default_factory=lambda: SOURCES)

    def make(self):
        return self.made

    @property
    def values(self):
        return dict(self.told) or {"kind": type(self.made).__name__}


def follow(*mixtures):
    return Follow(SOURCES, mixtures=list(mixtures))


def files(folder):
    """What a run leaves that must not depend on how often it was cut off."""
    return [(folder / name).read_bytes() for name in ("model.safetensors", "training_log.jsonl")]


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


def begun(inputs, folder, steps, **changes):
    """A training on a fixed mixture after so many steps."""
    rounds = RunOn(made=follow(UNEVEN), spec={**SPEC, **changes}).rounds(inputs, folder, Runtime(micro_batch=3))
    rounds.training.run(steps)
    return rounds.training
