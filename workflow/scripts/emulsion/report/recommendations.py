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
    strategies: Decision | None = None,
    schedules: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    models: Mapping[str, str] | None = None,
    same: Same | None = None,
    edited: str = "",
) -> dict[str, Any]:
    """The content of `recommendations.json`; what was not analysed is None there.

    summary: of `analysis.summary.combine`; decisions: {group: `analysis.decide`} for "mean" and each
    capability; ratios: {mixture: {source: weight}}; optimum: of `optimal_mix.json`; tokens: the budget;
    schedules: {mixture: its stages}; models: {mixture: its model} where they differ; same: which mixtures are one
    and the same, of which all that is said of mixtures names the first. strategies: the decision on the mean among the
    experiment's own strategies, which its question is about and the answer begins with.
    edited: a sentence where runs were trained by different code, see `origin.different_code`.
    Recommended is the winner; or else the set of those that cannot be told apart, by the name of its central member,
    whose shares are nearest to the mean of the set's; or, where nothing can be claimed, the highest score.
    """
    decision = decisions[MEAN]
    first = same.first if same else {}
    chosen = central([name for name in decision.tied if name in ratios], ratios) if decision.claims else decision.leader
    if chosen not in ratios:
        raise UserError(f"recommendations: the ratios of mixture '{chosen}' are not known.")
    return {
        "experiment": experiment,
        "title": title,
        "answer": _answer(decision, strategies, summary, chosen),
        "decision": decision.to_json(),
        "strategies": strategies and strategies.evidence(),
        "decisions": {group: each.to_json() for group, each in decisions.items() if group != MEAN},
        "same": {name: label for name, label in (same.labels if same else {}).items() if label != name},
        "note": f"{decision.note}{same.note if same else ''}{_different_models(models or {})}{edited}",
        "recommended": {
            "mixture": chosen,
            "ratios": dict(ratios[chosen]),
            **_score(summary[chosen]["mean"]),
            "clear_winner": decision.winner is not None,
            "set": list(decision.tied) if decision.claims else [],
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
        "optimum": optimum and _realised(optimum, first.get(optimum_name, optimum_name), summary, decision),
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


def central(names: Sequence[str], ratios: Mapping[str, Mapping[str, float]]) -> str:
    """The mixture whose shares are nearest to the mean of all, by the sum of differences; the first of equals."""
    sources = list(dict.fromkeys(source for name in names for source in ratios[name]))
    shares = {name: [ratios[name].get(source, 0.0) for source in sources] for name in names}
    middle = [sum(column) / len(names) for column in zip(*shares.values(), strict=True)]
    return min(names, key=lambda name: round(sum(abs(a - b) for a, b in zip(shares[name], middle, strict=True)), 9))


def _answer(decision: Decision, strategies: Decision | None, summary: Summary, chosen: str) -> str:
    """Which strategy wins; whether a baseline or the optimum does better; what follows."""
    leader, of_all = decision.leader, strategies is None or set(strategies.comparisons) == set(decision.comparisons)
    score = plus_minus(summary[leader]["mean"])
    if decision.alone:
        return f"{leader} is the only mixture there is; its mean score is {score}."
    if not decision.claims:
        said = f"{decision.text[0].upper()}{decision.text[1:]}"
        highest = f"{leader} has the highest mean score, {score}"
        return f"{said}. {highest}; trained again, another may lead. Add seeds to compare mixtures."
    parts = [] if strategies is None or of_all or strategies.alone else [_of_strategies(strategies, summary)]
    if decision.winner:
        parts.append(f"Best overall: {leader}, mean score {score}; {decision.text}.")
    elif of_all or strategies is None:
        parts.append(f"No clear winner: there is {decision.text}.")
    else:
        beyond = [name for name in decision.tied if name not in {strategies.leader, *strategies.comparisons}]
        within = [name for name in decision.tied if name not in beyond]
        if within:
            others = f", and {listing(beyond)} cannot be told apart from the best" if beyond else ""
            parts.append(f"No other mixture is significantly better than {listing(within)}{others}.")
        else:
            parts.append(f"Better than every strategy: {listing(beyond)}, which cannot be told apart.")
    if not decision.winner:
        parts.append(
            f"Recommended is any of the {len(decision.tied)} that cannot be told apart, such as {chosen}"
            f" ({plus_minus(summary[chosen]['mean'])}), whose shares are nearest to their mean."
        )
    return " ".join(parts)


def _of_strategies(decision: Decision, summary: Summary) -> str:
    """The first sentence: which of the experiment's own strategies wins."""
    count = len(decision.comparisons) + 1
    if decision.winner:
        return f"Of the {count} strategies {decision.winner} is best: {plus_minus(summary[decision.winner]['mean'])}."
    if len(decision.tied) == count:
        return f"None of the {count} strategies is significantly better than another."
    return f"Of the {count} strategies {listing(decision.tied)} are best and cannot be told apart."


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


def _realised(optimum: Mapping[str, Any], name: str, summary: Summary, decision: Decision) -> dict[str, Any]:
    """What the surrogate promised, what the trained model scored, and why it lost, if it did."""
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
    if decision.claims and name in decision.comparisons and name not in decision.tied:
        text += f" It loses to {decision.leader}: {_reason(optimum, cell['score'], decision.comparisons[name])}."
    return {**found, "realised": cell["score"], "realised_interval": list(cell["interval"]), "text": text}


def _reason(optimum: Mapping[str, Any], realised: float, lost_by: Mapping[str, Any]) -> str:
    """Why an optimum lost, from what was predicted of it and what it lost by."""
    interval, comparable = optimum["interval"], optimum.get("comparable", True)
    if interval is None or not comparable:
        return "the search judged mixtures by another measure or size than this comparison"
    if realised < interval[0]:
        return "the surrogate promised more than its training bore out"
    if lost_by["difference"] < interval[1] - interval[0]:
        return "the difference is smaller than the surrogate's own uncertainty"
    return "the prediction held, so the search missed a better mixture"


def _promise(optimum: Mapping[str, Any], realised: float) -> str:
    """What the search expected of its mixture, and whether the real score bears it out where the two compare."""
    expected = f"{optimum['prediction']:.3f}"
    if optimum["interval"] is None:
        return f"The search's own score was {expected}"
    if not optimum.get("comparable", True):
        return f"{optimum['surrogate']} predicted {expected} of its objective at its runs' size, another scale"
    low, high = optimum["interval"]
    inside = "inside" if low <= realised <= high else "outside"
    return f"{optimum['surrogate']} predicted {expected} ({low:.3f} to {high:.3f}), and the real score is {inside} that"
