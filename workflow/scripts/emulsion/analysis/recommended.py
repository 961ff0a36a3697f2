"""Which of the mixtures that cannot be told apart from the best is recommended by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emulsion.analysis.judged import Judged


def recommended_of(judged: Sequence[Judged], ratios: Mapping[str, Mapping[str, float]]) -> tuple[str, str]:
    """The mixture to recommend, and why it stands for those that cannot be told apart from the best.

    What is tied by every measure, if there is any, else by the first. Of these the lowest mean loss, where losses are
    judged: trained again, it expects less than any other. Mean scores of capabilities are too noisy for that, so there
    it is the central one.
    """
    decision = judged[0].decision
    if not decision.claims:
        return decision.leader, ""
    tied = [name for name in decision.tied if name in ratios]
    by_all = [name for name in tied if all(name in each.decision.tied for each in judged)]
    names = by_all or tied
    losses = next((each for each in judged if each.measure.lower), None)
    if losses is None:
        return central(names, ratios), "whose shares are nearest to their mean"
    lowest = min(names, key=lambda name: losses.scores[name].score())
    of_whom = "those that no measure tells apart" if by_all and len(judged) > 1 else "them"
    return lowest, f"which has the lowest mean test loss of {of_whom}"


def central(names: Sequence[str], ratios: Mapping[str, Mapping[str, float]]) -> str:
    """The mixture whose shares are nearest to the mean of all, by the sum of differences; the first of equals."""
    sources = list(dict.fromkeys(source for name in names for source in ratios[name]))
    shares = {name: [ratios[name].get(source, 0.0) for source in sources] for name in names}
    middle = [sum(column) / len(names) for column in zip(*shares.values(), strict=True)]
    return min(names, key=lambda name: round(sum(abs(a - b) for a, b in zip(shares[name], middle, strict=True)), 9))
