"""Methods compared by losses on test text: against stratified sampling, paired by seed, with all that each costs.

The mean test perplexity of a run is the mean over its sources of exp(loss), as in the tables of the Aioli paper
(arXiv 2411.05735, tables 2 and 3). Who is best is decided by mean losses (`decide`), for a perplexity weighs a source
the more the worse it is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emulsion.analysis.compare import ALPHA, holm_by_name
from emulsion.analysis.decide import Decision
from emulsion.analysis.identity import Same
from emulsion.errors import UserError
from emulsion.student import Estimate

SINGLE = "one training each: no claim"
BEST, TIED, BEHIND = "best", "not told from the best", "behind the best"
COSTS = ("extra_runs", "extra_tokens", "probe_tokens", "evaluation_tokens", "extra_evaluation_tokens")


@dataclass(frozen=True, kw_only=True)
class MethodRun:
    """One run of a mixture.

    losses   {source: test loss, nats per token}
    cost     that of its run.json (`training.costs`); None of a run that was trained before costs were recorded
    seconds  of its training
    tokens   of its training
    shares   {source: share of the tokens that it drew}
    weights  of sources in its mean loss; all alike where there are none
    """

    mixture: str
    seed: int
    losses: Mapping[str, float]
    cost: Mapping[str, Any] | None
    seconds: float
    tokens: int
    shares: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def perplexity(self) -> float:
        return float(np.mean([math.exp(loss) for loss in self.losses.values()]))

    @property
    def loss(self) -> float:
        weights = [self.weights.get(source, 0.0) if self.weights else 1.0 for source in self.losses]
        return float(np.average(list(self.losses.values()), weights=weights))

    @property
    def costs(self) -> dict[str, int | None]:
        """By the keys of COSTS; null where they were not recorded."""
        if self.cost is None:
            return dict.fromkeys(COSTS)
        known = {**self.cost, "extra_runs": sum(each["runs"] for each in self.cost["needed"])}
        return {key: int(known[key]) for key in COSTS}


Runs = Mapping[int, MethodRun]  # {seed: run} of a mixture


def rows(runs: Sequence[MethodRun], stratified: str | None) -> list[dict[str, Any]]:
    """The rows of methods.csv, one for each run, in order.

    stratified: the mixture of all sources alike, if it was trained. Raises UserError where there is no run.
    """
    if not runs:
        raise UserError("methods: there is no run to compare.")
    base = {run.seed: run for run in runs if run.mixture == stratified}
    return [
        {
            "method": run.mixture,
            "seed": run.seed,
            "mean_test_perplexity": run.perplexity,
            "difference_to_stratified": run.perplexity - base[run.seed].perplexity if run.seed in base else None,
            "mean_test_loss": run.loss,
            "loss_difference_to_stratified": run.loss - base[run.seed].loss if run.seed in base else None,
            **run.costs,
            "seconds": run.seconds,
            **{f"test_loss_{source}": loss for source, loss in run.losses.items()},
            **{f"share_{source}": share for source, share in run.shares.items()},
        }
        for run in runs
    ]


def leaderboard(
    runs: Sequence[MethodRun],
    stratified: str | None,
    same: Same,
    decision: Decision,
    replays: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """{"decision", "stratified", "methods": [row], "replays": [row]}, best first; of mixtures that are one the first.

    decision: on their mean losses
    replays: {mixture: {"method", "average"}} of those that train again what was decided
    `costs` of a row are those of each of its `names`: of mixtures that are one, each was decided in its own way.
    A row of a mixture has means over seeds, and against stratified sampling the `difference_to_stratified` of mean
    test perplexity with its 95 % `interval` and `p_holm` over seeds in common (null with fewer than two), a `verdict`,
    the same of the mean loss and of the loss on each source; where `decide` puts it, and its costs.
    """
    each_of: dict[str, dict[int, MethodRun]] = {}
    for run in runs:
        each_of.setdefault(run.mixture, {})[run.seed] = run
    of = {name: own for name, own in each_of.items() if name in same.labels}
    base = of.get(same.first.get(stratified or "", ""), {})
    compared = {name: paired(each, base, _perplexity) for name, each in of.items() if each is not base and base}
    adjusted = holm_by_name({name: cell["p"] for name, cell in compared.items()})
    ranked = sorted(of, key=lambda name: float(np.mean([run.loss for run in of[name].values()])))
    rest = {name: base if name in compared else {} for name in of}
    return {
        "decision": decision.to_json(),
        "stratified": same.first.get(stratified) if stratified else None,
        "tokens": runs[0].tokens,
        "sources": list(runs[0].losses),
        "loss_weights": dict(runs[0].weights) or None,
        "methods": [
            {
                "method": same.labels[name],
                "names": [each for each, first in same.first.items() if first == name],
                "seeds": len(of[name]),
                "mean_test_loss": _mean(of[name], _loss),
                "mean_test_perplexity": _mean(of[name], _perplexity),
                **_verdict(compared.get(name), adjusted.get(name)),
                "loss_to_stratified": _shown(paired(of[name], rest[name], _loss)),
                "place": _place(name, decision),
                "by_source": _by_source(of[name], rest[name]),
                "costs": {each: _costs(each_of[each]) for each, first in same.first.items() if first == name},
            }
            for name in ranked
        ],
        "replays": _replays(of, base, same, replays or {}),
    }


def paired(runs: Runs, base: Runs, value: Callable[[MethodRun], float]) -> dict[str, Any]:
    """{"difference", "interval", "p"} of runs less base over the seeds of both, by a t-test; null where unknown."""
    seeds = [seed for seed in runs if seed in base]
    differences = np.array([value(runs[seed]) - value(base[seed]) for seed in seeds])
    if not len(seeds):
        return {"difference": None, "interval": None, "p": None}
    if len(seeds) < 2:
        return {"difference": float(differences.mean()), "interval": None, "p": None}
    return Estimate.mean(differences).cell()


def _perplexity(run: MethodRun) -> float:
    return run.perplexity


def _loss(run: MethodRun) -> float:
    return run.loss


def _mean(runs: Runs, value: Callable[[MethodRun], float]) -> float:
    return float(np.mean([value(run) for run in runs.values()]))


def _shown(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {key: cell[key] for key in ("difference", "interval")}


def _by_source(runs: Runs, base: Runs) -> dict[str, dict[str, Any]]:
    """{source: mean loss and perplexity, difference of the loss to stratified with its interval, mean share}."""
    return {source: _of_source(source, runs, base) for source in next(iter(runs.values())).losses}


def _of_source(source: str, runs: Runs, base: Runs) -> dict[str, Any]:
    def loss(run: MethodRun) -> float:
        return run.losses[source]

    return {
        "loss": _mean(runs, loss),
        "perplexity": _mean(runs, lambda run: math.exp(loss(run))),
        **_shown(paired(runs, base, loss)),
        "share": _mean(runs, lambda run: run.shares.get(source, 0.0)),
    }


def _costs(runs: Runs) -> dict[str, Any]:
    """The costs of the run that has most, what was needed, the extra tokens in runs of this size, and mean seconds."""
    most = max(runs.values(), key=lambda run: run.costs["extra_tokens"] or 0)
    extra = most.costs["extra_tokens"]
    needed = [] if most.cost is None else [each["what"] for each in most.cost["needed"]]
    seconds = float(np.mean([run.seconds for run in runs.values()]))
    in_runs = None if extra is None else extra / most.tokens
    return {**most.costs, "extra_in_runs": in_runs, "seconds": seconds, "needed": needed}


def by_name(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{mixture: its row with its own costs} of a leaderboard's content, best first.

    What is the same mixture as stratified sampling differs from it by nothing; stratified sampling itself has no
    difference.
    """
    nothing = {"difference": 0.0, "interval": [0.0, 0.0]}
    found = {}
    for row in board["methods"]:
        for name in row["names"]:
            found[name] = {**row, "method": name, **row["costs"][name]}
            if board["stratified"] in row["names"] and name != board["stratified"]:
                alike = {"difference_to_stratified": 0.0, "interval": [0.0, 0.0], "loss_to_stratified": nothing}
                verdict = "no significant difference" if row["seeds"] > 1 else SINGLE
                found[name] |= {**alike, "verdict": verdict}
    return found


