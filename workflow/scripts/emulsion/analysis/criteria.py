"""Success criteria: criterion, verdict, evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.analysis.compare import listing
from emulsion.analysis.decide import NO_CLAIM, Decision
from emulsion.analysis.judged import Measure
from emulsion.analysis.trade_offs import TRADE_OFF
from emulsion.files import read_object, sha256

MET, NOT_MET, UNDECIDED = "met", "not met", "undecided"
TARGET = 0.20  # "> 20 % improvement over single-dataset training"

Row = dict[str, str]


def success_criteria(
    decision: Decision,
    improvement: Mapping[str, Mapping[str, Any]] | None,
    pareto: Mapping[str, Any],
    measure: Measure,
    recipe: Mapping[str, Any],
    retrained: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Rows {"criterion", "verdict", "evidence"} from the decision on the mean, `improvement` and `pareto`.

    measure: what they speak of. recipe, retrained: {"run", "identity", "weights"}, the last a fingerprint of the
    trained weights; retrained: of the same run spec trained once more, None where that was not done.
    """
    return [
        _clear_winner(decision),
        *(_improved(improvement, which, measure, decision.claims) for which in ("best", "mean")),
        _trade_offs(pareto, measure),
        _reproducible(recipe, retrained),
    ]


def row_of(criterion: str, verdict: str, evidence: str) -> Row:
    return {"criterion": criterion, "verdict": verdict, "evidence": evidence}


def _clear_winner(decision: Decision) -> Row:
    """Without seed noise the question stays open: any lead among single runs may be owed to the seed."""
    verdict = MET if decision.winner else NOT_MET
    evidence = _sentence(decision.text)[:-1]
    if decision.alone or not decision.claims:
        verdict = UNDECIDED
    else:
        worst = max(cell["p_holm"] for cell in decision.comparisons.values())
        evidence += f" (largest p after Holm's correction: {worst:.3g})"
    return row_of("Clear winner among the mixtures", verdict, f"{evidence}. {decision.note}")


def _improved(improvement: Mapping[str, Mapping[str, Any]] | None, which: str, measure: Measure, claims: bool) -> Row:
    """claims: whether the noise between seeds is known; without it the interval is of these runs, not of mixtures."""
    criterion = f"More than {100 * TARGET:.0f} % better than the {which} single-source model"
    if measure.lower:
        criterion = f"Perplexity more than {100 * TARGET:.0f} % below the {which} single-source model's"
    if improvement is None:
        return row_of(criterion, UNDECIDED, "No single-source model was trained.")
    found = improvement[which]
    reference = found["reference"]
    if reference == found["candidate"]:
        itself = f"{reference} is that model itself: it draws from one source alone{'' if claims else f'; {NO_CLAIM}'}."
        return row_of(criterion, NOT_MET if claims else UNDECIDED, itself)
    against = f"{reference} alone" if isinstance(reference, str) else f"the mean of {listing(reference)} alone"
    has = f"has a {measure.name} of" if measure.lower else "scores"
    scores = f"{found['candidate']} {has} {found['score']:.3f}, {against} {found['reference_score']:.3f}"
    if found["relative"] is None:
        nothing = not measure.lower and min(found["score"], found["reference_score"]) <= 0
        why = (
            "a ratio to a score of zero says nothing" if nothing else "their noise is too large or unknown for a ratio"
        )
        return row_of(criterion, UNDECIDED, f"{scores}; {why}.")
    low, high = found["interval"]
    least, most = (-high, -low) if measure.lower else (low, high)
    verdict = MET if least > TARGET else NOT_MET if most < TARGET else UNDECIDED
    ratio = f"{percent(found['relative'])} (95 % interval {percent(low)} to {percent(high)})"
    evidence = f"{scores}: {f'{ratio} of perplexity' if measure.lower else ratio}"
    if not claims:
        return row_of(criterion, UNDECIDED, f"{evidence}, of these runs; {NO_CLAIM}.")
    return row_of(criterion, verdict, f"{evidence}.")


def _trade_offs(pareto: Mapping[str, Any], measure: Measure) -> Row:
    """Understood means tested: that no pair of capabilities pulls apart is an answer too."""
    groups = f"losses on {measure.groups}" if measure.lower else measure.groups
    criterion = f"Trade-offs between {groups} understood"
    tested = [row for row in pareto["trade_offs"] if row["p"] is not None]
    if not tested:
        return row_of(criterion, UNDECIDED, f"Too few mixtures or {measure.groups} to relate them to each other.")
    against = [f"{row['a']} against {row['b']} (rho {row['rho']:.2f})" for row in tested if row["verdict"] == TRADE_OFF]
    found = f"significant trade-offs: {listing(against)}" if against else "no significant trade-off"
    pairs = f"{len(tested)} pair{'s' * (len(tested) != 1)} of {measure.groups} over {tested[0]['mixtures']} mixtures"
    return row_of(criterion, MET, f"{pairs}: {found}. On the Pareto front: {listing(pareto['front'])}.")


def _reproducible(recipe: Mapping[str, Any], retrained: Mapping[str, Any] | None) -> Row:
    criterion, named = "Reproducible recipe", f"Run {recipe['run']}, identity {recipe['identity']}"
    if retrained is None:
        return row_of(criterion, UNDECIDED, f"{named}; it was not trained a second time.")
    if retrained["identity"] != recipe["identity"]:
        return row_of(criterion, UNDECIDED, f"{named}; what was trained again is another run, {retrained['identity']}.")
    if retrained["weights"] == recipe["weights"]:
        return row_of(criterion, MET, f"{named}; trained again it gave the same weights ({recipe['weights'][:16]}).")
    why = "as with another micro_batch, number of threads or device"
    return row_of(criterion, NOT_MET, f"{named}; trained again it gave other weights, {why}.")


def percent(share: float) -> str:
    """'+12.3 %'."""
    return f"{100 * share:+.1f} %"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def recipe_of(record: Path) -> dict[str, Any]:
    """What identifies a run, and the fingerprint of the weights it ended with."""
    weights = sha256(record.parent / "model.safetensors")
    return {"run": record.parent.name, "identity": read_object(record)["identity"], "weights": weights}
