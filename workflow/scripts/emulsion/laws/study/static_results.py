"""Static laws of a sweep: `static_law.json`.

The log-linear law and those it is compared with, in the sample and on points left out; the log-linear law fitted to
each seed by itself, as the paper reports it (Aioli, 2411.05735, Table 5); what noise between seeds allows; and the
optimum of the law.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.laws import FITS, StaticLaw, fit_static_law, law_optimum, parameter_intervals
from emulsion.laws.gaussian import fit_gaussian_law
from emulsion.laws.goodness import by_group, interaction, known_mean, mse, noise, r2, within
from emulsion.laws.law import Law
from emulsion.laws.static import FewRunsWarning
from emulsion.laws.study.rows import Row, Sweep
from emulsion.laws.table import Floats

LAWS = ("log_linear", "linear", "bimix", "autoscale", "gaussian_process", "lightgbm")


def static_law(sweep: Sweep) -> dict[str, Any]:
    """The content of `static_law.json`.

    Raises UserError where no law can be fitted, as with fewer than two runs; warns with FewRunsWarning where there
    are fewer points than parameters, whatever the number of seeds.
    """
    runs = sweep.finished
    if len(runs) < 2:
        raise UserError(f"sweep of '{sweep.experiment}': {len(runs)} finished runs; a static law needs at least 2.")
    mixtures, losses = sweep.table(runs, "weights"), sweep.table(runs, "validation")
    points, values = [run["mixture"] for run in runs], losses.to_numpy()
    _warn_of_few_points(sweep, points)
    law = fit_static_law(mixtures, losses, warn=False)
    optimum = law_optimum(law, runs=mixtures)
    laws = {name: _quality(name, sweep, runs) for name in LAWS}
    return {
        "experiment": sweep.experiment,
        "sources": list(sweep.sources),
        "seeds": _seeds(runs),
        "points": [
            {"mixture": run["mixture"], "seed": run["seed"], "weights": weights, "losses": loss}
            for run, weights, loss in zip(runs, mixtures.to_dict("records"), losses.to_dict("records"), strict=True)
        ],
        "law": law.to_json(),
        "intervals": parameter_intervals(mixtures, losses),
        "quality": laws,
        "per_seed": _per_seed(sweep, runs),
        "noise": noise(sweep.sources, *within(values, points), [values]),
        "optimum": {
            "weights": dict(optimum.mixture),
            "loss": optimum.loss,
            "gap": optimum.gap,
            "distance": optimum.distance,
        },
    }


def _seeds(runs: Sequence[Row]) -> list[int]:
    return list(dict.fromkeys(run["seed"] for run in runs))


def _warn_of_few_points(sweep: Sweep, points: Sequence[str]) -> None:
    count, parameters = len(set(points)), len(sweep.sources) + 1
    if count < parameters:
        warnings.warn(
            f"sweep of '{sweep.experiment}': {count} points for {parameters} parameters of each group's static law, "
            f"which leans on its ridge. Add at least {parameters - count} points; further seeds do not help.",
            FewRunsWarning,
            stacklevel=3,
        )


def _quality(name: str, sweep: Sweep, runs: Sequence[Row]) -> dict[str, Any]:
    """Errors of a law in the sample, and of points that are left out in turn with all their seeds."""
    mixtures, losses = sweep.table(runs, "weights"), sweep.table(runs, "validation")
    values = losses.to_numpy()
    predicted = _fit(name, mixtures, losses).predict(mixtures)
    points = np.array([run["mixture"] for run in runs])
    left_out = np.full_like(values, np.nan)
    for point in dict.fromkeys(points):
        out = points == point
        if (~out).sum() < 2:  # nothing is left to fit to: errors of points left out are then unknown
            return by_group(sweep.sources, **_errors(values, predicted, np.full_like(values, np.nan)))
        left_out[out] = _fit(name, mixtures[~out], losses[~out]).predict(mixtures[out])
    return by_group(sweep.sources, **_errors(values, predicted, left_out))


def _errors(values: Floats, predicted: Floats, left_out: Floats) -> dict[str, Floats]:
    found = {"mse": mse(values, predicted), "r2": r2(values, predicted)}
    return {**found, "left_out_mse": mse(values, left_out), "left_out_r2": r2(values, left_out)}


def _fit(name: str, mixtures: Any, losses: Any) -> Law:
    """A law for its predictions alone: without what only intervals need, and silent on few runs."""
    fits: dict[str, Callable[[Any, Any], Law]] = {**FITS, "gaussian_process": fit_gaussian_law}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewRunsWarning)
        return fits[name](mixtures, losses)


def _per_seed(sweep: Sweep, runs: Sequence[Row]) -> dict[str, Any]:
    """The log-linear law fitted to each seed by itself; errors and ceilings averaged over seeds.

    Each law takes up what its seed does to all points alike, so that is no noise here.
    """
    each, samples = [], []
    for seed in _seeds(runs):
        mine = [run for run in runs if run["seed"] == seed]
        if len(mine) < 2:
            continue
        mixtures, losses = sweep.table(mine, "weights"), sweep.table(mine, "validation")
        law: StaticLaw = fit_static_law(mixtures, losses, warn=False)
        samples.append(losses.to_numpy())
        each.append((mse(samples[-1], law.predict(mixtures)), r2(samples[-1], law.predict(mixtures))))
    nothing = np.full(len(sweep.sources), np.nan)
    errors, shares = (np.array(part) for part in zip(*each, strict=True)) if each else (nothing[None], nothing[None])
    values = sweep.table(runs, "validation").to_numpy()
    squares = interaction(values, [run["seed"] for run in runs], [run["mixture"] for run in runs])
    return {
        **by_group(sweep.sources, mse=known_mean(errors, axis=0), r2=known_mean(shares, axis=0)),
        "noise": noise(sweep.sources, *squares, samples or [values]),
    }
