"""The conclusions of an experiment as data: what is best, how sure that is, why, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.ablations import CONTRIBUTES, NEITHER
from emulsion.analysis.advice import advice
from emulsion.analysis.compare import listing
from emulsion.analysis.decide import Decision
from emulsion.analysis.judged import Judged, Measure
from emulsion.analysis.recommended import recommended_of
from emulsion.analysis.scores import MEAN
from emulsion.analysis.trade_offs import TRADE_OFF
from emulsion.errors import UserError
from emulsion.report.conclusion import Conclusion
from emulsion.report.exports import all_exports, config_block
from emulsion.report.loss_tables import losses_of
from emulsion.report.promises import realised


def recommendations(found: Conclusion) -> dict[str, Any]:
    """The content of `recommendations.json`; what was not analysed is None there.

    Recommended is the winner; or else the set of those that cannot be told apart, by the name of one of them, see
    `recommended_of`; or, where nothing can be claimed, the best score or loss.
    Raises UserError where the ratios of what is to be recommended are not known.
    """
    judged, ratios, same, sizes = found.judged, found.ratios, found.same, found.sizes
    main, measure = judged[0], judged[0].measure
    decision, decisions, summary = main.decision, main.decisions, main.summary
    by_kind = {each.measure.kind: each for each in judged}
    losses, scores = by_kind.get("losses"), by_kind.get("capabilities")
    promised = next((each for each in judged if each.measure.kind == (found.optimum or {}).get("of")), main)
    training = {source: size.tokens for source, size in sizes.items()}
    epochs = found.tokens / len(training) / max(min(training.values()), 1)
    chosen, why = recommended_of(judged, ratios)
    by_losses = losses_of(losses, ratios, training, found.alone, chosen) if losses and chosen in ratios else None
    alike = [row["text"] for row in by_losses["alike"]] if by_losses else []
    if chosen not in ratios:
        raise UserError(f"recommendations: the ratios of mixture '{chosen}' are not known.")
    stages = found.schedules[chosen]
    return {
        "experiment": found.experiment,
        "title": found.title,
        "judged_by": [each.measure.kind for each in judged],
        "answer": " ".join([_answers(judged, chosen, why), *alike]),
        "decision": decision.to_json(),
        "strategies": main.strategies and main.strategies.evidence(),
        "decisions": {group: each.to_json() for group, each in decisions.items() if group != MEAN},
        "same": {name: label for name, label in same.labels.items() if label != name},
        "note": f"{decision.note}{same.note}{_different_models(found.models)}{found.remarks}",
        "recommended": {
            "mixture": chosen,
            "ratios": dict(ratios[chosen]),
            **_value(measure, summary[chosen][MEAN]),
            "clear_winner": decision.winner is not None,
            "why": why,
            "set": list(decision.tied) if decision.claims else [],
            "config": config_block(ratios[chosen], stages=stages),
        },
        "overall": decision.evidence(),
        "best_per_capability": scores and _best(scores),
        "contributions": _contributions(found.contributions),
        "trade_offs": _trade_offs(main),
        "optimum": found.optimum and realised(found.optimum, found.optimum_name, promised, found.outcome),
        "criteria": [dict(row) for row in found.criteria],
        "scores": scores and {mixture: _values(scores.measure, record) for mixture, record in scores.summary.items()},
        "losses": by_losses and losses and {**by_losses, "best_per_source": _best(losses)},
        "exports": all_exports(ratios[chosen], sizes, found.tokens, len(stages)),
        "advice": advice(found.worlds, found.trained, len(training), epochs),
        "predictions": found.predictions,
    }


def _different_models(models: Mapping[str, str]) -> str:
    if not models:
        return ""
    each = listing([f"{mixture} is {model}" for mixture, model in models.items()])
    return f" The models differ: {each}. A difference between them need not be one between mixtures."


def _answers(judged: Sequence[Judged], chosen: str, why: str) -> str:
    """The answer by each measure; with two, which is whose."""
    if len(judged) == 1:
        return _answer(judged[0], chosen, why)
    return " ".join(f"By {each.measure.kind}: {_answer(each, chosen, why)}" for each in judged)


def _answer(judged: Judged, chosen: str, why: str) -> str:
    """Which strategy wins; whether a baseline or the optimum does better; what follows. why: of `recommended_of`."""
    decision, strategies, measure = judged.decision, judged.strategies, judged.measure
    leader, of_all = decision.leader, strategies is None or set(strategies.comparisons) == set(decision.comparisons)
    score = f"{measure.text(judged.summary[leader][MEAN])}{measure.unit}"
    if decision.alone:
        return f"{leader} is the only mixture there is; its {measure.name} is {score}."
    if not decision.claims:
        said = f"{decision.text[0].upper()}{decision.text[1:]}"
        best = f"{leader} has the {measure.best} {measure.name}, {score}"
        return f"{said}. {best}; trained again, another may lead. Add seeds to compare mixtures."
    parts = [] if strategies is None or of_all or strategies.alone else _of_strategies(strategies, judged)
    if decision.winner:
        parts.append(f"Best overall: {leader}, {measure.name} {score}; {decision.text}.")
    elif of_all or strategies is None:
        parts.append(f"No clear winner: there is {decision.text}.")
    else:
        beyond = [name for name in decision.tied if name not in {strategies.leader, *strategies.comparisons}]
        within = [name for name in decision.tied if name not in beyond]
        if within:
            others = f"; {listing(beyond)} cannot be told apart from the best either" if beyond else ""
            parts.append(f"No other mixture is significantly better than {listing(within)}{others}.")
        else:
            # Those that are tied with it were not tested against the strategies.
            others = f"{listing(beyond[1:])} cannot be told apart from it"
            parts.append(f"Better than every strategy: {leader}; {others}.")
    if not decision.winner and chosen in decision.tied:
        parts.append(
            f"Recommended is any of the {len(decision.tied)} that cannot be told apart, such as {chosen}"
            f" ({measure.text(judged.summary[chosen][MEAN])}{measure.unit}), {why}."
        )
    return " ".join(parts)


def _of_strategies(decision: Decision, judged: Judged) -> list[str]:
    """The first sentences: which of the experiment's own strategies wins, and whether it does so among all mixtures."""
    count = len(decision.comparisons) + 1
    if len(decision.tied) == count:
        return [f"None of the {count} strategies is significantly better than another."]
    said = f"Of the {count} strategies {listing(decision.tied)} are best and cannot be told apart."
    if decision.winner:
        value = f"{judged.measure.text(judged.summary[decision.winner][MEAN])}{judged.measure.unit}"
        said = f"Of the {count} strategies {decision.winner} is best: {value}."
    tied = [name for name in judged.decision.tied if name in decision.comparisons and name not in decision.tied]
    if not tied:
        return [said]
    whole = f"Among all {len(judged.decision.comparisons) + 1} mixtures, where a difference has to be surer"
    return [said, f"{whole}, {listing(tied)} cannot be told apart from the best either."]


