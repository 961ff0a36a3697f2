"""Runs held against limits: perplexity, coherence of what they write, stability of training, the same over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.analysis.criteria import MET, NOT_MET, UNDECIDED, Row, row_of
from emulsion.evaluation.intervals import clustered_interval
from emulsion.evaluation.quality import quality
from emulsion.perplexity import perplexity as perplexity_of
from emulsion.training.log import spike_steps

Limits = Mapping[str, float]


def run_metrics(
    record: Mapping[str, Any],
    perplexity: Mapping[str, Any],
    capabilities: Mapping[str, Any],
    generations: Sequence[Mapping[str, Any]],
    log: Sequence[Mapping[str, Any]],
    limits: Limits,
) -> dict[str, Any]:
    """All that is said of one run, from its run.json, perplexity.json, capabilities.json, generations and log."""
    kept = ("parameters", "tokens", "seconds", "peak_memory_bytes", "device", "smoke_check")
    return {
        "mixture": record["mixture"],
        "seed": record["spec"]["seed"],
        **{key: record.get(key) for key in kept},
        "perplexity": perplexities(perplexity["sources"], record["mixing_ratios"], limits["perplexity"]),
        "stability": stability(log),
        "generations": generation_metrics(generations, limits["coherent"]),
        "capabilities": capabilities["capabilities"],
        "tasks": {},
    }


def perplexities(sources: Mapping[str, Mapping[str, Any]], ratios: Mapping[str, float], limit: float) -> dict[str, Any]:
    """Of each source the perplexity, its interval and whether it keeps the limit; `mixed`: on the run's own mixture."""
    kept = {
        source: {
            "perplexity": each["perplexity"],
            "interval": each["perplexity_interval"],
            "bits_per_byte": each["bits_per_byte"],
            # Below the limit is what is asked for, so the criterion is one on its negative.
            "verdict": verdict([-bound for bound in reversed(each["perplexity_interval"])], -limit),
        }
        for source, each in sources.items()
    }
    mixed = perplexity_of(math.fsum(ratios[source] * each["loss"] for source, each in sources.items()))
    return {"mixed": mixed, "sources": kept}


def stability(log: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Spikes of the loss, and steps without a finite loss or gradient: a run has neither, or is not stable."""
    spikes = spike_steps(log)
    broken = [row["step"] for row in log if not _finite(row["loss"]) or not _finite(row["gradient_norm"])]
    return {
        "steps": len(log),
        "spikes_at_steps": spikes,
        "not_finite_at_steps": broken,
        "first_loss": log[0]["loss"],
        "last_loss": log[-1]["loss"],
        "verdict": NOT_MET if spikes or broken else MET,
    }


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def generation_metrics(generations: Sequence[Mapping[str, Any]], limit: float) -> dict[str, Any]:
    """Coherence, diversity and passed checks of a run's generations; undecided where there are none.

    The samples of one prompt are a cluster, so the interval of the coherent share knows how many prompts there are.
    """
    if not generations:
        return {"texts": 0, "verdict": UNDECIDED}
    found = quality([record["text"] for record in generations])
    coherent = np.array(found.pop("coherent"), dtype=float)
    prompts = [(record["suite"], record["id"]) for record in generations]
    interval = list(clustered_interval(coherent, prompts))
    return {
        **found,
        "coherent": {"share": float(coherent.mean()), "interval": interval, "prompts": len(set(prompts))},
        "passed": float(np.mean([record["passed"] for record in generations])),
        "verdict": verdict(interval, limit),
    }


def verdict(interval: Sequence[float], least: float) -> str:
    """Whether a value is at least so large: undecided where its interval lies on both sides."""
    low, high = interval
    return MET if low >= least else NOT_MET if high < least else UNDECIDED


def reproducibility(runs: Mapping[str, Mapping[str, Any]], most: float) -> dict[str, Any]:
    """{mixture: perplexity by seed, its mean, deviation and spread}; the spread is the deviation over the mean."""
    seeds: dict[str, dict[str, float]] = {}
    for run in runs.values():
        seeds.setdefault(run["mixture"], {})[str(run["seed"])] = run["perplexity"]["mixed"]
    return {mixture: _over_seeds(values, most) for mixture, values in seeds.items()}


def _over_seeds(values: Mapping[str, float], most: float) -> dict[str, Any]:
    mean = math.fsum(values.values()) / len(values)
    if len(values) < 2:
        return {"perplexity": dict(values), "mean": mean, "deviation": None, "spread": None, "verdict": UNDECIDED}
    deviation = float(np.std(list(values.values()), ddof=1))
    spread = deviation / mean
    summary = {"mean": mean, "deviation": deviation, "spread": spread, "verdict": MET if spread <= most else NOT_MET}
    return {"perplexity": dict(values), **summary}


def criteria(runs: Mapping[str, Mapping[str, Any]], over_seeds: Mapping[str, Any], limits: Limits) -> list[Row]:
    """Rows {"criterion", "verdict", "evidence"}: one for each run and limit, one for each mixture over its seeds."""
    rows = []
    for name, run in runs.items():
        for source, each in run["perplexity"]["sources"].items():
            low, high = each["interval"]
            measured = f"{each['perplexity']:.2f} (95 % interval {low:.2f} to {high:.2f})"
            rows.append(
                row_of(f"{name}: perplexity at most {limits['perplexity']:g} on {source}", each["verdict"], measured)
            )
        rows.append(row_of(f"{name}: coherent in {100 * limits['coherent']:g} %", *_coherence(run["generations"])))
        rows.append(row_of(f"{name}: stable training", run["stability"]["verdict"], _steps(run["stability"])))
    for mixture, each in over_seeds.items():
        spread = "one seed" if each["spread"] is None else f"spread {100 * each['spread']:.2g} %"
        evidence = f"{spread}: {', '.join(f'{value:.2f}' for value in each['perplexity'].values())}"
        rows.append(
            row_of(
                f"{mixture}: perplexity the same over seeds to {100 * limits['spread']:g} %", each["verdict"], evidence
            )
        )
    return rows


def _coherence(generations: Mapping[str, Any]) -> tuple[str, str]:
    if not generations["texts"]:
        return UNDECIDED, "no suite asks for texts"
    low, high = (100 * bound for bound in generations["coherent"]["interval"])
    share = f"{100 * generations['coherent']['share']:.0f} % (95 % interval {low:.0f} to {high:.0f} %)"
    prompts = generations["coherent"]["prompts"]
    return generations["verdict"], f"{share} of {generations['texts']} texts, written to {prompts} prompts"


def _steps(stability: Mapping[str, Any]) -> str:
    spikes, broken = len(stability["spikes_at_steps"]), len(stability["not_finite_at_steps"])
    return f"{spikes} spikes and {broken} steps without finite numbers in {stability['steps']:,} steps"
