"""Does what a source seems worth during a run last? config/washout.yaml says how the runs are trained.

    python benchmarks/washout.py models

prints for each source, and for how long its share was up or down, what more of it did to its own validation loss and to
the mean of the others' (thousandths of a nat, up less down, mean over seeds with its 95 % interval): at once, after 100
steps of even shares, after 200, and at the end of the run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np

from emulsion import student
from emulsion.laws.table import Floats

PARTS = ("code", "docstrings", "tables")
ENDS = {"round": 0.45, "fifth": 0.4}  # share of the run at which shares are even again
WASHED = {"at once": 0.0, "100 steps": 0.15, "200 steps": 0.3, "the end": 1.0}  # share of the run later


def curve(log: Path) -> dict[float, dict[str, float]]:
    """{share of the run: {source: validation loss}}"""
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = rows[-1]["step"]
    return {row["step"] / steps: row["validation"] for row in rows if "validation" in row}


def worth(models: Path, part: str, held: str, later: float) -> Floats:
    """[seeds, 2]: of its own loss and of the mean of the others', up less down."""
    found = []
    for up in sorted(models.glob(f"studywashout-{part}_up_{held}*/training_log.jsonl")):
        curves = [curve(each) for each in (up, Path(str(up).replace("_up_", "_down_")))]
        moment = min(curves[0], key=lambda share: abs(share - min(ENDS[held] + later, 1.0)))
        apart = {source: curves[0][moment][source] - curves[1][moment][source] for source in curves[0][moment]}
        own = apart.pop(f"stdlib_{part}")
        found.append((own, np.mean(list(apart.values()))))
    return np.array(found)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("models", type=Path, help="folder of the trained models")
    given = options.parse_args()
    if not any(given.models.glob("studywashout-*/training_log.jsonl")):
        options.error(f"{given.models}: no runs of studywashout; config/washout.yaml says how to train them.")
    print(f"| share moved for | of | loss of | {' | '.join(WASHED)} |\n|---|---|---|{'---:|' * len(WASHED)}")
    for held in ENDS:
        for part in PARTS:
            over = [worth(given.models, part, held, later) for later in WASHED.values()]
            for index, whose in enumerate(("itself", "others")):
                print(f"| a {held} | {part} | {whose} | {' | '.join(about(each[:, index]) for each in over)} |")


def about(values: Floats) -> str:
    half = student.quantile(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{1e3 * values.mean():+.1f} [{1e3 * (values.mean() - half):+.1f}, {1e3 * (values.mean() + half):+.1f}]"


if __name__ == "__main__":
    main()
