"""Do methods rank in real trainings as they rank in simulated worlds?

    python benchmarks/rank_agreement.py
    python benchmarks/rank_agreement.py results/study*/methods.json --csv resources/trainings.csv

prints for each study the mean test loss of every method against stratified sampling, paired by seed with its 95 %
interval, beside worlds of as many sources (resources/proving_ground.csv): its median regret in all of them, and its
mean difference to stratified sampling in those in which there is as little to gain as in sweeps of ours. Spearman's
correlation of the trainings with either has its p-value; then the same of the means over all studies that have at
least five methods, and how far these agree with one another. Without studies it takes the trainings of
resources/trainings.csv, by which `recommendations.md` goes when it names a method, and then those of
resources/trainings_hashes.csv, in which a source teaches nothing; --csv writes such a file. --budgets runs the
methods anew in the worlds with little to gain (of --worlds a kind), each with as many and as long runs to decide as
it had in the trainings of config/methods_study.yaml: six CPU minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
import scipy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion.analysis.advice import read_rows
from emulsion.analysis.leaderboard import by_name
from emulsion.analysis.proving_ground import ENTRANTS, Entrant, trial
from emulsion.analysis.regret import LITTLE, STRATIFIED
from emulsion.files import WORKFLOW, read_json, write_text
from emulsion.mixture import Mixture
from emulsion.report.markup import table
from emulsion.world import KINDS, worlds

# {column of the proving ground's table: what it is}
WORLDS = {"median": "regret in worlds", "little": "against stratified, in worlds with little to gain"}


def in_worlds(sources: int, key: str) -> dict[str, float]:
    """{method: a number of its row, nats} in worlds of so many sources that are not read again."""
    rows = read_rows(WORKFLOW / "resources/proving_ground.csv")
    like = [row for row in rows if int(row["sources"]) == sources and not row["repeated"]]
    found = {row["method"]: row[key] for row in like if row[key] is not None}
    return found | {"dml": found["dml_ten"]}  # the trainings' had ten full runs, too


def with_budgets(name: str, sources: int) -> Entrant:
    """A method as config/methods_study.yaml trains it."""
    entrant = ENTRANTS[name]
    changes: dict[str, dict[str, Any]] = {
        "dml": {"extra": 10.0, "runs": lambda m: 10},
        "skillit": {"extra": float(sources)},
        "doremi": {"extra": 2.0},  # the reference and the guide
        "doge": {"extra": 1.0},
        "aioli": {"settings": {"rounds": 10, "sweeps": 2}},
        "emulsion": {"runs": lambda m: 6},
        "emulsion_online": {"runs": lambda m: 6},
    }
    return replace(entrant, **changes.get(name, {}))


def ran_again(names: Sequence[str], each: int) -> dict[int, dict[str, float]]:
    """{sources: {method: mean difference to stratified sampling, nats}} with the budgets of the trainings, in worlds
    with little to gain.
    """
    drawn = [world for kind in KINDS if kind != "repetition" for world in worlds(kind, each)]
    gain = {id(world): world.regret(Mixture.uniform(list(world.sources))) for world in drawn}
    found: dict[int, dict[str, float]] = {}
    for count in (2, 3, 4):
        like = [world for world in drawn if len(world.sources) == count and gain[id(world)] <= LITTLE]
        for name in names if like else ():
            apart = [trial(world, with_budgets(name, count))["regret"] - gain[id(world)] for world in like]
            found.setdefault(count, {})[name] = sum(apart) / len(apart)
    return found


def in_trainings(name: str, study: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each method: by how much its mean test loss is above that of stratified sampling, nats."""
    return [
        {
            "study": name,
            "sources": len(study["sources"]),
            "tokens": study["tokens"],
            "seeds": row["seeds"],
            "method": row["method"],
            "difference": row["loss_to_stratified"]["difference"],
            "low": row["loss_to_stratified"]["interval"][0],
            "high": row["loss_to_stratified"]["interval"][1],
        }
        for row in by_name(study).values()
        if row["method"] != STRATIFIED
    ]


def recorded(name: str) -> list[list[dict[str, Any]]]:
    """The same rows of trainings that come with the project, study by study."""
    rows = read_rows(WORKFLOW / "resources" / name)
    return [[row for row in rows if row["study"] == study] for study in dict.fromkeys(row["study"] for row in rows)]


