"""From finished runs to the content of optimal_mix.json: the best mixture, its predicted score, how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emulsion import student
from emulsion.errors import UserError
from emulsion.laws.region import Region, hull_distance
from emulsion.laws.table import Floats
from emulsion.methods.objective import Objective, of_losses
from emulsion.methods.optimum_settings import Settings
from emulsion.methods.propose import propose
from emulsion.methods.search import Pull, search
from emulsion.methods.surrogates import Runs, Surrogate, choose, fit_surrogates
from emulsion.methods.tied import TiedSet, compare_to_first, mixtures_around
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed
from emulsion.student import LEVEL

# Below this leave-one-out R2 nothing was learnt: the best of four surrogates reaches it on noise, too.
_LEARNT = 0.25
# Of the tokens: an optimum at a corner that no draw quite reached is no extrapolation to speak of.
_FAR = 0.05
_HISTORY = 100  # entries that are kept of a search over a surrogate; trainings are all kept


# (surrogate, region, settings, pull) -> the best mixture [m], and the way of the search to it
Choose = Callable[[Surrogate, Region, Settings, Pull | None], tuple[Floats, list[Floats]]]


def optimise(
    mixtures: Sequence[Mapping[str, float]],
    results: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    settings: Mapping[str, Any] | Settings,
    choose_mixture: Choose = propose,
    sizes: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The best mixture according to finished runs, as the JSON of optimal_mix.json; for losses, in losses.

    mixtures  {source: weight} of each run
    results   of the same runs: {"run": name, "capabilities": {name: score}, "losses": {source: nats per token}}, and
              "epochs": {source: how often the run read it}, where they are known
    settings  `Settings`, or its values by name
    sizes     {source: tokens}
    """
    chosen = settings if isinstance(settings, Settings) else Settings.of(settings)
    region = Region.of(sources, chosen.bounds, chosen.caps)
    objective = Objective.of(chosen.objective, results)
    runs = _runs(mixtures, results, sources, objective, chosen.rates)
    surrogates = fit_surrogates(runs, chosen.surrogates)
    name = choose(surrogates) if chosen.surrogate == "auto" else chosen.surrogate
    surrogate, pull = surrogates[name], chosen.pull(sources)
    best, path = choose_mixture(surrogate, region, chosen, pull)
    distance = hull_distance(best, runs.mixtures)
    record = {
        "method": "optimum",
        "ratios": _named(region, best),
        **_prediction(surrogate, best, chosen),
        "set": _set(surrogate, region, best, sizes or {}, chosen),
        **_terms(region, chosen, pull, best),
        "objective": objective.to_json(),
        "surrogate": name,
        "surrogates": {key: fitted.report() for key, fitted in surrogates.items()},
        "observed_vs_predicted": _observed(surrogate, results),
        "best_sampled": _best_sampled(surrogate, region, results),
        "uniform": _uniform(surrogate, region),
        "hull_distance": distance,
        "history": _history(surrogate, region, path),
        "warnings": _warnings(surrogate, distance, [_run_name(result, index) for index, result in enumerate(results)]),
    }
    return as_losses(record) if objective.of_losses else record


def refit(
    mixtures: Sequence[Mapping[str, float]],
    results: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    settings: Settings,
    surrogate: str,
) -> tuple[Surrogate, bool]:
    """The surrogate of this name, fitted as `optimise` does it, and whether its objective is losses alone."""
    objective = Objective.of(settings.objective, results)
    runs = _runs(mixtures, results, sources, objective, settings.rates)
    return fit_surrogates(runs, (surrogate,))[surrogate], objective.of_losses


