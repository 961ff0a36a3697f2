"""How well does the law of trajectories tell a run that it has not seen, in recorded swarms?

    python benchmarks/left_out.py --tokens 312000 --tokenizer stdlib results/studyhashes/swarms/study_ten_curve

of one or more swarms that measure `curve`, in a checkout in which they were trained. Each run in turn is left out, and
its mean loss predicted by the law of the others: printed is the root mean square, in thousandths of a nat, of the error
less the mean error of those others, for what is off for all mixtures alike decides nothing. Beside the law as it is
stand the law in which no source has ever taught all that it can, and a log-linear law of the ends of runs. The last
line is the geometric mean over swarms. A second a swarm.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import pandas as pd

from emulsion.errors import UserError
from emulsion.files import read_object
from emulsion.laws import fit_law, trajectory_fit
from emulsion.laws.table import Floats
from emulsion.laws.trajectory import levels
from emulsion.methods.emulsion import Emulsion
from emulsion.methods.interface import Evidence
from emulsion.training.evidence import read_evidence

Predict = Callable[[Evidence, Evidence], Floats]  # the ends [n, g] of the runs of one, by the law of the other


def of_trajectories(every: Evidence, seen: Evidence) -> Floats:
    method = Emulsion(list(every.sizes))
    law = method.fit(seen)
    mixtures, epochs = (frame(each, method.names).to_numpy() for each in (every.mixtures, every.epochs))
    lengths = np.array([every.run_tokens[run] for run in every.mixtures]) / float(every.tokens or 1)
    return levels(law.theta, law.worth.of(mixtures * lengths[:, None], epochs))


def endless(every: Evidence, seen: Evidence) -> Floats:
    with mock.patch.object(trajectory_fit, "_ENDING", trajectory_fit._ENDLESS):
        return of_trajectories(every, seen)


def log_linear(every: Evidence, seen: Evidence) -> Floats:
    names = sorted(every.sizes)
    law = fit_law("log_linear", frame(seen.mixtures, names), frame(seen.losses, names))
    return np.asarray(law.predict(frame(every.mixtures, names)))


LAWS: dict[str, Predict] = {"trajectories": of_trajectories, "no source taught all": endless, "log-linear": log_linear}


def frame(rows: Any, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame([[row.get(name, 0.0) for name in names] for row in rows.values()], columns=names)


def without(evidence: Evidence, run: str) -> Evidence:
    def others(rows: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in rows.items() if name != run}

    return replace(
        evidence,
        mixtures=others(evidence.mixtures),
        losses=others(evidence.losses),
        epochs=others(evidence.epochs),
        curves=others(evidence.curves),
        run_tokens=others(evidence.run_tokens),
    )


def error(evidence: Evidence, predict: Predict) -> float:
    """Root mean square, nats."""
    measured = frame(evidence.losses, sorted(evidence.sizes)).to_numpy()
    errors = []
    for index, run in enumerate(evidence.mixtures):
        off = (measured - predict(evidence, without(evidence, run))).mean(axis=1)
        errors.append(off[index] - np.delete(off, index).mean())
    return float(np.sqrt(np.mean(np.square(errors))))


def recorded(swarm: Path, tokenizer: str, tokens: int) -> Evidence:
    """Of results/{experiment}/swarms/{swarm}; its token stores stand in the same checkout."""
    files = sorted(swarm.glob("*.json"))
    if not files:
        raise UserError(f"{swarm}: no files of a swarm; name a folder results/EXPERIMENT/swarms/SWARM.")
    sources = read_object(files[0], ("runs",))["runs"][0]["weights"]
    if len(swarm.resolve().parents) < 4:
        raise UserError(f"{swarm}: name a folder results/EXPERIMENT/swarms/SWARM of a checkout.")
    checkout = swarm.resolve().parents[3]
    stores = [checkout / f"data/tokens/{tokenizer}/{source}/header.json" for source in sources]
    found = read_evidence(stores, tokens, np.inf, files, strict=False)
    if not found.curves:
        raise UserError(f"{swarm}: its runs have no `curve`; let the swarm measure it.")
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("swarms", type=Path, nargs="+", help="folders results/EXPERIMENT/swarms/SWARM")
    options.add_argument("--tokens", type=int, required=True, help="of the run that is decided for")
    options.add_argument("--tokenizer", required=True, help="of the experiment")
    given = options.parse_args()
    if given.tokens < 1:
        options.error(f"--tokens: {given.tokens} are no run; it takes 1 or more.")
    print("| swarm | " + " | ".join(LAWS) + " |\n|---|" + "---:|" * len(LAWS))
    errors = []
    for swarm in given.swarms:
        try:
            evidence = recorded(swarm, given.tokenizer, given.tokens)
            errors.append([error(evidence, predict) for predict in LAWS.values()])
        except UserError as problem:  # also of a swarm of so few runs that none can be left out
            options.error(f"{swarm}: {problem}" if str(swarm) not in str(problem) else str(problem))
        print(row(f"{swarm.parents[1].name}, {swarm.name}", errors[-1]), flush=True)
    print(row("geometric mean", np.exp(np.log(errors).mean(axis=0)).tolist()))


def row(name: str, errors: list[float]) -> str:
    return f"| {name} | {' | '.join(f'{1e3 * each:.1f}' for each in errors)} |"


if __name__ == "__main__":
    main()