def agreement(trained: dict[str, float], simulated: dict[str, float]) -> str:
    methods = sorted(set(trained) & set(simulated))
    if len(methods) < 4:
        return f"{len(methods)} methods in both: too few to rank"
    found = scipy.stats.spearmanr([trained[name] for name in methods], [simulated[name] for name in methods])
    return f"Spearman's correlation over {len(methods)} methods: {found.statistic:+.2f} (p {found.pvalue:.2f})"


def mean_of(studies: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean over studies of each method that is in all of them."""
    shared = set(studies[0]).intersection(*studies[1:])
    return {method: sum(study[method] for study in studies) / len(studies) for method in shared}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("studies", type=Path, nargs="*", help="methods.json of experiments")
    options.add_argument("--csv", type=Path, help="where to write the differences to stratified sampling")
    options.add_argument(
        "--budgets", action="store_true", help="run the methods anew, with the budgets of the trainings"
    )
    options.add_argument("--worlds", type=int, default=100, help="of each kind, with --budgets")
    given = options.parse_args()
    if given.studies:
        groups = [[in_trainings(file.parent.name, read_json(file)) for file in given.studies]]
    else:
        groups = [recorded(name) for name in ("trainings.csv", "trainings_hashes.csv")]
    for every in groups:
        compare(every, given.worlds if given.budgets else 0)
    if given.csv:
        rows = [row for every in groups for study in every for row in study]
        write_text(given.csv, pd.DataFrame(rows).to_csv(index=False, float_format="%.4f"))


def compare(every: Sequence[Sequence[dict[str, Any]]], each: int) -> None:
    """Print the tables and correlations of these studies; with `each`, methods run anew in that many worlds a kind."""
    shown = dict(WORLDS)
    again: dict[int, dict[str, float]] = {}
    if each:
        shown["budgets"] = "the same, with the budgets of the trainings"
        trained_too = {row["method"] for rows in every for row in rows} & set(ENTRANTS)
        again = ran_again([STRATIFIED, *sorted(trained_too)], each)
    real: list[dict[str, float]] = []
    simulated: dict[str, list[dict[str, float]]] = {key: [] for key in shown}
    for rows in every:
        real.append({STRATIFIED: 0.0, **{row["method"]: row["difference"] for row in rows}})
        for key, of in simulated.items():
            count = int(rows[0]["sources"])
            of.append(again.get(count, {}) if key == "budgets" else in_worlds(count, key))
        cells = [
            [
                row["method"],
                f"{1e3 * row['difference']:+.0f} [{1e3 * row['low']:+.0f}, {1e3 * row['high']:+.0f}]",
                *(f"{1e3 * of[-1][row['method']]:.1f}" if row["method"] in of[-1] else "" for of in simulated.values()),
            ]
            for row in sorted(rows, key=lambda row: row["difference"])
        ]
        what = (
            f"{rows[0]['study']}: {rows[0]['sources']:.0f} sources, {rows[0]['seeds']:.0f} seeds, "
            f"{rows[0]['tokens']:,.0f} tokens"
        )
        header = [
            "method",
            "trained, against stratified, .001 nats",
            *(f"{words}, .001 nats" for words in shown.values()),
        ]
        print(f"{what}\n\n{table(header, cells, right=len(header) - 1)}\n")
        for key, words in shown.items():
            print(f"{words}: {agreement(real[-1], simulated[key][-1])}\n")
    many = [number for number, rows in enumerate(every) if len(rows) >= 5]
    if not many:
        print("Means: no study has five methods.")
        return
    print(f"Means over {len(many)} studies")
    for key, words in shown.items():
        trained, worlds = ([of[number] for number in many] for of in (real, simulated[key]))
        print(f"{words}: {agreement(mean_of(trained), mean_of(worlds))}")
    if len(many) > 1:
        print(f"{among([real[number] for number in many])}\n")


def among(trained: Sequence[dict[str, float]]) -> str:
    """How far the trainings agree with one another, which bounds how far anything can agree with their mean."""
    pairs = []
    for one, other in combinations(trained, 2):
        both = sorted(set(one) & set(other))
        pairs.append(scipy.stats.spearmanr([one[name] for name in both], [other[name] for name in both]).statistic)
    mean, count = sum(pairs) / len(pairs), len(trained)
    # Spearman and Brown: the reliability of a mean of as many studies, and its root.
    most = (max(0.0, count * mean) / (1 + (count - 1) * max(0.0, mean))) ** 0.5
    return (
        f"among the trainings, over {len(pairs)} pair{'s' * (len(pairs) != 1)}: {mean:+.2f} ({min(pairs):+.2f} to "
        f"{max(pairs):+.2f}); nothing can be expected to agree with their mean better than {most:.2f}"
    )


if __name__ == "__main__":
    main()
