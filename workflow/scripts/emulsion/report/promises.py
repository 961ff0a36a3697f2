"""What a search promised beside what came of it: the optimum of an experiment in words, all predictions as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulsion.analysis.judged import Judged, Measure
from emulsion.analysis.scores import MEAN

# What surrogates are fitted to and predict, by kind: parts of the evaluation that judge nothing; and what judges.
PREDICTED = {"losses": "mean loss on validation text", "capabilities": "mean score on the selection half"}
_JUDGES = {"losses": "on test text", "capabilities": "on the test half"}


def realised(optimum: Mapping[str, Any], name: str, judged: Judged, outcome: Mapping[str, float]) -> dict[str, Any]:
    """What the surrogate promised, what the trained model has, and why it lost, if it did.

    optimum: of `optimal_mix.json`, with what it predicts of real runs ("of": "losses", "capabilities", or None where it
    predicts nothing that judges); name: its mixture; judged: by that; outcome: {seed: what was predicted of its runs},
    on what surrogates are fitted to; none where the two do not compare.
    """
    decision, measure = judged.decision, judged.measure
    found: dict[str, Any] = {
        "mixture": name,
        "ratios": dict(optimum["ratios"]),
        "predicted": optimum["prediction"],
        "predicted_interval": optimum["interval"],
        "surrogate": optimum["surrogate"],
        "realised": None,
        "realised_interval": None,
        "text": f"Predicted {optimum['prediction']:.3f}; the optimum was not trained.",
    }
    cell = judged.summary.get(name, {}).get(MEAN)
    if cell is None:
        return found
    real = sum(outcome.values()) / len(outcome) if outcome else float(cell[measure.value])
    where = _JUDGES[measure.kind] if outcome else "trained for real"
    text = f"{_promise(optimum, real, measure)}; {where}, {name} has a {measure.name} of {measure.text(cell)}."
    if decision.claims and name in decision.comparisons and name not in decision.tied:
        text += f" It loses to {decision.leader}: {_reason(optimum, real, decision.comparisons[name], measure)}."
    return {
        **found,
        "realised": cell[measure.value],
        "realised_interval": list(cell["interval"]),
        "outcome": real if outcome else None,
        "text": text,
    }


def _reason(optimum: Mapping[str, Any], real: float, lost_by: Mapping[str, Any], measure: Measure) -> str:
    """Why an optimum lost, from what was predicted of it and what it lost by."""
    interval = optimum["interval"]
    if interval is None or optimum.get("of", measure.kind) is None:
        return "the search judged mixtures by another measure or size than this comparison"
    if real > interval[1] if measure.lower else real < interval[0]:
        return "the surrogate promised more than its training bore out"
    if abs(lost_by["difference"]) < interval[1] - interval[0]:
        return "the difference is smaller than the surrogate's own uncertainty"
    held = "the prediction held" if interval[0] <= real <= interval[1] else "it came out better than predicted"
    return f"{held}, so the search missed a better mixture"


def _promise(optimum: Mapping[str, Any], real: float, measure: Measure) -> str:
    """What the search expected of its mixture, and whether the real one bears it out where the two compare."""
    expected = f"{optimum['prediction']:.3f}"
    surrogate = f"The surrogate {optimum['surrogate']}"
    if optimum.get("of", measure.kind) is None:
        says = "The search had" if optimum["interval"] is None else f"{surrogate} predicted"
        return f"{says} {expected} of its objective at its runs' size, another scale"
    if optimum["interval"] is None:
        return f"The search's own {'loss' if measure.lower else 'score'} was {expected}"
    low, high = optimum["interval"]
    inside = "inside" if low <= real <= high else "outside"
    said = f"{surrogate} predicted a {PREDICTED[measure.kind]} of {expected} ({low:.3f} to {high:.3f})"
    return f"{said}, and its runs came to {real:.3f}, {inside} that"


def prediction_rows(predicted: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """[mixture, predicted, mean outcome, runs inside, fitted to] of each mixture; predicted: a row for each run."""
    outcomes: dict[str, list[Mapping[str, Any]]] = {}
    for row in predicted:
        outcomes.setdefault(row["mixture"], []).append(row)
    return [
        [
            name,
            f"{runs[0]['predicted']:.3f} ({runs[0]['interval'][0]:.3f} to {runs[0]['interval'][1]:.3f})",
            f"{sum(run['realised'] for run in runs) / len(runs):.3f}",
            f"{sum(run['inside'] for run in runs)} of {len(runs)}",
            "yes" if runs[0]["fitted"] else "no",
        ]
        for name, runs in outcomes.items()
    ]
