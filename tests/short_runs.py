"""A simulated world, and the swarm of short runs that a method learns from."""

import numpy as np

from emulsion.methods.interface import CURVE, Evidence
from emulsion.mixture import Mixture
from emulsion.world import worlds

WORLD = worlds("repetition", 3, seed=4)[2]


def evidence(world=WORLD, length=0.05, curves=True, sources=None):
    """What a swarm of m + 3 short runs in a world shows."""
    names = sources or world.sources
    random = np.random.default_rng(0)
    m = len(world.sources)
    rows = [np.full(m, 1 / m), *(0.7 * np.eye(m) + 0.3 / m), *random.dirichlet(np.ones(m), 2)]
    mixtures, losses, seen, epochs = {}, {}, {}, {}
    for number, row in enumerate(rows):
        run, name = world.train(number, length, matched=True), f"run {number}"
        mixture = Mixture(dict(zip(world.sources, row.tolist(), strict=True)))
        points, done = [], 0.0
        for share in (*CURVE, 1.0):
            run.train(row, (share - done) * length)
            done = share
            points.append((share * length * world.tokens, dict(zip(world.sources, run.losses().tolist(), strict=True))))
        mixtures[name], losses[name] = mixture.over(list(names)), points[-1][1]
        seen[name] = points[:-1] if curves else []
        epochs[name] = {each: mixture[each] * world.tokens / world.sizes[each] for each in names}
    return Evidence(
        sizes={name: world.sizes[name] for name in names},
        tokens=world.tokens,
        mixtures=mixtures,
        losses=losses,
        epochs=epochs,
        curves=seen if curves else {},
        run_tokens=dict.fromkeys(mixtures, length * world.tokens),
    )
