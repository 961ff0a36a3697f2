"""Does what a source seems worth during a run last? config/washout.yaml says how the runs are trained.

    python benchmarks/washout.py models

prints for each source, and for how long its share was up or down, what more of it did to its own validation loss and to
the mean of the others' (thousandths of a nat, up less down, mean over seeds with its 95 % interval): at once, after 100
steps of even shares, after 200, and at the end of the run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np

from emulsion import student
from emulsion.errors import UserError
from emulsion.files import read_jsonl
from emulsion.laws.table import Floats

PARTS = ("code", "docstrings", "tables")
ENDS = {"round": 0.45, "fifth": 0.4}  # share of the run at which shares are even again
WASHED = {"at once": 0.0, "100 steps": 0.15, "200 steps": 0.3, "the end": 1.0}  # share of the run later


def curve(log: Path) -> dict[float, dict[str, float]]:
    """{share of the run: {source: validation loss}}"""
    if not log.is_file():
        raise UserError(f"{log}: no such file; config/washout.yaml says how to train the run.")
    rows = read_jsonl(log)
    steps = rows[-1]["step"]
    return {row["step"] / steps: row["validation"] for row in rows if "validation" in row}


def worth(models: Path, part: str, held: str, later: float) -> Floats:
    """[seeds, 2]: of its own loss and of the mean of the others', up less down.

    Raises UserError where a run of a pair is missing or shorter than the other, or fewer than two seeds are there.
    """
    found = []
    for up in sorted(models.glob(f"studywashout-{part}_up_{held}*/training_log.jsonl")):
        down = models / up.parent.name.replace("_up_", "_down_") / up.name
        curves = [curve(each) for each in (up, down)]
        if curves[0].keys() != curves[1].keys():
            raise UserError(f"{down}: was evaluated at other shares of the run than {up}; train both alike.")
        moment = min(curves[0], key=lambda share: abs(share - min(ENDS[held] + later, 1.0)))
        apart = {source: curves[0][moment][source] - curves[1][moment][source] for source in curves[0][moment]}
        own = apart.pop(f"stdlib_{part}")
        found.append((own, np.mean(list(apart.values()))))
    if len(found) < 2:
        raise UserError(
            f"{models}: {len(found)} seeds of studywashout-{part}_up_{held}; an interval takes two or more."
        )
    return np.array(found)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", type=Path, help="folder of the trained models")
    given = options.parse_args()
    if not any(given.models.glob("studywashout-*/training_log.jsonl")):
        options.error(f"{given.models}: no runs of studywashout; config/washout.yaml says how to train them.")
    try:
        over_time = {
            (held, part): [worth(given.models, part, held, later) for later in WASHED.values()]
            for held in ENDS
            for part in PARTS
        }
    except UserError as problem:
        options.error(str(problem))
    print(f"| share moved for | of | loss of | {' | '.join(WASHED)} |\n|---|---|---|{'---:|' * len(WASHED)}")
    for (held, part), over in over_time.items():
        for index, whose in enumerate(("itself", "others")):
            print(f"| a {held} | {part} | {whose} | {' | '.join(about(each[:, index]) for each in over)} |")


def about(values: Floats) -> str:
    half = student.quantile(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{1e3 * values.mean():+.1f} [{1e3 * (values.mean() - half):+.1f}, {1e3 * (values.mean() + half):+.1f}]"


if __name__ == "__main__":
    main()
