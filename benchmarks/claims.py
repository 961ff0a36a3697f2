"""Are claims about mixtures as sure as they say? Simulated experiments whose truth is known (docs/statistics.md).

python benchmarks/claims.py winners --repetitions 2000     # false winners, and power, by seeds and mixtures
python benchmarks/claims.py topics --repetitions 2000      # false winners where some topics have most of the items
python benchmarks/claims.py coverage --repetitions 1000    # how often 95 % intervals hold the truth
python benchmarks/claims.py predictions --repetitions 40   # the same of what is predicted for the optimum, by world
python benchmarks/claims.py sets --repetitions 8           # how often what ten runs cannot tell apart has the optimum
python benchmarks/claims.py losses --repetitions 600       # false winners, and power, by losses paired by seed and not
python benchmarks/claims.py noisy --repetitions 1000       # the same where one mixture is noisier than the others
python benchmarks/claims.py text --repetitions 2000        # false winners by losses whose test text is chosen, too
"""

import argparse
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from emulsion.analysis.compare import compare_pair
from emulsion.analysis.decide import decide
from emulsion.analysis.noise import estimate_seed_noise
from emulsion.analysis.null import World, winner_rate
from emulsion.analysis.scores import MEAN, ItemScores
from emulsion.analysis.summary import combine
from emulsion.laws.table import Floats
from emulsion.methods import design, optimise
from emulsion.methods.optimum import refit
from emulsion.methods.optimum_settings import Settings
from emulsion.methods.tied import compare_to_first
from emulsion.report.markup import table
from emulsion.world import KINDS, worlds
from emulsion.world import World as Simulated

SEEDS, MIXTURES = (1, 2, 3, 4, 5), (2, 3, 6, 10)
# Log-odds of a true advantage: about .05 and .10 of the mean score.
ADVANTAGES = {0.05: 0.33, 0.10: 0.66}


