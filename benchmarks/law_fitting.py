"""How long does a log-linear law take to fit, and how well does it predict, beside the fits of the literature?

On planted laws (`emulsion.world.planted`) with 2 and 3 sources. Beside ours, the published way as the Aioli notebooks
have it (Ye et al., 2403.16952; Chen et al., 2411.05735): torch's L-BFGS with a strong Wolfe line search on a Huber loss
(sum, delta .02), 100 outer steps of at most 20 iterations, from every point of a grid, the lowest loss kept.
2 sources: c first, of 1,000 values the one with the greatest |corr(p, log(y - c))|; then 121 starts. 3 sources: 6,000
starts (10 of log c x 20 of b x 30 of t).

    python benchmarks/law_fitting.py                   # 40 of the 6,000 starts; their time is scaled up
    python benchmarks/law_fitting.py --starts 6000     # all: hours

prints seconds per group and the root mean squared error to the true law at 500 fresh mixtures. One thread.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import torch
from numpy.typing import NDArray

from emulsion.laws import fit_static_law
from emulsion.world.planted import KINDS, noisy, planted_law

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]
_DELTA, _OUTER = 0.02, 100
_GRID = {2: 121, 3: 6000}


def lbfgs(parameters: list[torch.Tensor], predict: Callable[..., torch.Tensor], y: torch.Tensor) -> float:
    """The loss after L-BFGS has moved the parameters, of which `predict` is a function; it does so in place."""
    loss = torch.nn.HuberLoss(reduction="sum", delta=_DELTA)
    optimiser = torch.optim.LBFGS(parameters, lr=0.01, history_size=10, max_iter=20, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value: torch.Tensor = loss(predict(*parameters), y)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    for _ in range(_OUTER):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return float(loss(predict(*parameters), y))


def two_sources(own: Floats, y: Floats, starts: int, random: np.random.Generator) -> Predict:
    """A group's law of its own share [n]."""
    candidates = np.linspace(0, y.min(), 1000, endpoint=False)
    logs = np.log(y - candidates[:, None])
    c = candidates[np.argmax([abs(np.corrcoef(own, row)[0, 1]) for row in logs])]
    x, target = torch.tensor(own), torch.tensor(y - c)
    grid = [(k, b) for k in np.linspace(-2.4, -1.6, 11) for b in np.linspace(-1, -0.1, 11)]
    best, best_loss = (0.0, 0.0), np.inf
    for index in random.permutation(len(grid))[:starts]:
        k, b = (torch.tensor(value, requires_grad=True) for value in grid[index])
        value = lbfgs([k, b], lambda k, b: torch.exp(k * x + b), target)
        if value < best_loss:
            best, best_loss = (k.item(), b.item()), value
    return lambda rows: c + np.exp(best[0] * rows + best[1])


def three_sources(rows: Floats, y: Floats, starts: int, random: np.random.Generator) -> Predict:
    """A group's law of the first two shares [n, 2]."""
    x, target = torch.tensor(rows), torch.tensor(y)
    grid = [(c, b) for c in np.linspace(-2, 1.5, 10) for b in np.linspace(-10, 1, 20) for _ in range(30)]
    slopes = random.uniform(-1, 1, (len(grid), rows.shape[1]))
    best, best_loss = None, np.inf
    for index in random.permutation(len(grid))[:starts]:
        c, b = (torch.tensor(value, requires_grad=True) for value in grid[index])
        t = torch.tensor(slopes[index], requires_grad=True)
        value = lbfgs([c, b, t], lambda c, b, t: torch.exp(c) + torch.exp(b + x @ t), target)
        if value < best_loss:
            best, best_loss = (np.exp(c.item()), b.item(), t.detach().numpy().copy()), value
    assert best is not None
    return lambda fresh: best[0] + np.exp(best[1] + fresh @ best[2])


def reference(rows: Floats, losses: Floats, fresh: Floats, starts: int, random: np.random.Generator) -> Floats:
    """What the published way predicts [k, g] at fresh mixtures [k, m]."""
    m = rows.shape[1]
    columns = []
    for group, y in enumerate(losses.T):
        if m == 2:
            columns.append(two_sources(rows[:, group], y, starts, random)(fresh[:, group]))
        else:
            columns.append(three_sources(rows[:, :-1], y, starts, random)(fresh[:, :-1]))
    return np.column_stack(columns)


def trial(m: int, runs: int, sd: float, starts: int, seed: int) -> dict[str, float]:
    """Seconds per group and errors of both ways on one planted law; the published way's time is that of all starts."""
    random = np.random.default_rng([seed, m])
    law, rows = planted_law(m, seed, KINDS[seed % len(KINDS)]), random.dirichlet(np.ones(m), runs)
    losses, fresh = noisy(law.predict(rows), sd, random), random.dirichlet(np.ones(m), 500)
    begin = time.process_time()
    ours = fit_static_law(rows, losses).predict(fresh)
    between = time.process_time()
    theirs = reference(rows, losses, fresh, starts, random)
    end = time.process_time()
    truth = law.predict(fresh)
    return {
        "ours, s": (between - begin) / m,
        "theirs, s": (end - between) / m * _GRID[m] / starts,
        "ours, rmse": float(np.sqrt(((ours - truth) ** 2).mean())),
        "theirs, rmse": float(np.sqrt(((theirs - truth) ** 2).mean())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--starts", type=int, default=40, help="of the published way, per group; at most its grid")
    parser.add_argument("--sd", type=float, default=0.005, help="of the noise, nats per token")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    fit_static_law(np.eye(2), np.ones((2, 1)), warn=False)  # so that the first trial does not pay for imports
    print(
        "| sources | runs | starts run, of all | ours, ms a group | theirs, s a group | ratio | error, ours | theirs |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for m, runs in ((2, 9), (3, 20)):
        starts = min(options.starts, _GRID[m])
        rows = [trial(m, runs, options.sd, starts, seed) for seed in range(options.trials)]
        mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        print(
            f"| {m} | {runs} | {starts} of {_GRID[m]:,} | {1000 * mean['ours, s']:.1f} | {mean['theirs, s']:.1f} | "
            f"{mean['theirs, s'] / mean['ours, s']:,.0f} | {mean['ours, rmse']:.4f} | {mean['theirs, rmse']:.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
