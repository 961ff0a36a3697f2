"""Losses as the conclusions tell them: by mixture and source, against what one would train on without a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulsion.analysis.baselines import NEITHER, against, baselines, differences
from emulsion.analysis.judged import LOSSES, Judged
from emulsion.analysis.scores import MEAN
from emulsion.analysis.twins import alike
from emulsion.report.markup import section, table

Found = Mapping[str, Any]


def losses_of(
    judged: Judged,
    ratios: Mapping[str, Mapping[str, float]],
    tokens: Mapping[str, int],
    alone: Mapping[str, str],
    chosen: str,
) -> dict[str, Any]:
    """The part "losses" of `recommendations.json`; tokens: {source: training tokens}; alone: {source: mixture of it
    alone} of those that were trained; chosen: what is recommended.

    sources, weights   of the mean, the weights summing to one
    mixtures           {mixture: {"mean": cell, "sources": {source: cell}, "seeds"}}, a cell with "loss", "interval",
                       "perplexity", "perplexity_interval", "bits_per_byte"
    baselines          {"equal shares", "shares by size", "the best single source": mixture}, of those that were trained
    reference          the baseline or mixture that `differences` are from
    differences        {mixture: {source, and "mean": {"difference", "interval", "p", "p_holm", "verdict"}}}
    against            rows: the recommended mixture against each baseline, in nats and in perplexity
    alike              rows: pairs of sources that cannot be told apart, with the words for it
    decision           of the mean
    """
    scores = judged.scores
    first = next(iter(scores.values()))
    found = baselines(
        ratios,
        {source: tokens[source] for source in first.values},
        list(alone.values()),
        scores,
    )
    candidates = [name for name in ratios if name in scores]
    reference = found.get("equal shares") or found.get("shares by size") or candidates[0]
    return {
        "sources": list(first.values),
        "weights": first.shares(MEAN),
        "mixtures": dict(judged.summary),
        "baselines": found,
        "reference": reference,
        "differences": differences(scores, reference, candidates),
        "against": against(scores, chosen, found, candidates),
        "alike": alike(scores, alone),
        "decision": judged.decision.to_json(),
    }


def loss_rows(found: Found, labels: Mapping[str, str]) -> list[list[str]]:
    """Mixture, mean loss, perplexity, bits per byte, and the loss on each source; lowest mean first.

    labels: {mixture: 'A = B'} of those that are one
    """
    ranked = sorted(found["mixtures"].items(), key=lambda pair: pair[1][MEAN]["loss"])
    return [
        [
            labels.get(name, name),
            LOSSES.text(each[MEAN]),
            f"{each[MEAN]['perplexity']:.2f}",
            f"{each[MEAN]['bits_per_byte']:.3f}",
            *(LOSSES.text(each["sources"][source]) for source in found["sources"]),
        ]
        for name, each in ranked
    ]


def loss_section(found: Found, labels: Mapping[str, str]) -> str:
    """Losses by mixture and source; labels: as of `loss_rows`."""
    header = ["mixture", "mean", "perplexity", "bits per byte", *found["sources"]]
    text = table(header, loss_rows(found, labels), right=len(header) - 1)
    return section("Losses on test text", f"{text}\n\n{_legend(found)}")


def source_section(found: Found) -> str:
    """Perplexity and bits per byte by source."""
    ranked = sorted(found["mixtures"].items(), key=lambda pair: pair[1][MEAN]["loss"])
    rows = [[name, *(_both(each["sources"][source]) for source in found["sources"])] for name, each in ranked]
    text = table(["mixture", *found["sources"]], rows, right=len(found["sources"]))
    return section("Perplexity, and bits per byte, by source", text)


def against_section(found: Found, chosen: str) -> str:
    """The recommended mixture against what one would train on without a study."""
    if not found["against"]:
        return ""
    rows = [
        [
            f"{row['baseline']} (`{row['reference']}`)",
            f"{row['difference']:+.3f} ({row['interval'][0]:+.3f} to {row['interval'][1]:+.3f})",
            f"{100 * row['perplexity']:+.1f} %",
            row["verdict"] if row["verdict"] == NEITHER else f"significantly {row['verdict']}",
        ]
        for row in found["against"]
    ]
    text = table(["against", "mean test loss, nats", "perplexity", "verdict"], rows)
    head = f"The mean test loss of `{chosen}` less that of each; 95 % intervals, Holm's correction over the rows."
    return section("Against what needs no study", f"{head}\n\n{text}")


def mean_in_words(found: Found) -> str:
    """What the mean loss is the mean of."""
    weights = found["weights"]
    equal = len({round(weight, 9) for weight in weights.values()}) == 1 and len(weights) == len(found["sources"])
    shares = ", ".join(f"{source} {weight:.2f}" for source, weight in weights.items())
    return "the sources count alike in the mean" if equal else f"weights in the mean: {shares}"


def _legend(found: Found) -> str:
    return (
        "Nats per token, ± half the width of the 95 % interval over test text and seeds; lower is better; "
        f"{mean_in_words(found)}."
        " Perplexity is exp of the mean loss."
    )


def _both(cell: Found) -> str:
    return f"{cell['perplexity']:.1f}, {cell['bits_per_byte']:.3f}"