def winners(repetitions: int, uneven: float, workers: int) -> str:
    """The share of experiments that name a winner: all mixtures alike, and one better than all others."""
    cells = [(seeds, mixtures, share) for seeds in SEEDS for mixtures in MIXTURES for share in (0.0, *ADVANTAGES)]
    worlds = [
        World(seeds=seeds, mixtures=mixtures, advantage=ADVANTAGES.get(share, 0.0), uneven=uneven)
        for seeds, mixtures, share in cells
    ]
    counts = [repetitions if not share else max(repetitions // 5, 1) for _, _, share in cells]
    with ProcessPoolExecutor(workers) as pool:
        rates = dict(zip(cells, (found["rate"] for found in pool.map(winner_rate, worlds, counts)), strict=True))
    rows = [
        [
            f"{seeds}",
            *(" / ".join(f"{100 * rates[seeds, m, share]:.1f}" for share in (0.0, *ADVANTAGES)) for m in MIXTURES),
        ]
        for seeds in SEEDS
    ]
    return table(["seeds", *(f"{m} mixtures" for m in MIXTURES)], rows, right=len(MIXTURES))


def topics(repetitions: int, uneven: float, workers: int) -> str:
    """False winners of two mixtures that are alike, in one capability whose topics have more or fewer items."""
    sizes = {
        "30 of 7": [7] * 30,
        "one of 100, 10 of 2": [100] + [2] * 10,
        "one of 100, 50 of 2": [100] + [2] * 50,
        "30, of 300/1 to 300/30": [round(300 / rank) for rank in range(1, 31)],
        "2 of 50, 20 of 1": [50] * 2 + [1] * 20,
    }
    base = World(mixtures=2, capabilities=1, uneven=uneven)
    kinds = {
        "as measured": base,
        "little noise": replace(base, seed_noise=0.05, topic_noise=0.1),
        "strong tastes": replace(base, taste=2.0),
    }
    columns = [(f"{kind}, {seeds} seeds", replace(of, seeds=seeds)) for kind, of in kinds.items() for seeds in (3, 5)]
    cells = [replace(of, topics=len(items), items=items) for items in sizes.values() for _, of in columns]
    with ProcessPoolExecutor(workers) as pool:
        rates = [f"{100 * found['rate']:.1f}" for found in pool.map(winner_rate, cells, [repetitions] * len(cells))]
    rows = [[name, *rates[place * len(columns) :][: len(columns)]] for place, name in enumerate(sizes)]
    return table(["topics", *(name for name, _ in columns)], rows, right=len(columns))


def covered(world: World, repetitions: int, seed: int = 0) -> dict[str, float]:
    """The share of 95 % intervals that hold the truth: of mean scores, capabilities, and differences of both."""
    rng = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {"mean score": [], "capability": [], "difference": [], "contribution": []}
    values = [world.truth(number) for number in range(world.mixtures)]
    for _ in range(repetitions):
        scores = world.draw(rng)
        noise = estimate_seed_noise(scores)
        names = list(scores)
        for number, record in enumerate(combine(scores, noise).values()):
            low, high = record["mean"]["interval"]
            hits["mean score"].append(low <= values[number] <= high)
            for cell in record["capabilities"].values():
                hits["capability"].append(cell["interval"][0] <= values[number] <= cell["interval"][1])
        for number in range(1, world.mixtures):
            truth = values[0] - values[number]
            for group in scores[names[0]].groups:
                low, high = compare_pair(scores[names[0]], scores[names[number]], group, noise)["interval"]
                hits["difference" if group == MEAN else "contribution"].append(low <= truth <= high)
    return {name: float(np.mean(each)) for name, each in hits.items()}


def coverage(repetitions: int, uneven: float, workers: int) -> str:
    base = World(mixtures=5, advantage=0.5, uneven=uneven)
    worlds = {
        "2 seeds": replace(base, seeds=2),
        "3 seeds": base,
        "5 seeds": replace(base, seeds=5),
        "3 seeds, hard items": replace(base, difficulty=2.5, advantage=1.5),
        "3 seeds, 10 topics": replace(base, topics=10),
        "3 seeds, little noise": replace(base, seed_noise=0.1, topic_noise=0.2),
    }
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip(worlds, pool.map(covered, worlds.values(), [repetitions] * len(worlds)), strict=True))
    columns = list(next(iter(found.values())))
    rows = [[name, *(f"{100 * each[column]:.1f}" for column in columns)] for name, each in found.items()]
    return table(["", *columns], rows, right=len(columns))


def foretold(kind: str, repetitions: int) -> tuple[list[bool], list[bool], list[float]]:
    """Of optima in simulated worlds: whether each of three runs, and their mean, lies in the predicted interval; and
    how far the mean lies above the prediction, in nats.

    As an experiment does it: a swarm of runs as long as the target's, three for each source and three more, a surrogate
    chosen and fitted, its optimum trained with three seeds.
    """
    runs_inside, means_inside, above = [], [], []
    for world in worlds(kind, repetitions):
        names = world.sources
        mixtures, results = full_runs(world, 3 * len(names) + 3, 0.01)
        found = optimise(mixtures, results, names, {"objective": "mean_loss", "bounds": [0.01, 1.0]})
        low, high = found["interval"]
        outcomes = [float(trained(world, found["ratios"], 1000 + seed).mean()) for seed in range(3)]
        runs_inside += [low <= outcome <= high for outcome in outcomes]
        means_inside.append(low <= float(np.mean(outcomes)) <= high)
        above.append(float(np.mean(outcomes)) - found["prediction"])
    return runs_inside, means_inside, above


def full_runs(world: Simulated, count: int, least: float) -> tuple[list[dict[str, float]], list[dict[str, Any]]]:
    """So many runs as long as the target's: mixtures with so much of each source or more, and what they came to."""
    names = world.sources
    mixtures, results = [dict(each) for each in design(count, names, bounds=(least, 1.0))], []
    for number, mixture in enumerate(mixtures):
        losses = dict(zip(names, trained(world, mixture, number).tolist(), strict=True))
        read = {name: mixture[name] * world.tokens / world.sizes[name] for name in names}
        results.append({"run": f"{number}", "losses": losses, "epochs": read})
    return mixtures, results


def trained(world: Simulated, mixture: Mapping[str, float], seed: int) -> Floats:
    """Losses [m] of a target run on one mixture."""
    run = world.train(seed)
    run.train(np.array([mixture[name] for name in world.sources]), 1.0)
    return run.losses()


def predictions(repetitions: int, uneven: float, workers: int) -> str:
    """By kind of world; the last row is all of them."""
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip(KINDS, pool.map(foretold, KINDS, [repetitions] * len(KINDS)), strict=True))
    every = tuple([value for each in found.values() for value in each[place]] for place in range(3))
    rows = [
        [kind, f"{100 * np.mean(runs):.1f}", f"{100 * np.mean(means):.1f}", f"{1000 * np.median(above):+.1f}"]
        for kind, (runs, means, above) in {**found, "all": every}.items()
    ]
    return table(
        ["world", "single runs", "means of three", "outcome above prediction, median, .001 nats"], rows, right=3
    )


def optimum_in_set(kind: str, repetitions: int) -> list[list[bool]]:
    """Of simulated worlds: whether the true optimum is among what `dml`, and `optimum`, cannot tell from their own."""
    held = []
    for world in worlds(kind, repetitions):
        names, row = world.sources, []
        mixtures, results = full_runs(world, 10, 0.0)
        for given in ({"surrogates": ("log_linear",)}, {}):
            settings = Settings.of({"objective": "mean_loss", "bounds": [0.0, 1.0], **given})
            found = optimise(mixtures, results, names, settings)
            fitted, _ = refit(mixtures, results, names, settings, found["surrogate"])
            both = np.array([[each[name] for name in names] for each in (found["ratios"], world.optimum)])
            row.append(bool(compare_to_first(fitted, both, settings.resamples, seed=0).tied[1]))
        held.append(row)
    return held


