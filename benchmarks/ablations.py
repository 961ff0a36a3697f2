"""What is each ingredient of the method `emulsion` worth? Each one off in turn, in simulated worlds.

    python benchmarks/ablations.py --worlds 10 --extra 0.5 --seed 21
    python benchmarks/ablations.py --worlds 10 --extra 0.5 --seed 21 --online
    python benchmarks/ablations.py --worlds 10 --extra 10 --runs 10 --seed 23

prints, over so many worlds of each of nine kinds, median and 90th percentile of regret (thousandths of a nat), mean,
the share of worlds more than .01 nats above stratified sampling, and, of the whole method without a guard and with the
default one, how often its set holds the true optimum, its interval the loss at its mixture, its optimism in SDs and in
nats, how much of that is the choice: by how much it gained less over even shares than was predicted (the rest is the
curve, which even shares have too), and how often, where it left them, the gain was within two SDs of that. --runs is
how many runs a swarm has, m + 2 of m sources where it is left out; ten in --extra 10 are full runs. With --online the
same of the method `emulsion_online`, but for set and interval. A CPU minute a line at 90 worlds, online two.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
from scipy.special import ndtri

from emulsion.analysis.proving_ground import ENTRANTS, Bill, Entrant, evidence_of, trial
from emulsion.laws import misfit, trajectory_fit
from emulsion.methods import emulsion_online
from emulsion.methods.emulsion import Emulsion
from emulsion.mixture import Mixture
from emulsion.student import LEVEL
from emulsion.world import KINDS, World, worlds

Change = tuple[Entrant, dict[str, object]]  # and constants of the fit, or of the method
_NO_MISFIT: dict[str, object] = {"_SDS": (0.0,)}  # the posterior of the law alone
_ENDLESS: dict[str, object] = {"_ENDING": trajectory_fit._ENDLESS}


def lines(whole: Entrant) -> dict[str, Change]:
    """{what is changed: the entrant, and constants}; without a guard, which hides what they do."""
    bare = replace(whole, settings={"guard": 0})
    return {
        "the whole method, without a guard": (bare, {}),
        "ends of runs alone": (replace(bare, evaluated=(1.0,)), {}),
        "twice as many runs, half as long": (replace(bare, runs=lambda m: 2 * m + 4), {}),
        "no shared misfit of the curve": (bare, {"_MISFIT": 1e-4}),
        "no noise of seeds": (bare, {"_SEED_SD": 1e-4}),
        "nothing changes from short runs to long ones": (bare, {"_TRANSFER": 1e-3}),
        "kappa 1": (bare, {"_KAPPA": (1.0,)}),
        "repetition is not seen": (bare, {"_REPEATED": ()}),
        "no source has taught all it can": (bare, _ENDLESS),
        "nearest to the sizes": (replace(bare, settings={"guard": 0, "choose": "nearest_to_sizes"}), {}),
        "guard .5": (replace(bare, settings={"guard": 0.5}), {}),
        "guard 1, the default": (replace(bare, settings={"guard": 1}), {}),
        "nothing is missed of the ends of runs": (bare, _NO_MISFIT),
        "the same, guard 1": (replace(bare, settings={"guard": 1}), _NO_MISFIT),
        "no source has taught all it can, guard 1": (replace(bare, settings={"guard": 1}), _ENDLESS),
    }


def online_lines(whole: Entrant) -> dict[str, Change]:
    """The same of the method that decides during the run."""

    def but(**settings: object) -> Entrant:
        return replace(whole, settings=settings)

    return {
        "the whole method": (whole, {}),
        "no dithering": (but(dither=0.0), {}),
        "half the dithering": (but(dither=0.2), {}),
        "twice the dithering": (but(dither=0.8), {}),
        "recency is not seen": (but(recency=0.0), {}),
        "no guard": (but(guard=0.0), {}),
        "guard .5": (but(guard=0.5), {}),
        "10 rounds": (but(rounds=10), {}),
        "nothing changes from short runs to long ones": (whole, {"_TRANSFER": 1e-3}),
        "up and down from round to round": (whole, {"_HELD": 0.0}),
    }


def coverage(drawn: Sequence[World], entrant: Entrant, seed: int) -> str:
    """How often set and interval hold what they should, and the mean optimism: of the loss, and of the gain alone."""
    held, hit, optimism, above_predicted, less_gained, sure = [], [], [], [], [], []
    for world in drawn:
        evidence = evidence_of(world, entrant, seed, Bill())
        method = Emulsion(world.sources, **entrant.settings)
        [(_, mixture)] = method.propose(evidence)
        law, record = method.corrected(evidence), method.record or {}
        rows = np.array([[each[name] for name in method.names] for each in (mixture, world.optimum)])
        above, sd = law.compare(rows[1], rows[0])
        held.append(bool(above[0] <= float(ndtri(LEVEL)) * sd[0]))
        low, high = record["interval"]
        run = world.train(seed + 10**6)
        run.train(world.weights(mixture), 1.0)
        reached = float(run.losses().mean())
        hit.append(low <= reached <= high)
        optimism.append((reached - record["prediction"]) / record["uncertainty"]["sd"])
        even = Mixture.uniform(list(world.sources))
        predicted = law.predict(np.array([[each[name] for name in method.names] for each in (even, mixture)]))
        gain = float((predicted[0] - predicted[1]) @ method.weights)
        above_predicted.append(world.mean_loss(mixture) - record["prediction"])
        less_gained.append(gain - (world.mean_loss(even) - world.mean_loss(mixture)))
        if record["gain"]["sd"] > 0:
            sure.append(abs(less_gained[-1]) <= 2 * record["gain"]["sd"])
    return (
        f"set {np.mean(held):.3f}, interval {np.mean(hit):.3f}, optimism {np.mean(optimism):+.2f} SD, "
        f"{_about(above_predicted)} nats; of the gain {_about(less_gained)} nats, "
        f"median {np.median(less_gained):+.4f}, within two of its SDs {np.mean(sure):.3f} of {len(sure)}"
    )


def _about(values: Sequence[float]) -> str:
    """The mean with its 95 % interval."""
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{np.mean(values):+.3f} [{np.mean(values) - half:+.3f}, {np.mean(values) + half:+.3f}]"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=10, help="of each kind")
    options.add_argument("--extra", type=float, default=0.5, help="target runs that the short runs take together")
    options.add_argument("--runs", type=int, help="of a swarm; m + 2 of m sources where left out")
    options.add_argument("--seed", type=int, default=21)
    options.add_argument("--online", action="store_true", help="of the method that decides during the run")
    options.add_argument("--only", nargs="*", help="lines to print; all where left out")
    given = options.parse_args()
    drawn = [world for kind in KINDS for world in worlds(kind, given.worlds, given.seed)]
    even = np.array([world.regret(Mixture.uniform(list(world.sources))) for world in drawn])
    whole = replace(ENTRANTS["emulsion_online" if given.online else "emulsion"], extra=given.extra)
    if given.runs:
        whole = replace(whole, runs=lambda m: int(given.runs))
    print("| | median | 90th percentile | mean | worse |\n|---|---:|---:|---:|---:|")
    for name, (entrant, constants) in (online_lines if given.online else lines)(whole).items():
        if given.only and name not in given.only:
            continue
        with ExitStack() as changes:
            for constant, value in constants.items():
                room = next(each for each in (trajectory_fit, misfit, emulsion_online) if hasattr(each, constant))
                changes.enter_context(mock.patch.object(room, constant, value))
            found = np.array([trial(world, entrant, given.seed)["regret"] for world in drawn])
        cells = [1e3 * np.median(found), 1e3 * np.quantile(found, 0.9), 1e3 * found.mean()]
        worse = float((found - even > 0.01).mean())
        print(f"| {name} | {' | '.join(f'{cell:.1f}' for cell in cells)} | {worse:.0%} |", flush=True)
    for guard in () if given.online else (0, 1):
        print(f"guard {guard}: {coverage(drawn, replace(whole, settings={'guard': guard}), given.seed)}", flush=True)


if __name__ == "__main__":
    main()
