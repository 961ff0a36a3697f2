"""Do methods rank in real trainings as they rank in simulated worlds?

    python benchmarks/rank_agreement.py results/studycode/methods.csv results/studythree/methods.csv

prints for each study the mean test loss of every method against stratified sampling, paired by seed, beside its median
regret in worlds of as many sources (resources/proving_ground.csv), Spearman's correlation of the two with its p-value,
and the same of the means over all studies.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
import scipy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion.analysis.advice import read_worlds
from emulsion.files import WORKFLOW
from emulsion.report.markup import table


def in_worlds(sources: int) -> dict[str, float]:
    """{method: median regret, nats} in worlds of so many sources that are not read again."""
    rows = read_worlds(WORKFLOW / "resources/proving_ground.csv")
    return {row["method"]: row["median"] for row in rows if int(row["sources"]) == sources and row["repeated"] is False}


def in_trainings(study: pd.DataFrame) -> dict[str, float]:
    """{method: mean over seeds of its test loss less that of stratified sampling, nats}."""
    found = study.groupby("method")["loss_difference_to_stratified"].mean()
    return {str(method): float(value) for method, value in found.items()}


def agreement(trained: dict[str, float], simulated: dict[str, float]) -> str:
    methods = sorted(set(trained) & set(simulated))
    found = scipy.stats.spearmanr([trained[name] for name in methods], [simulated[name] for name in methods])
    return f"Spearman's correlation over {len(methods)} methods: {found.statistic:+.2f} (p {found.pvalue:.2f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("studies", type=Path, nargs="+", help="methods.csv of experiments")
    real, simulated = [], []
    for file in options.parse_args().studies:
        study = pd.read_csv(file)
        sources = sum(column.startswith("share_") for column in study.columns)
        trained, worlds = in_trainings(study), in_worlds(sources)
        real.append(trained)
        simulated.append(worlds)
        rows = [
            [name, f"{1e3 * trained[name]:+.1f}", f"{1e3 * worlds[name]:.1f}"]
            for name in sorted(set(trained) & set(worlds), key=trained.__getitem__)
        ]
        header = ["method", "trained, against stratified, .001 nats", "regret in worlds, .001 nats"]
        print(f"{file}, {sources} sources\n\n{table(header, rows, right=2)}\n\n{agreement(trained, worlds)}\n")
    both = [pd.DataFrame(each).mean(axis=1, skipna=False).dropna().to_dict() for each in (real, simulated)]
    print(f"Means over {len(real)} studies: {agreement(*both)}")


if __name__ == "__main__":
    main()
