"""Do methods rank in real trainings as they rank in simulated worlds?

    python benchmarks/rank_agreement.py results/studythree/methods.json results/studyuseless/methods.json
    python benchmarks/rank_agreement.py results/study*/methods.json --csv resources/trainings.csv

prints for each study the mean test loss of every method against stratified sampling, paired by seed with its 95 %
interval, beside its median regret in worlds of as many sources (resources/proving_ground.csv), Spearman's correlation
of the two with its p-value, and the same of the means over all studies. --csv writes the differences, by which
`recommendations.md` goes when it names a method.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import scipy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion.analysis.advice import read_rows
from emulsion.analysis.leaderboard import by_name
from emulsion.analysis.regret import STRATIFIED
from emulsion.files import WORKFLOW, read_json, write_text
from emulsion.report.markup import table


def in_worlds(sources: int) -> dict[str, float]:
    """{method: median regret, nats} in worlds of so many sources that are not read again."""
    rows = read_rows(WORKFLOW / "resources/proving_ground.csv")
    return {row["method"]: row["median"] for row in rows if int(row["sources"]) == sources and not row["repeated"]}


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


def agreement(trained: dict[str, float], simulated: dict[str, float]) -> str:
    methods = sorted(set(trained) & set(simulated))
    if len(methods) < 4:
        return f"{len(methods)} methods in both: too few to rank"
    found = scipy.stats.spearmanr([trained[name] for name in methods], [simulated[name] for name in methods])
    return f"Spearman's correlation over {len(methods)} methods: {found.statistic:+.2f} (p {found.pvalue:.2f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("studies", type=Path, nargs="+", help="methods.json of experiments")
    options.add_argument("--csv", type=Path, help="where to write the differences to stratified sampling")
    given = options.parse_args()
    every: list[dict[str, Any]] = []
    real, simulated = [], []
    for file in given.studies:
        rows = in_trainings(file.parent.name, read_json(file))
        every += rows
        worlds = in_worlds(rows[0]["sources"])
        trained = {STRATIFIED: 0.0, **{row["method"]: row["difference"] for row in rows}}
        real.append(trained)
        simulated.append(worlds)
        cells = [
            [
                row["method"],
                f"{1e3 * row['difference']:+.0f} [{1e3 * row['low']:+.0f}, {1e3 * row['high']:+.0f}]",
                f"{1e3 * worlds[row['method']]:.1f}" if row["method"] in worlds else "",
            ]
            for row in sorted(rows, key=lambda row: row["difference"])
        ]
        header = ["method", "trained, against stratified, .001 nats", "regret in worlds, .001 nats"]
        what = (
            f"{file.parent.name}: {rows[0]['sources']} sources, {rows[0]['seeds']} seeds, {rows[0]['tokens']:,} tokens"
        )
        print(f"{what}\n\n{table(header, cells, right=2)}\n\n{agreement(trained, worlds)}\n")
    both = [pd.DataFrame(each).mean(axis=0, skipna=False).dropna().to_dict() for each in (real, simulated)]
    print(f"Means over {len(real)} studies: {agreement(*both)}")
    if given.csv:
        write_text(given.csv, pd.DataFrame(every).to_csv(index=False, float_format="%.4f"))


if __name__ == "__main__":
    main()
