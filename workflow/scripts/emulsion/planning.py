"""What a plan will draw: shares, epochs, documents, and whether the sources are large enough."""

from __future__ import annotations

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
    }