def _place(name: str, decision: Decision) -> str:
    if name not in decision.tied:
        return BEHIND
    return BEST if decision.winner == name else TIED


def _verdict(cell: Mapping[str, Any] | None, p_holm: float | None) -> dict[str, Any]:
    if cell is None:
        return {"difference_to_stratified": None, "interval": None, "p_holm": None, "verdict": ""}
    if p_holm is None:
        verdict = SINGLE
    elif p_holm >= ALPHA:
        verdict = "no significant difference"
    else:
        verdict = "better" if cell["difference"] < 0 else "worse"
    shown = {"difference_to_stratified": cell["difference"], "interval": cell["interval"]}
    return {**shown, "p_holm": p_holm, "verdict": verdict}


def _replays(
    of: Mapping[str, Runs], base: Runs, same: Same, replays: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What adapting, the order of mixtures and their mean were worth, of every method that is trained again.

    feedback  the method less its trajectory, known before the run
    order     the trajectory less its mean, one mixture
    mixture   that mean less stratified sampling
    Each is a difference of mean test perplexity, negative where it helped; null where a run is missing.
    """
    found = []
    for method in dict.fromkeys(each["method"] for each in replays.values()):
        named = {each["average"]: name for name, each in replays.items() if each["method"] == method}
        names = (method, named.get(False, ""), named.get(True, ""))
        online, again, mean = (of.get(same.first.get(name, ""), {}) for name in names)
        pairs = {"feedback": (online, again), "order": (again, mean), "mixture": (mean, base)}
        parts = {key: paired(one, other, _perplexity) for key, (one, other) in pairs.items()}
        adjusted = holm_by_name({key: cell["p"] for key, cell in parts.items()})
        worth = {key: {**_shown(cell), "p_holm": adjusted.get(key)} for key, cell in parts.items()}
        found.append({"method": method, **worth})
    return found
