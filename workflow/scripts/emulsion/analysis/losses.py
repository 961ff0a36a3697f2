"""Comparisons of test losses per source, paired over test sequences where they were recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student_t

from emulsion.analysis.compare import compare_pair
from emulsion.analysis.noise import estimate_seed_noise
from emulsion.analysis.scores import LEVEL, ItemScores, Record, Results, Runs
from emulsion.errors import UserError

PAIRED = "Losses are compared sequence by sequence."
UNPAIRED = (
    "Losses are compared by their intervals, as if measured on other text for each mixture, since no losses per"
    " sequence were recorded: wider intervals than a paired comparison would give."
)


def compare_losses(base: Runs, others: Results) -> tuple[dict[str, dict[str, dict[str, Any]]], str]:
    """{other: {source: cell}}, losses of `others` less those of `base` in nats per token; and how they were compared.

    The values are contents of `perplexity.json` by seed. Where each source has "sequence_losses", a list, the
    comparison is paired. Positive: the base has the lower loss. A cell is {"difference", "interval", "p"}.
    """
    records = [
        record["sources"][source]
        for runs in [base, *others.values()]
        for record in runs.values()
        for source in record["sources"]
    ]
    if all("sequence_losses" in record for record in records):
        return _paired(base, others), PAIRED
    return _unpaired(base, others), UNPAIRED


def _paired(base: Runs, others: Results) -> dict[str, dict[str, dict[str, Any]]]:
    first, losses = _as_scores(base), {name: _as_scores(runs) for name, runs in others.items()}
    noise = estimate_seed_noise({"": first, **losses})
    return {
        name: {source: compare_pair(each, first, source, noise, bounded=False) for source in first.values}
        for name, each in losses.items()
    }


def _as_scores(runs: Runs) -> ItemScores:
    """Losses [seeds, sequences] by source in the form of item scores."""
    table = {seed: record["sources"] for seed, record in sorted(runs.items())}
    sources = list(next(iter(table.values())))
    values = {
        source: np.array([by_source[source]["sequence_losses"] for by_source in table.values()], float)
        for source in sources
    }
    keys = {source: tuple((source, f"{n:06d}") for n in range(each.shape[1])) for source, each in values.items()}
    return ItemScores(seeds=tuple(table), items=keys, values=values, chance=dict.fromkeys(sources, None))


def _unpaired(base: Runs, others: Results) -> dict[str, dict[str, dict[str, Any]]]:
    sources = list(next(iter(base.values()))["sources"])
    return {
        name: {source: _cell(runs, base, source, [base, *others.values()]) for source in sources}
        for name, runs in others.items()
    }


def _cell(runs: Runs, base: Runs, source: str, family: Sequence[Runs]) -> dict[str, Any]:
    seeds = [seed for seed in runs if seed in base]
    if not seeds:
        raise UserError(f"losses of runs with seeds {list(runs)} and {list(base)}: none in common.")
    sides = [[each[seed]["sources"][source] for seed in seeds] for each in (runs, base)]
    difference = _mean_loss(sides[0]) - _mean_loss(sides[1])
    text = math.hypot(*(_text_error(side) for side in sides))  # the same text for every seed: seeds do not reduce it
    spread, df = _run_spread(family, source)
    run = spread * math.sqrt(2 / len(seeds))
    whole = math.hypot(text, run)
    # As for scores (`compare`): a claim must survive other text and, with the run as its unit, other seeds.
    half = max(whole * float(norm.ppf((1 + LEVEL) / 2)), run * float(student_t.ppf((1 + LEVEL) / 2, df)))
    p = max(2 * float(norm.sf(_ratio(difference, whole))), 2 * float(student_t.sf(_ratio(difference, run), df)))
    return {"difference": difference, "p": p, "interval": [difference - half, difference + half]}


def _ratio(difference: float, error: float) -> float:
    """The difference in standard errors; infinite where there is a difference and no error."""
    return abs(difference) / error if error else math.inf if difference else 0.0


def _mean_loss(records: Sequence[Record]) -> float:
    return float(np.mean([record["loss"] for record in records]))


def _text_error(records: Sequence[Record]) -> float:
    """The standard error that the choice of test text leaves, from the 95 % intervals."""
    widths = [record["loss_interval"][1] - record["loss_interval"][0] for record in records]
    return float(np.mean(widths)) / (2 * float(norm.ppf((1 + LEVEL) / 2)))


def _run_spread(family: Sequence[Runs], source: str) -> tuple[float, float]:
    """Standard deviation between seeds, pooled over the mixtures that have several, and its degrees of freedom."""
    groups = [[record["sources"][source]["loss"] for record in runs.values()] for runs in family if len(runs) > 1]
    df = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    return (math.sqrt(squares / df), float(df)) if df else (0.0, 1.0)
