"""The conclusions of an experiment as data: what is best, how sure that is, why, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.compare import listing
from emulsion.analysis.contributions import CONTRIBUTES
from emulsion.analysis.decide import Decision
from emulsion.analysis.identity import Same
from emulsion.analysis.pareto import TRADE_OFF
from emulsion.analysis.scores import MEAN
from emulsion.errors import UserError
from emulsion.report.exports import Sizes, all_exports, config_block

Summary = Mapping[str, Mapping[str, Any]]


def recommendations(
    experiment: str,
    title: str,
    summary: Summary,
    decisions: Mapping[str, Decision],
    ratios: Mapping[str, Mapping[str, float]],
    sizes: Sizes,
    *,
    contributions: Mapping[str, Any] | None = None,
    pareto: Mapping[str, Any] | None = None,
    optimum: Mapping[str, Any] | None = None,
    optimum_name: str = "optimal",
    criteria: Sequence[Mapping[str, str]] = (),
    tokens: int = 0,
    prefer: str | None = None,
    schedules: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    models: Mapping[str, str] | None = None,
    same: Same | None = None,
) -> dict[str, Any]:
    """The content of `recommendations.json`; what was not analysed is None there.

    summary: of `analysis.summary.combine`; decisions: {group: `analysis.decide`} for "mean" and each
    capability; ratios: {mixture: {source: weight}}; optimum: of `optimal_mix.json`; tokens: the budget;
    schedules: {mixture: its stages}; models: {mixture: its model} where they differ; same: which mixtures are one
    and the same, of which all that is said of mixtures names the first.
    Recommended is the winner, or else, of those that cannot be told apart, `prefer` (the optimum, say, whose
    choice drew on all proxy runs) or the highest score.
    """
    decision = decisions[MEAN]
    first = same.first if same else {}
    prefer = prefer and first.get(prefer, prefer)
    chosen = prefer if prefer in decision.tied else decision.leader
    if chosen not in ratios:
        raise UserError(f"recommendations: the ratios of mixture '{chosen}' are not known.")
    return {
        "experiment": experiment,
        "title": title,
        "answer": _answer(decision, summary, chosen),
        "decision": decision.to_json(),
        "decisions": {group: each.to_json() for group, each in decisions.items() if group != MEAN},
        "same": {name: label for name, label in (same.labels if same else {}).items() if label != name},
        "note": f"{decision.note}{same.note if same else ''}{_different_models(models or {})}",
        "recommended": {
            "mixture": chosen,
            "ratios": dict(ratios[chosen]),
            **_score(summary[chosen]["mean"]),
            "clear_winner": decision.winner is not None,
            "config": config_block(ratios[chosen], stages=(schedules or {}).get(chosen, ())),
        },
        "overall": decision.evidence(),
        "best_per_capability": {
            group: {**each.evidence(), **_score(summary[each.leader]["capabilities"][group])}
            for group, each in decisions.items()
            if group != MEAN
        },
        "contributions": _contributions(contributions),
        "trade_offs": _trade_offs(pareto),
        "optimum": optimum and _realised(optimum, first.get(optimum_name, optimum_name), summary),
        "criteria": [dict(row) for row in criteria],
        "scores": {mixture: _scores(record) for mixture, record in summary.items()},
        "exports": all_exports(ratios[chosen], sizes, tokens),
    }


def _different_models(models: Mapping[str, str]) -> str:
    if not models:
        return ""
    each = listing([f"{mixture} is {model}" for mixture, model in models.items()])
    return f" The models differ: {each}. A difference between them need not be one between mixtures."


def plus_minus(cell: Mapping[str, Any]) -> str:
    """'0.612 ± 0.034', the half-width of the 95 % interval."""
    low, high = cell["interval"]
    return f"{cell['score']:.3f} ± {(high - low) / 2:.3f}"


def _answer(decision: Decision, summary: Summary, chosen: str) -> str:
    """The decision's own words between what it is about and what follows from it."""
    leader = decision.leader
    score, said = plus_minus(summary[leader]["mean"]), f"{decision.text[0].upper()}{decision.text[1:]}"
    if decision.winner:
        return f"Best overall: {leader}, mean score {score}; {decision.text}."
    if decision.alone:
        return f"{leader} is the only mixture there is; its mean score is {score}."
    highest = f"{leader} has the highest mean score, {score}"
    if not decision.claims:
        return f"{said}. {highest}; trained again, another may lead. Add seeds to compare mixtures."
    reason = f"{highest}, and is recommended for that alone."
    if chosen != leader:
        reason = f"{highest}; {chosen}, {plus_minus(summary[chosen]['mean'])}, is recommended of these."
    return f"No clear winner: there is {decision.text}. {reason}"


