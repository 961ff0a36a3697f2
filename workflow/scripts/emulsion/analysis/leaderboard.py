"""Methods compared by losses on test text: against stratified sampling, paired by seed, with all that each costs.

The mean test perplexity of a run is the mean over its sources of exp(loss), as in the tables of the Aioli paper
(arXiv 2411.05735, tables 2 and 3). Who is best is decided by mean losses (`decide`), for a perplexity weighs a source
the more the worse it is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from emulsion.analysis.decide import Decision
from emulsion.analysis.holm import holm_by_name
from emulsion.analysis.identity import Same
from emulsion.errors import UserError

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class MethodRun:
    """One run of a mixture.

    losses             {source: test loss, nats per token}
    extra_tokens       trained on before it to decide the mixture: by a swarm, a guide or a search
    evaluation_tokens  read to observe while it trained
    seconds            of its training
    weights            of sources in its mean loss; all alike where there are none
    """

    mixture: str
    seed: int
    losses: Mapping[str, float]
    extra_tokens: int
    evaluation_tokens: int
    seconds: float
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def perplexity(self) -> float:
        return float(np.mean([math.exp(loss) for loss in self.losses.values()]))

    @property
    def loss(self) -> float:
        weights = [self.weights.get(source, 0.0) if self.weights else 1.0 for source in self.losses]
        return float(np.average(list(self.losses.values()), weights=weights))


def rows(runs: Sequence[MethodRun], stratified: str | None) -> list[dict[str, Any]]:
    """The rows of methods.csv, one for each run, in order.

    stratified: the mixture of all sources alike, if it was trained. Raises UserError where there is no run.
    """
    if not runs:
        raise UserError("methods: there is no run to compare.")
    base = {run.seed: run.perplexity for run in runs if run.mixture == stratified}
    return [
        {
            "method": run.mixture,
            "seed": run.seed,
            "mean_test_perplexity": run.perplexity,
            "difference_to_stratified": run.perplexity - base[run.seed] if run.seed in base else None,
            "extra_tokens": run.extra_tokens,
            "evaluation_tokens": run.evaluation_tokens,
            "seconds": run.seconds,
            **{f"test_loss_{source}": loss for source, loss in run.losses.items()},
        }
        for run in runs
    ]


def leaderboard(runs: Sequence[MethodRun], stratified: str | None, same: Same, decision: Decision) -> dict[str, Any]:
    """{"decision", "methods": [row]} of the mixtures, best first; of those that are one and the same the first.

    decision: on their mean losses. A row has means over seeds, and against stratified the `difference` of perplexity,
    its 95 % `interval` and `p_holm` over seeds in common (null with fewer than two), and a `verdict`.
    """
    of: dict[str, dict[int, MethodRun]] = {}
    for run in runs:
        if run.mixture in same.labels:
            of.setdefault(run.mixture, {})[run.seed] = run
    base = of.get(same.first.get(stratified or "", ""), {})
    compared = {name: _against(each, base) for name, each in of.items() if each is not base and base}
    adjusted = holm_by_name({name: cell["p"] for name, cell in compared.items() if cell["p"] is not None})
    ranked = sorted(of, key=lambda name: float(np.mean([run.loss for run in of[name].values()])))
    return {
        "decision": decision.to_json(),
        "stratified": same.first.get(stratified) if stratified else None,
        "methods": [
            {
                "method": same.labels[name],
                "seeds": len(of[name]),
                "mean_test_loss": float(np.mean([run.loss for run in of[name].values()])),
                "mean_test_perplexity": float(np.mean([run.perplexity for run in of[name].values()])),
                **_verdict(compared.get(name), adjusted.get(name)),
                "extra_tokens": max(run.extra_tokens for run in of[name].values()),
                "evaluation_tokens": max(run.evaluation_tokens for run in of[name].values()),
                "seconds": float(np.mean([run.seconds for run in of[name].values()])),
            }
            for name in ranked
        ],
    }


def _against(runs: Mapping[int, MethodRun], base: Mapping[int, MethodRun]) -> dict[str, Any]:
    """The paired difference of perplexity; the interval and p of a t-test over seeds."""
    seeds = [seed for seed in runs if seed in base]
    differences = np.array([runs[seed].perplexity - base[seed].perplexity for seed in seeds])
    if not len(seeds):
        return {"difference": None, "interval": None, "p": None}
    mean = float(differences.mean())
    if len(seeds) < 2:
        return {"difference": mean, "interval": None, "p": None}
    error = float(differences.std(ddof=1)) / math.sqrt(len(seeds))
    half = error * float(student_t.ppf((1 + LEVEL) / 2, len(seeds) - 1))
    p = 2 * float(student_t.sf(abs(mean) / error, len(seeds) - 1)) if error else float(mean == 0)
    return {"difference": mean, "interval": [mean - half, mean + half], "p": p}


def _verdict(cell: Mapping[str, Any] | None, p_holm: float | None) -> dict[str, Any]:
    if cell is None:
        return {"difference_to_stratified": None, "interval": None, "p_holm": None, "verdict": ""}
    if p_holm is None:
        verdict = "one training each: no claim"
    elif p_holm >= 1 - LEVEL:
        verdict = "no significant difference"
    else:
        verdict = "better" if cell["difference"] < 0 else "worse"
    shown = {"difference_to_stratified": cell["difference"], "interval": cell["interval"]}
    return {**shown, "p_holm": p_holm, "verdict": verdict}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def markdown(title: str, board: Mapping[str, Any], notices: Mapping[str, Sequence[str]]) -> str:
    """The leaderboard as a page; notices: {mixture: sentences about what an online method decided}."""
    lines = [
        f"# Methods compared: {title}",
        "",
        f"**{_sentence(board['decision']['text'])}.** By the mean test loss over sources; lower is better.",
        "",
        "| method | seeds | mean test loss | mean test perplexity | against stratified | | extra tokens | "
        "tokens read to observe | seconds |",
        "|---|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    for row in board["methods"]:
        difference = row["difference_to_stratified"]
        against = "" if difference is None else f"{difference:+.3f}"
        if row["interval"]:
            against += " [{:+.3f}, {:+.3f}]".format(*row["interval"])
        lines.append(
            f"| {row['method']} | {row['seeds']} | {row['mean_test_loss']:.4f} | {row['mean_test_perplexity']:.3f} | "
            f"{against} | {row['verdict']} | {row['extra_tokens']:,} | {row['evaluation_tokens']:,} | "
            f"{row['seconds']:.1f} |"
        )
    notes = [
        "Extra tokens were trained on before the run to decide its mixture, by a swarm, a guide or a search; methods "
        "that share a swarm are each charged all of it. Differences are of perplexity, paired by seed, with 95 % "
        "intervals over seeds; verdicts after Holm's correction."
    ]
    if board["stratified"] is None:
        notes.append("No mixture of all sources alike was trained, so nothing is compared with stratified sampling.")
    notes += [f"- {mixture}: {notice}" for mixture, each in notices.items() for notice in each]
    return "\n".join([*lines, "", *notes, ""])
