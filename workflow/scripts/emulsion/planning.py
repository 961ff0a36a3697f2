"""What a plan will draw: shares, epochs, documents, and whether the sources are large enough."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from emulsion.sampling import SequencePlan


def excess_epochs(plan: SequencePlan, sequences: int, context: int, limit: float) -> list[str]:
    """A sentence for each source that a run of so many sequences repeats more than `limit` times."""
    problems = []
    for (source, size), drawn in zip(plan.sizes.items(), plan.counts(sequences), strict=True):
        if drawn > limit * size:
            problems.append(
                f"source '{source}' would be read {drawn / size:.2f} times (max_epochs is {limit:g}): "
                f"{drawn * context:,} tokens wanted, {size * context:,} there."
            )
    return problems


def describe_plan(plan: SequencePlan, sequences: int, context: int, documents: Mapping[str, int]) -> dict[str, Any]:
    """What a run of so many sequences draws, keyed by source.

    documents: {source: documents in its train split}, from which the samples are estimated as the same share.
    """
    counts = dict(zip(plan.sizes, plan.counts(sequences).tolist(), strict=True))
    targets = plan.targets(sequences)
    ratios = dict(zip(plan.sizes, (targets / sequences).tolist(), strict=True))
    epochs = {source: counts[source] / size if size else 0.0 for source, size in plan.sizes.items()}
    samples = {source: round(documents[source] * epochs[source]) for source in plan.sizes}
    deviations = np.abs(np.array(list(counts.values())) - targets)
    return {
        "mixing_ratios": ratios,
        "realised_shares": {source: count / sequences for source, count in counts.items()},
        "largest_deviation_sequences": float(deviations.max()),
        "tokens": sequences * context,
        "sequences": sequences,
        "context": context,
        "sequences_per_source": counts,
        "tokens_per_source": {source: count * context for source, count in counts.items()},
        "epochs_per_source": epochs,
        "total_samples": sum(samples.values()),
        "samples_per_source": samples,
        "stages": describe_stages(plan, sequences),
    }


def describe_stages(plan: SequencePlan, sequences: int) -> list[dict[str, Any]]:
    """What each stage of such a run draws, in order; all but its first sequence and its length is keyed by source.

    `offsets` are the sequences that were drawn before the stage, from which a source goes on: its epochs do not start
    again with a stage. `not_drawn` are the sequences due to sources that have a weight and get none: fractions of one.
    The deviation is that of all counts from the start of the run to the end of the stage.
    """
    stages = plan.schedule.stages
    described = []
    for stage, (start, end) in zip(
        stages, itertools.pairwise([*(each.start for each in stages), sequences]), strict=True
    ):
        offsets, drawn = plan.counts(start), plan.counts(end) - plan.counts(start)
        due = plan.targets(end) - plan.targets(start)
        absent = np.flatnonzero((due > 0) & (drawn == 0))
        names = list(plan.sizes)
        described.append(
            {
                "first_sequence": start,
                "sequences": end - start,
                "shares": dict(stage.mixture.over(names)),
                "sequences_per_source": dict(zip(names, drawn.tolist(), strict=True)),
                "offsets": dict(zip(names, offsets.tolist(), strict=True)),
                "largest_deviation_sequences": float(np.abs(plan.counts(end) - plan.targets(end)).max()),
                "not_drawn": {names[index]: float(due[index]) for index in absent},
            }
        )
    return described
