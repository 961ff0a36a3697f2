"""What each source contributes: the base mixture against the same mixture without the source (leave-one-out).

The rest is scaled up in proportion and trained on as many tokens, so a difference is what the source is worth
beyond more of the others: a source whose skill the others teach as well shows no effect. The luck of the base's
runs enters every difference, so with one training of each there are differences and no claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulsion.analysis.compare import ALPHA, compare_pair
from emulsion.analysis.holm import holm
from emulsion.analysis.losses import compare_losses
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, in_words
from emulsion.analysis.scores import MEAN, Results, Runs, all_item_scores
from emulsion.errors import UserError

Table = dict[str, dict[str, dict[str, Any]]]
CONTRIBUTES, HURTS, NEITHER = "contributes", "hurts", "no significant effect"


def contributions(
    base_name: str,
    base: Runs,
    without: Results,
    base_losses: Runs | None = None,
    losses_without: Results | None = None,
    *,
    noise: SeedNoise | None = None,
    alpha: float = ALPHA,
) -> dict[str, Any]:
    """The content of `contributions.json`.

    base, without {source left out: runs}: contents of `capabilities.json` by seed; the losses likewise of
    `perplexity.json`. Positive always means that the source helps: base score less the score without it, loss
    without it less base loss. Holm's correction covers each table ("capabilities", "mean", "losses") as a family.
    """
    if not without:
        raise UserError("contributions: no mixture without a source; is the ablation turned on?")
    scores = all_item_scores({base_name: base, **{f"{base_name} without {s}": runs for s, runs in without.items()}})
    noise = noise or estimate_seed_noise(scores)
    first, *others = scores.values()
    cells = {group: [compare_pair(first, other, group, noise) for other in others] for group in first.groups}
    table = {source: {name: cells[name][i] for name in first.values} for i, source in enumerate(without)}
    mean = {source: {MEAN: cells[MEAN][i]} for i, source in enumerate(without)}
    losses, loss_note = compare_losses(base_losses, losses_without) if base_losses and losses_without else ({}, "")
    claims = noise is not None
    judged = judge(table, alpha, claims)
    return {
        "base": base_name,
        "alpha": alpha,
        "seeds": list(first.seeds),
        "seed_noise_included": noise is not None,
        "note": in_words(noise, len(first.seeds)),
        "loss_note": loss_note,
        "capabilities": judged,
        "mean": {source: row[MEAN] for source, row in judge(mean, alpha, claims).items()},
        "losses": judge(losses, alpha, claims),
        "top": {source: top_contribution(row) for source, row in judged.items()},
    }


def judge(table: Mapping[str, Mapping[str, Mapping[str, Any]]], alpha: float = ALPHA, claims: bool = True) -> Table:
    """The cells with "p_holm", corrected over the whole table, and "verdict", which says nothing without claims."""
    places = [(row, column) for row, cells in table.items() for column in cells]
    adjusted = dict(zip(places, holm([table[row][column]["p"] for row, column in places]).tolist(), strict=True))
    return {
        row: {column: _judged(cell, adjusted[row, column], alpha if claims else 0.0) for column, cell in cells.items()}
        for row, cells in table.items()
    }


def top_contribution(cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The capability that loses most without the source, with its cell; significant or not, as the cell says."""
    name = max(cells, key=lambda capability: cells[capability]["difference"])
    return {"capability": name, **cells[name]}


def _judged(cell: Mapping[str, Any], p_holm: float, alpha: float) -> dict[str, Any]:
    verdict = NEITHER
    if p_holm < alpha:
        verdict = CONTRIBUTES if cell["difference"] > 0 else HURTS
    return {**cell, "p_holm": p_holm, "verdict": verdict}