def as_losses(record: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a search whose scores are losses with their sign turned, as losses: less is better."""
    turned = dict(record)
    turned["prediction"] = -record["prediction"]
    turned["interval"] = record["interval"] and _turned(record["interval"])
    turned["observed_vs_predicted"] = [
        {**row, **{key: -row[key] for key in ("observed", "predicted", "left_out")}}
        for row in record["observed_vs_predicted"]
    ]
    best = record["best_sampled"]
    turned["best_sampled"] = {
        **best,
        "observed": -best["observed"],
        "predicted": best["predicted"] and -best["predicted"],
    }
    turned["uniform"] = record["uniform"] and {**record["uniform"], "predicted": -record["uniform"]["predicted"]}
    turned["history"] = [
        {**{key: value for key, value in row.items() if key != "score"}, "loss": -row["score"]}
        for row in record["history"]
    ]
    return turned


def _turned(interval: Sequence[float]) -> list[float]:
    low, high = interval
    return [-high, -low]


def predict(
    mixtures: Sequence[Mapping[str, float]],
    results: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    settings: Settings,
    surrogate: str,
    candidates: Mapping[str, Mapping[str, float]],
) -> dict[str, dict[str, Any]]:
    """What a surrogate fitted to finished runs expects of other mixtures, by name.

    mixtures, results, sources, settings, surrogate: as of `optimise`, and the name it chose.
    candidates: {name: {source: weight}}. {name: {"ratios", "prediction", "interval", "fitted"}}: the interval is
    that of a new run, seed noise included; fitted: whether runs of this very mixture were among those fitted to.
    Of an objective of losses alone these are losses.
    """
    fitted, lower = refit(mixtures, results, sources, settings, surrogate)
    runs, found = fitted.runs, {}
    for name, candidate in candidates.items():
        weights = Mixture(candidate).over(list(sources))
        row = np.array(list(weights.values()))
        terms = _prediction(fitted, row, settings)
        seen = bool((np.abs(runs.mixtures - row).max(axis=1) < 1e-9).any())
        kept = {"prediction": terms["prediction"], "interval": terms["interval"], "fitted": seen}
        if lower:
            kept |= {"prediction": -terms["prediction"], "interval": _turned(terms["interval"])}
        found[name] = {"ratios": dict(weights), **kept}
    return found


def optimise_directly(
    objective: Callable[[Mixture], float], sources: Sequence[str], settings: Mapping[str, Any] | Settings
) -> dict[str, Any]:
    """Search with a small training per evaluation instead of a surrogate; JSON of the same keys."""
    chosen = settings if isinstance(settings, Settings) else Settings.of(settings)
    pull = chosen.pull(sources)
    found = search(
        objective,
        sources,
        chosen.bounds,
        chosen.seed,
        caps=chosen.caps,
        pull=pull,
        generations=chosen.generations,
        population=chosen.population,
        evaluations=chosen.evaluations,
    )
    region = Region.of(sources, chosen.bounds, chosen.caps)
    best = np.array(list(found.mixture.values()))
    top = max(range(len(found.history)), key=lambda index: float(found.history[index]["score"]))
    sampled = {"run": str(top), "ratios": found.history[top]["mixture"], "observed": found.history[top]["score"]}
    record = {
        "method": "direct_search",
        "ratios": dict(found.mixture),
        "prediction": found.score,
        "interval": None,
        "uncertainty": None,
        "set": None,
        **_terms(region, chosen, pull, best),
        "objective": chosen.objective if isinstance(chosen.objective, str) else dict(chosen.objective),
        "surrogate": None,
        "surrogates": {},
        "observed_vs_predicted": [],
        "best_sampled": {**sampled, "predicted": None},
        "uniform": None,
        "hull_distance": 0.0,
        "history": found.history,
        "warnings": [
            "The prediction is the best of many noisy trainings, so on average it is too good; "
            "a training with another seed tells what the mixture is worth."
        ],
    }
    return as_losses(record) if of_losses(chosen.objective) else record


def _runs(
    mixtures: Sequence[Mapping[str, float]],
    results: Sequence[Mapping[str, Any]],
    sources: Sequence[str],
    objective: Objective,
    rates: Mapping[str, float],
) -> Runs:
    if len(mixtures) != len(results):
        raise UserError(f"optimiser: {len(mixtures)} mixtures but {len(results)} results; one of each per run.")
    rows = [list(Mixture(mixture).over(list(sources)).values()) for mixture in mixtures]
    epochs = None
    if results and all(result.get("epochs") for result in results):
        epochs = np.array([[result["epochs"][source] for source in sources] for result in results], dtype=np.float64)
    known = rates if epochs is not None else {}
    # A capability may have the name of a source, and is no loss of it.
    groups = tuple(name if kind == "losses" else f"{kind}.{name}" for kind, name, _ in objective.components)
    return Runs(tuple(sources), np.array(rows), *objective.table(results), epochs, known, groups)


def _named(region: Region, row: Floats) -> dict[str, float]:
    return dict(region.mixture(row))


def _score(surrogate: Surrogate, row: Floats) -> float:
    return float(surrogate.predict(row[None, :])[0])


def _prediction(surrogate: Surrogate, best: Floats, settings: Settings) -> dict[str, Any]:
    """The predicted score, and where a new run of this mixture should score, seed noise included."""
    seed = derive_seed(settings.seed, "interval")
    prediction, (sd, how) = _score(surrogate, best), surrogate.spread(best, settings.resamples, seed)
    freedom = max(1, len(surrogate.runs.scores) - len(surrogate.runs.sources))
    half = student.quantile(freedom) * sd
    return {
        "prediction": prediction,
        "interval": [prediction - half, prediction + half],
        "uncertainty": {"level": LEVEL, "sd": sd, "method": how},
    }


def _set(
    surrogate: Surrogate, region: Region, best: Floats, sizes: Mapping[str, float], settings: Settings
) -> dict[str, Any]:
    """The mixtures that the surrogate cannot tell from the best one."""
    rows = mixtures_around(region, best, sizes, settings.seed)
    found = compare_to_first(surrogate, rows, settings.resamples, derive_seed(settings.seed, "tied"))
    tied = TiedSet.of(rows[found.tied], region.sources, sizes)
    return {**tied.to_json(region.mixture, region.sources), "by": found.how}


def _terms(region: Region, settings: Settings, pull: Pull | None, best: Floats) -> dict[str, Any]:
    """What the optimum was bound to: bounds as configured, caps, and the pull with the divergence it led to."""
    free = Region.of(region.sources, settings.bounds)
    sides = zip(free.sources, free.low.tolist(), free.high.tolist(), strict=True)
    terms: dict[str, Any] = {
        "bounds": {s: [low, high] for s, low, high in sides},
        "caps": dict(settings.caps),
        "kl": None,
    }
    if pull is not None:
        penalty = float(pull.penalty(best[None, :], region.sources)[0])
        terms["kl"] = {"strength": pull.strength, "prior": dict(pull.prior), "divergence": penalty / pull.strength}
    return terms


def _observed(surrogate: Surrogate, results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each run's score beside the surrogate's, which saw the run, and beside that of a fit that did not."""
    columns = (surrogate.runs.scores, surrogate.fitted, surrogate.left_out)
    rows = zip(results, *(column.tolist() for column in columns), strict=True)
    return [
        {"run": _run_name(result, index), "observed": observed, "predicted": predicted, "left_out": left_out}
        for index, (result, observed, predicted, left_out) in enumerate(rows)
    ]


def _best_sampled(surrogate: Surrogate, region: Region, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    runs = surrogate.runs
    top = int(runs.scores.argmax())
    return {
        "run": _run_name(results[top], top),
        "ratios": dict(zip(region.sources, runs.mixtures[top].tolist(), strict=True)),
        "observed": float(runs.scores[top]),
        "predicted": float(surrogate.fitted[top]),
    }


def _uniform(surrogate: Surrogate, region: Region) -> dict[str, Any]:
    """The mixture of the region nearest to uniform, and its predicted score: what the optimum is a gain over."""
    row = region.even()
    return {"ratios": _named(region, row), "predicted": _score(surrogate, row)}


def _history(surrogate: Surrogate, region: Region, path: Sequence[Floats]) -> list[dict[str, Any]]:
    """The best of each generation, thinned to `_HISTORY` entries with the first and the last among them."""
    kept = np.unique(np.linspace(0, len(path) - 1, _HISTORY).round().astype(int)).tolist()
    return [
        {"generation": index, "mixture": _named(region, path[index]), "score": _score(surrogate, path[index])}
        for index in kept
    ]


def _run_name(result: Mapping[str, Any], index: int) -> str:
    return str(result.get("run", index))


def _warnings(surrogate: Surrogate, distance: float, names: Sequence[str]) -> list[str]:
    """What a reader should know before believing the optimum; names: of the runs."""
    runs, report = surrogate.runs, surrogate.report()
    n, m = runs.mixtures.shape
    found = []
    if n < m + 1:
        found.append(
            f"{n} runs for the {m + 1} parameters of a law: the fit leans on its ridge; 3 per source are advised."
        )
    if report["loo_r2"] is None or report["loo_r2"] < _LEARNT:
        found.append(
            "The surrogate predicts a run it has not seen hardly better than the mean of the others does: the runs do "
            "not tell mixtures apart, and the optimum is a guess. Train the runs for longer, or widen the bounds."
        )
    if aside := surrogate.set_aside:
        found.append(
            f"The law sets aside {', '.join(names[run] for run in aside)}, further off than chance has it. Where "
            "nothing went wrong in training, losses do not follow the law there."
        )
    if distance > _FAR:
        found.append(
            f"The optimum lies outside the mixtures that were tried, by {100 * distance:.1f} % of the tokens: an "
            "extrapolation."
        )
    return found