def sets(repetitions: int, uneven: float, workers: int) -> str:
    """By kind of world; the last row is all of them."""
    with ProcessPoolExecutor(workers) as pool:
        found = dict(zip(KINDS, pool.map(optimum_in_set, KINDS, [repetitions] * len(KINDS)), strict=True))
    every = [row for rows in found.values() for row in rows]
    rows = [
        [kind, *(f"{sum(column)} of {len(column)}" for column in zip(*held, strict=True))]
        for kind, held in {**found, "all": every}.items()
    ]
    return table(["world", "dml", "optimum"], rows, right=2)


def losses(repetitions: int, uneven: float, workers: int) -> str:
    """By losses: false winners, the better one found, and the same without pairing by seed."""
    rows = []
    for mixtures in (2, 3, 6):
        row = [f"{mixtures}"]
        for seeds in (2, 3, 5):
            rng = np.random.default_rng([mixtures, seeds])
            own = 0.005 * np.linspace(1, uneven, mixtures)[:, None]
            counts = np.zeros(3)
            for _ in range(repetitions):
                alike = 4.5 + rng.normal(0, 0.01, (1, seeds)) + own * rng.normal(0, 1, (mixtures, seeds))
                better = alike - 0.02 * (np.arange(mixtures) == 0)[:, None]
                paired = [{f"{n}": dict(enumerate(runs)) for n, runs in enumerate(each)} for each in (alike, better)]
                unpaired = {name: list(runs.values()) for name, runs in paired[1].items()}
                found = [*(decide(each, lower=True).winner for each in paired), decide(unpaired, lower=True).winner]
                counts += [found[0] is not None, found[1] == "0", found[2] == "0"]
            row.append(" / ".join(f"{100 * count / repetitions:.1f}" for count in counts))
        rows.append(row)
    return table(["mixtures", "2 seeds", "3 seeds", "5 seeds"], rows, right=3)


def noisy(repetitions: int, uneven: float, workers: int) -> str:
    """By losses, where the last mixture is noisier: false winners, and the better one told from all others but that."""
    factors = (3, 10, 100)
    rows = []
    for mixtures in (3, 4, 6):
        for seeds in (2, 3, 5):
            row = [f"{mixtures}", f"{seeds}"]
            for factor in factors:
                rng = np.random.default_rng([mixtures, seeds, factor])
                own = 0.005 * np.where(np.arange(mixtures) == mixtures - 1, factor, 1)[:, None]
                counts = np.zeros(2)
                for _ in range(repetitions):
                    alike = 4.5 + rng.normal(0, 0.01, (1, seeds)) + own * rng.normal(0, 1, (mixtures, seeds))
                    better = alike - 0.02 * (np.arange(mixtures) == 0)[:, None]
                    first, second = (
                        decide({f"{n}": dict(enumerate(runs)) for n, runs in enumerate(each)}, lower=True)
                        for each in (alike, better)
                    )
                    told = second.leader == "0" and not {f"{n}" for n in range(1, mixtures - 1)} & set(second.tied)
                    counts += [first.winner is not None, told]
                row.append(" / ".join(f"{100 * count / repetitions:.1f}" for count in counts))
            rows.append(row)
    return table(["mixtures", "seeds", *(f"{factor} times" for factor in factors)], rows, right=3)


def text(repetitions: int, uneven: float, workers: int) -> str:
    """By losses of 64 sequences: false winners, where a sequence differs by so much of a run's own .005 nats.

    Both in a run and, of equal size, between mixtures; in units that make 1 a mean loss that text moves as runs do.
    """
    sizes, count = (0.1, 0.3, 1.0), 64
    rows = []
    for mixtures, seeds in ((2, 2), (2, 3), (2, 4), (3, 2), (2, 5)):
        keys = {"text": tuple(("text", f"{number:03d}") for number in range(count))}
        row = [f"{mixtures}", f"{seeds}"]
        for taste in (0.0, 1.0):
            for size in sizes:
                rng = np.random.default_rng([mixtures, seeds, 7])
                spread, false = size * 0.005 * np.sqrt(count), 0
                for _ in range(repetitions):
                    shared = rng.normal(0, 0.01, (seeds, 1))
                    scores = {}
                    for number, noise in enumerate(0.005 * np.linspace(1, uneven, mixtures)):
                        values = 4.5 + shared + rng.normal(0, noise, (seeds, 1)) + rng.normal(0, spread, (seeds, count))
                        values += taste * rng.normal(0, spread, count)
                        scores[f"{number}"] = ItemScores(
                            seeds=tuple(range(seeds)),
                            items=keys,
                            values={"text": values},
                            chance={"text": None},
                            lower=True,
                        )
                    false += decide(scores).winner is not None
                row.append(f"{100 * false / repetitions:.1f}")
        rows.append(row)
    head = [f"{where} {size:g}" for where in ("in runs", "in both") for size in sizes]
    return table(["mixtures", "seeds", *head], rows, right=len(head))


TABLES = {each.__name__: each for each in (winners, topics, coverage, predictions, sets, losses, noisy, text)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=list(TABLES))
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--uneven", type=float, default=1.0, help="how much noisier the last mixture is than the first")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    print(TABLES[arguments.what](arguments.repetitions, arguments.uneven, arguments.workers))