def _value(measure: Measure, cell: Mapping[str, Any]) -> dict[str, Any]:
    return {measure.value: cell[measure.value], "interval": list(cell["interval"])}


def _values(measure: Measure, record: Mapping[str, Any]) -> dict[str, Any]:
    return {group: _value(measure, cell) for group, cell in measure.of(record).items()}


def _best(judged: Judged) -> dict[str, Any]:
    """{group: the decision on it, and what its leader has}"""
    found = {}
    for group, each in judged.decisions.items():
        if group != MEAN:
            cell = judged.measure.of(judged.summary[each.leader])[group]
            found[group] = {**each.evidence(), **_value(judged.measure, cell)}
    return found


def _contributions(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Per source its main contribution and whatever else is significant."""
    if found is None:
        return None
    sources = {}
    if not found["capabilities"]:
        sources = {source: _lost_without(source, found) for source in found["top"]}
        return {"base": found["base"], "note": found["note"], "of": "losses", "sources": sources}
    for source, top in found["top"].items():
        cells = found["capabilities"][source]
        also = [n for n, cell in cells.items() if cell["verdict"] == CONTRIBUTES and n != top["capability"]]
        hurts = [name for name, cell in cells.items() if cell["verdict"] == "hurts"]
        sources[source] = {
            **top,
            "also_contributes_to": also,
            "hurts": hurts,
            "text": _contribution_text(source, top, found["mean"][source], also, hurts),
        }
    return {"base": found["base"], "note": found["note"], "of": "capabilities", "sources": sources}


def _lost_without(source: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What a source is worth in losses: on the mean, on its own text, and what others gain or lose."""
    mean, cells = found["mean_loss"][source], found["losses"][source]
    low, high = mean["interval"]
    amount = f"{mean['difference']:+.3f} nats (95 % interval {low:+.3f} to {high:+.3f})"
    text = f"without {source} the mean test loss changes by {amount}"
    also = [n for n, cell in cells.items() if cell["verdict"] == CONTRIBUTES and n != source]
    hurts = [name for name, cell in cells.items() if cell["verdict"] == "hurts"]
    if mean["verdict"] == NEITHER:
        text += ", not significantly"
    text += f"; on {source} itself by {cells[source]['difference']:+.3f}." if source in cells else "."
    text += f" It also helps {listing(also)}." if also else ""
    text += f" Without it the loss on {listing(hurts)} is lower." if hurts else ""
    return {**mean, "also_contributes_to": also, "hurts": hurts, "text": f"{text[0].upper()}{text[1:]}"}


def _contribution_text(
    source: str, top: Mapping[str, Any], mean: Mapping[str, Any], also: Sequence[str], hurts: Sequence[str]
) -> str:
    text = f"{source} mainly contributes to {top['capability']}: {_amount(top)}."
    if top["verdict"] != CONTRIBUTES:
        found = f"shows no significant contribution{'' if mean['verdict'] == NEITHER else ' to a single capability'}"
        text = f"{source} {found}; the largest is to {top['capability']}, {_amount(top)}."
        # The mean has more items and a family of tests of its own, so it may say what no capability does.
        does = "contributes to" if mean["verdict"] == CONTRIBUTES else "hurts"
        text += "" if mean["verdict"] == NEITHER else f" It {does} the mean: {_amount(mean)}."
    text += f" Also to {listing(also)}." if also else ""
    return text + (f" It hurts {listing(hurts)}." if hurts else "")


def _amount(cell: Mapping[str, Any]) -> str:
    low, high = cell["interval"]
    return f"{cell['difference']:+.3f} (95 % interval {low:+.3f} to {high:+.3f})"


def _trade_offs(judged: Judged) -> dict[str, Any] | None:
    pareto, groups = judged.pareto, judged.measure.groups
    if not pareto:
        return None
    significant = [row for row in pareto["trade_offs"] if row["verdict"] == TRADE_OFF]
    against = [f"{row['a']} against {row['b']} (rho {row['rho']:.2f}, p {row['p_holm']:.2g})" for row in significant]
    text = (
        f"{groups[0].upper()}{groups[1:]} that pull apart over mixtures: {listing(against)}."
        if against
        else (f"No pair of {groups} pulls apart significantly over the mixtures.")
    )
    front = f"On the Pareto front, beaten on every {judged.measure.group} by none: {listing(pareto['front'])}."
    return {**pareto, "text": f"{text} {front}"}
