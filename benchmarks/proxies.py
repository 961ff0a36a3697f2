"""Do short runs rank mixtures as long ones do, and does a law that sees epochs say more of runs that repeat sources?

    snakemake --cores 2 --configfile config/local.yaml config/proxies.yaml -- $(python benchmarks/proxies.py --targets)
    python benchmarks/proxies.py

prints two tables of the runs of config/proxies.yaml. Of each swarm of short runs: Spearman's correlation of its mean
losses with those of the long runs at the same mixtures, with a 95 % interval over resampled mixtures, and how much more
than the best long run the one loses that the short runs rank first, in thousandths of a nat. The first row is the long
runs of one seed against those of the other. Of laws fitted to some of the long runs, and to some of those on half of
the text: R² of the other runs' losses, and the regret of the run that the law ranks first, median and mean over 50
choices of runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion.fields import read_yaml
from emulsion.files import read_json
from emulsion.laws.epochs import fit_epochs_law
from emulsion.laws.law_registry import fit_law
from emulsion.laws.table import Floats
from emulsion.ranks import rho
from emulsion.report.markup import table

ROOT = Path(__file__).resolve().parents[1]
STUDY, LONG, REPEATED = "proxies", "proxies_long", "proxies_repeated"
RESAMPLES, CHOICES = 2000, 50


def swarm_files(swarm: str, batches: int) -> list[Path]:
    return [ROOT / f"results/{STUDY}/swarms/{swarm}/{number:03d}.json" for number in range(batches)]


def read_swarm(files: list[Path]) -> tuple[Floats, Floats, Floats]:
    """Weights [points, m], test losses [seeds, points, m] and epochs [points, m] of a swarm."""
    rows = [row for file in files for row in read_json(file)["runs"]]
    seeds, points = (sorted({row[key] for row in rows}) for key in ("seed", "mixture"))
    by_run = {(row["seed"], row["mixture"]): row for row in rows}

    def values(key: str, seed: int) -> list[list[float]]:
        return [list(by_run[seed, point][key].values()) for point in points]

    losses = np.array([values("test", seed) for seed in seeds])
    return np.array(values("weights", seeds[0])), losses, np.array(values("epochs", seeds[0]))


def ranked(proxy: Floats, truth: Floats, random: np.random.Generator) -> list[str]:
    """Correlation with its interval, and the regret of the proxy's best, of mean losses [points] of both."""
    draws = random.integers(len(truth), size=(RESAMPLES, len(truth)))
    low, high = np.nanquantile([rho(proxy[each], truth[each]) for each in draws], (0.025, 0.975))
    regret = truth[proxy.argmin()] - truth.min()
    return [f"{rho(proxy, truth):+.2f} [{low:+.2f}, {high:+.2f}]", f"{1e3 * regret:.0f}"]


def judged(name: str, size: int, weights: Floats, losses: Floats, epochs: Floats) -> tuple[float, float]:
    """R² (mean over groups, median over choices) and mean regret on the runs that a law was not fitted to."""
    random = np.random.default_rng(size)
    squares, regrets = [], []
    for _ in range(CHOICES):
        order = random.permutation(len(weights))
        fit, rest = order[:size], order[size:]
        if name == "epochs":
            said = fit_epochs_law(weights[fit], losses[fit], epochs[fit], warn=False).predict_epochs(epochs[rest])
        else:
            said = fit_law(name, weights[fit], losses[fit]).predict(weights[rest])
        left = ((losses[rest] - said) ** 2).sum(axis=0) / ((losses[rest] - losses[rest].mean(axis=0)) ** 2).sum(axis=0)
        squares.append(1 - left.mean())
        truth = losses[rest].mean(axis=1)
        regrets.append(truth[said.mean(axis=1).argmin()] - truth.min())
    return float(np.median(squares)), float(np.mean(regrets))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--targets", action="store_true", help="print the files that Snakemake is to make")
    given = options.parse_args()
    swarms = {name: 2 if name in (LONG, REPEATED) else 1 for name in read_yaml(ROOT / "config/proxies.yaml")["swarms"]}
    if given.targets:
        files = [str(file.relative_to(ROOT)) for name, batches in swarms.items() for file in swarm_files(name, batches)]
        print(*files)
        return
    for file in (each for name, batches in swarms.items() for each in swarm_files(name, batches)):
        if not file.exists():
            options.error(f"{file}: no such file; --help says how to make it.")
    random = np.random.default_rng(0)
    _, losses, _ = read_swarm(swarm_files(LONG, swarms[LONG]))
    truth = losses.mean(axis=(0, 2))
    rows = [["long, seed 0 against 1", *ranked(losses[0].mean(axis=1), losses[1].mean(axis=1), random)]]
    for name, batches in swarms.items():
        if name not in (LONG, REPEATED):
            _, found, _ = read_swarm(swarm_files(name, batches))
            rows.append([name.removeprefix("proxies_"), *ranked(found.mean(axis=(0, 2)), truth, random)])
    print(table(["runs", "rank correlation with long runs", "regret of their best"], rows))
    for swarm in (LONG, REPEATED):
        print(laws_on(*read_swarm(swarm_files(swarm, swarms[swarm]))))


def laws_on(weights: Floats, losses: Floats, epochs: Floats) -> str:
    """The table of laws on one swarm of long runs."""
    most = epochs.max(axis=1)
    head = f"\n{len(weights)} mixtures, whose most-read source is read {most.min():.2g} to {most.max():.2g} times.\n\n"
    rows = []
    for size in (8, 12, 16):
        for name in ("epochs", "best", "log_linear"):
            square, regret = judged(name, size, weights, losses.mean(axis=0), epochs)
            rows.append([str(size), name, f"{square:.3f}", f"{1e3 * regret:.1f}"])
    return head + table(["long runs fitted to", "law", "median R² of the others", "mean regret"], rows)


if __name__ == "__main__":
    main()
