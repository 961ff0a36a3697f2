"""What mixtures are judged by, and everything that is decided of them by it.

An experiment is judged by losses on test text, by capabilities, or by both. A `Measure` has the words for one of
these, a `Judged` its decisions: whatever speaks of mixtures takes both from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulsion.analysis.decide import Decision, decide, decide_all
from emulsion.analysis.identity import Same, by_mixture, same_mixtures
from emulsion.analysis.improvement import improvement
from emulsion.analysis.loss_scores import all_loss_scores, summarise_losses
from emulsion.analysis.scores import MEAN, ItemScores, Results, all_item_scores
from emulsion.analysis.summary import combine
from emulsion.analysis.trade_offs import pareto
from emulsion.perplexity import diverged_mixtures


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How to speak of one way of judging.

    kind    "losses" or "capabilities", the section of a summary that has its groups
    value   what a cell calls its number
    name    of the mean over all groups; `group` of one of them, `groups` of several
    best    what the best mixture has of it
    unit    after a number
    """

    kind: str
    value: str
    name: str
    group: str
    groups: str
    best: str
    unit: str
    lower: bool

    def text(self, cell: Mapping[str, Any]) -> str:
        """'0.612 ± 0.034', the half-width of the 95 % interval."""
        low, high = cell["interval"]
        return f"{cell[self.value]:.3f} ± {(high - low) / 2:.3f}"

    def of(self, record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """{group, and last "mean": cell} of a mixture in a summary."""
        return {**record["sources" if self.lower else "capabilities"], MEAN: record[MEAN]}


LOSSES = Measure(
    kind="losses",
    value="loss",
    name="mean test loss",
    group="source",
    groups="sources",
    best="lowest",
    unit=" nats per token",
    lower=True,
)
CAPABILITIES = Measure(
    kind="capabilities",
    value="score",
    name="mean score",
    group="capability",
    groups="capabilities",
    best="highest",
    unit="",
    lower=False,
)
MEASURES = {measure.kind: measure for measure in (LOSSES, CAPABILITIES)}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Mixtures as one measure has them.

    summary      {mixture: its means with intervals}, of all that are concluded on
    decisions    {group, and "mean": decision} among the candidates
    strategies   the decision on the mean among the experiment's own strategies; None where it has none
    pareto       trade-offs between groups
    improvement  of the best over single sources; None where none was trained
    """

    measure: Measure
    scores: Mapping[str, ItemScores]
    summary: Mapping[str, Mapping[str, Any]]
    decisions: Mapping[str, Decision]
    strategies: Decision | None = None
    pareto: Mapping[str, Any] = field(default_factory=dict)
    improvement: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def decision(self) -> Decision:
        return self.decisions[MEAN]


def judge_by(
    kind: str,
    results: Results,
    candidates: Sequence[str],
    singles: Sequence[str] = (),
    strategies: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
) -> Judged:
    """All decisions by one measure.

    kind: "losses" or "capabilities"; results: {mixture: {seed: content of `perplexity.json` or `capabilities.json`}};
    weights: of sources in the mean loss.
    """
    measure = MEASURES[kind]
    scores = all_loss_scores(results, weights) if measure.lower else all_item_scores(results)
    ours = {name: scores[name] for name in candidates}

    def summarise(some: Mapping[str, ItemScores]) -> dict[str, dict[str, Any]]:
        return summarise_losses(some, results) if measure.lower else combine(some)

    # Candidates have the noise that decides of them, so that every figure of them has the same intervals.
    summary = {**summarise(scores), **summarise(ours)}
    points = {
        name: {group: float(cell[measure.value]) for group, cell in measure.of(record).items() if group != MEAN}
        for name, record in summary.items()
    }
    decisions = decide_all(ours)
    return Judged(
        measure=measure,
        scores=scores,
        summary=summary,
        decisions=decisions,
        strategies=decide({name: scores[name] for name in strategies}) if strategies else None,
        pareto=pareto(points, lower=measure.lower),
        improvement=improvement(scores, decisions[MEAN].leader, singles) if singles else None,
    )


@dataclass(frozen=True, kw_only=True)
class JudgedRuns:
    """Finished runs, judged by mixture.

    same        which mixtures are one and the same, of which the first stands for all
    diverged    mixtures with a run that diverged; neither compared nor recommended where others are left
    candidates  mixtures that may be recommended
    by          one for each way of judging
    """

    same: Same
    diverged: list[str]
    candidates: list[str]
    by: list[Judged]


def judge_runs(
    groups: Mapping[str, Any],
    mixtures: Sequence[str],
    seeds: Sequence[int],
    records: Sequence[Mapping[str, Any]],
    files: Mapping[str, Iterable[Mapping[str, Any]]],
) -> JudgedRuns:
    """All decisions by each measure.

    groups: {"candidates", "singles", "strategies": mixtures, "loss_weights"}; mixtures, seeds, records: of each run,
    the last its `run.json`; files: {"losses" or "capabilities": content of `perplexity.json` or `capabilities.json` of
    each run}.
    """
    same = same_mixtures(mixtures, [record["identity"] for record in records])
    diverged = same.once(diverged_mixtures(mixtures, records))
    sound, singles, strategies = (
        [mixture for mixture in same.once(groups.get(kind, ())) if mixture not in diverged]
        for kind in ("candidates", "singles", "strategies")
    )
    candidates = sound or same.once(groups["candidates"])
    by = [
        judge_by(
            kind,
            same.merged(by_mixture(mixtures, seeds, contents)),
            candidates,
            singles,
            strategies,
            groups["loss_weights"],
        )
        for kind, contents in files.items()
    ]
    return JudgedRuns(same=same, diverged=diverged, candidates=candidates, by=by)