def _score(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {"score": cell["score"], "interval": list(cell["interval"])}


def _scores(record: Mapping[str, Any]) -> dict[str, Any]:
    cells = {name: _score(cell) for name, cell in record["capabilities"].items()}
    return {**cells, MEAN: _score(record["mean"])}


def _contributions(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Per source its main contribution and whatever else is significant."""
    if found is None:
        return None
    sources = {}
    for source, top in found["top"].items():
        cells = found["capabilities"][source]
        also = [n for n, cell in cells.items() if cell["verdict"] == CONTRIBUTES and n != top["capability"]]
        hurts = [name for name, cell in cells.items() if cell["verdict"] == "hurts"]
        sources[source] = {
            **top,
            "also_contributes_to": also,
            "hurts": hurts,
            "text": _contribution_text(source, top, also, hurts),
        }
    return {"base": found["base"], "note": found["note"], "sources": sources}


def _contribution_text(source: str, top: Mapping[str, Any], also: Sequence[str], hurts: Sequence[str]) -> str:
    low, high = top["interval"]
    amount = f"{top['difference']:+.3f} (95 % interval {low:+.3f} to {high:+.3f})"
    text = f"{source} mainly contributes to {top['capability']}: {amount}."
    if top["verdict"] != CONTRIBUTES:
        text = f"{source} shows no significant contribution; the largest is to {top['capability']}, {amount}."
    text += f" Also to {listing(also)}." if also else ""
    return text + (f" It hurts {listing(hurts)}." if hurts else "")


def _trade_offs(pareto: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if pareto is None:
        return None
    significant = [row for row in pareto["trade_offs"] if row["verdict"] == TRADE_OFF]
    against = [f"{row['a']} against {row['b']} (rho {row['rho']:.2f}, p {row['p_holm']:.2g})" for row in significant]
    text = (
        f"Capabilities that pull apart over mixtures: {listing(against)}."
        if against
        else ("No pair of capabilities pulls apart significantly over the mixtures.")
    )
    front = f"On the Pareto front, beaten on every capability by none: {listing(pareto['front'])}."
    return {**pareto, "text": f"{text} {front}"}


def _realised(optimum: Mapping[str, Any], name: str, summary: Summary) -> dict[str, Any]:
    """What the surrogate promised beside what the trained model scored."""
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
    cell = optimum.get("realised") or summary.get(name, {}).get("mean")
    if cell is None:
        return found
    text = f"{_promise(optimum, cell['score'])}; trained for real, {name} scores {plus_minus(cell)}."
    return {**found, "realised": cell["score"], "realised_interval": list(cell["interval"]), "text": text}


def _promise(optimum: Mapping[str, Any], realised: float) -> str:
    """What the search expected of its mixture, and whether the real score bears it out where the two compare."""
    expected = f"{optimum['prediction']:.3f}"
    if optimum["interval"] is None:
        return f"The search's own score was {expected}"
    if not optimum.get("comparable", True):
        return f"{optimum['surrogate']} predicted {expected} of its objective at the proxies' size, another scale"
    low, high = optimum["interval"]
    inside = "inside" if low <= realised <= high else "outside"
    return f"{optimum['surrogate']} predicted {expected} ({low:.3f} to {high:.3f}), and the real score is {inside} that"
