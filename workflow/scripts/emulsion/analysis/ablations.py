"""What each source contributes: the base mixture against the same mixture without the source (leave-one-out).

The rest is scaled up in proportion and trained on as many tokens, so a difference is what the source is worth
beyond more of the others: a source whose skill the others teach as well shows no effect. The luck of the base's
runs enters every difference, so with one training of each there are differences and no claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.compare import ALPHA, compare_pair, holm
from emulsion.analysis.loss_scores import NOTE, compare_losses, loss_scores
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, in_words, noise_of_differences
from emulsion.analysis.scores import MEAN, ItemScores, Results, Runs, all_item_scores
from emulsion.errors import UserError
from emulsion.perplexity import DIVERGED

Table = dict[str, dict[str, dict[str, Any]]]
CONTRIBUTES, HURTS, NEITHER = "contributes", "hurts", "no significant effect"


def contributions(
    base_name: str,
    base: Runs,
    without: Results,
    base_losses: Runs | None = None,
    losses_without: Results | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    noise: SeedNoise | None = None,
    alpha: float = ALPHA,
    diverged: Sequence[str] = (),
) -> dict[str, Any]:
    """The content of `contributions.json`.

    base, without {source left out: runs}: contents of `capabilities.json` by seed, none where nothing is judged by
    them; the losses likewise of `perplexity.json`. weights: of sources in the mean loss. Positive always means that the
    source helps: base score less the score without it, loss without it less base loss. Holm's correction covers each
    table ("capabilities", "mean", "losses", "mean_loss") as a family. diverged: mixtures with a run that did, of which
    the note tells.
    """
    if not without and not losses_without:
        raise UserError("contributions: no mixture without a source; is the ablation turned on?")
    scores: dict[str, ItemScores] = {}
    if without:
        named = {f"{base_name} without {source}": runs for source, runs in without.items()}
        scores = all_item_scores({base_name: base, **named})
    losses: dict[str, ItemScores] = {}
    if base_losses and losses_without:
        losses = {base_name: loss_scores(base_losses, weights)}
        losses |= {source: loss_scores(runs, weights, f"without {source}") for source, runs in losses_without.items()}
    first, *others = (scores or losses).values()
    noise = noise or (estimate_seed_noise(scores) if scores else noise_of_differences(losses))
    claims = noise is not None
    failed = (
        f" {', '.join(diverged)}: {DIVERGED}, so contributions measured on it are of a failed run." if diverged else ""
    )
    cells: Table = {}
    if scores:
        pairs = list(zip(without, others, strict=True))
        cells = {s: {group: compare_pair(first, other, group, noise) for group in first.groups} for s, other in pairs}
    lost = compare_losses(losses.pop(base_name), losses) if losses else {}
    judged, judged_losses = (judge(_without_mean(table), alpha, claims) for table in (cells, lost))
    return {
        "base": base_name,
        "alpha": alpha,
        "seeds": list(first.seeds),
        "seed_noise_included": claims,
        "note": in_words(noise, len(first.seeds), "test text" if first.lower else "items") + failed,
        "loss_note": NOTE if lost else "",
        "capabilities": judged,
        "mean": _mean(cells, alpha, claims),
        "losses": judged_losses,
        "mean_loss": _mean(lost, alpha, claims),
        "top": {source: top_contribution(row) for source, row in (judged or judged_losses).items()},
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
    """What loses most without the source, with its cell: of what does so significantly, if anything does.

    "capability" names it; where mixtures are judged by losses alone it is a source.
    """
    name = max(cells, key=lambda name: (cells[name]["verdict"] == CONTRIBUTES, cells[name]["difference"]))
    return {"capability": name, **cells[name]}


def _without_mean(table: Table) -> Table:
    return {row: {column: cell for column, cell in cells.items() if column != MEAN} for row, cells in table.items()}


def _mean(table: Table, alpha: float, claims: bool) -> dict[str, dict[str, Any]]:
    """The mean of each row, judged as a family of its own."""
    return {
        row: cells[MEAN] for row, cells in judge({r: {MEAN: c[MEAN]} for r, c in table.items()}, alpha, claims).items()
    }


def _judged(cell: Mapping[str, Any], p_holm: float, alpha: float) -> dict[str, Any]:
    verdict = NEITHER
    if p_holm < alpha:
        verdict = CONTRIBUTES if cell["difference"] > 0 else HURTS
    return {**cell, "p_holm": p_holm, "verdict": verdict}
