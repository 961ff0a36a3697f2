"""What methods observe and learn from, in a world of four sources: rounds of a run, and the runs of a swarm."""

import math
from dataclasses import replace

import numpy as np

from emulsion.methods.interface import Evidence, Observation, Probe
from emulsion.mixture import Mixture

NAMES = ["web", "code", "books", "math"]
GRAPH = {i: {j: 0.5 if i == j else 0.05 * NAMES.index(j) for j in NAMES} for i in NAMES}
EVEN = {i: dict.fromkeys(NAMES, 0.25) for i in NAMES}


def observation(number, *, equal=False, names=NAMES, **changes):
    """Round `number` of a run, in which sources differ, or do not."""
    random = np.random.default_rng(number)
    key = sorted(names)
    values = dict(zip(key, random.uniform(1, 4, len(key)).tolist(), strict=True))
    losses = {name: 3 - 0.1 * number if equal else values[name] - 0.05 * number for name in names}
    gradients = {i: {j: 1.0 if equal else values[i] * values[j] - 4.0 for j in names} for i in names}
    seen = Observation(
        step=10 * number + 10,
        steps=200,
        tokens=50_000 * (number + 1),
        losses=losses,
        counts=dict.fromkeys(names, 8),
        gradients=gradients,
        excess_losses={name: 0.1 if equal else values[name] - 2 for name in names},
        probes=[
            Probe(
                mixture=Mixture.uniform(names),
                counts={name: 5 if name == own else 1 for name in names},
                before=losses,
                after={name: losses[name] - (0.01 if equal else 0.01 * values[name] * values[own]) for name in names},
            )
            for own in sorted(names)
        ],
    )
    return replace(seen, **changes)


def without(seen, source):
    """The same round with nothing drawn from one source, and nothing learnt from training on it."""
    absent = {name: value for name, value in seen.excess_losses.items() if name != source}
    return replace(
        seen,
        counts={**seen.counts, source: 0},
        excess_losses=absent,
        gradients={i: {j: x for j, x in row.items() if j != source} for i, row in seen.gradients.items()},
        probes=[replace(probe, counts={**probe.counts, source: 0}) for probe in seen.probes],
    )


def evidence(names=NAMES):
    """Sizes, and the runs of a swarm in a world whose losses fall with each source's own share, web's fastest."""
    random, key = np.random.default_rng(5), sorted(NAMES)
    mixtures = [Mixture(dict(zip(key, row.tolist(), strict=True))) for row in random.dirichlet(np.ones(4), 16)]
    runs = {f"run {number}": mixture.over(list(names)) for number, mixture in enumerate(mixtures)}
    runs |= {f"alone {name}": Mixture({name: 1.0}).over(list(names)) for name in key}
    losses = {run: {name: world_loss(mixture, name) for name in names} for run, mixture in runs.items()}
    return Evidence(
        sizes={name: 1000.0 * (NAMES.index(name) + 1) for name in names},
        mixtures=runs,
        losses=losses,
        sequence_losses=of_sequences(losses),
        capabilities={run: {"facts": 3 - seen["web"], "code": 3 - seen["code"]} for run, seen in losses.items()},
        trajectory=[(0.25, Mixture.uniform(list(names))), (1.0, Mixture({"web": 1, "code": 3}).over(list(names)))],
        tokens=4000,
        max_epochs=3,
    )


def even_evidence():
    """Runs in which sources do not differ, and each loss falls by its own."""
    rows = [np.full(4, 0.25), *(0.6 * np.eye(4) + 0.1)]
    runs = {f"run {number}": Mixture(dict(zip(NAMES, row.tolist(), strict=True))) for number, row in enumerate(rows)}
    losses = {run: {name: 2 + math.exp(-3 * mixture[name]) for name in NAMES} for run, mixture in runs.items()}
    return replace(evidence(), sizes=dict.fromkeys(NAMES, 5000.0), mixtures=runs, losses=losses)


def of_sequences(losses):
    """Losses of single sequences with these means."""
    return {
        run: {name: [loss - 0.3, loss - 0.1, loss, loss + 0.4] for name, loss in seen.items()}
        for run, seen in losses.items()
        if run.startswith("alone")
    }


def world_loss(mixture, name):
    return 2 + math.exp(-(4.0 if name == "web" else 1.5) * mixture[name])
