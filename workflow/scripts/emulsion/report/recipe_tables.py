"""What recipes come to in a run, for people: shares, due and realised, and sources too small to draw."""

from __future__ import annotations

from collections.abc import Sequence

from emulsion.data.recipes import Realised, Recipe, class_totals, least_sequences, realised, staged, tiny_shares

HEAD = ["| class or source | target % | realised % | due | drawn |", "|---|---|---|---|---|"]


def recipes_text(recipes: list[Recipe], sequences: int) -> str:
    """Markdown on a run of `sequences` sequences: each of its stages, then all together."""
    rows = list(realised(staged(recipes), sequences))
    stages = [
        describe(recipe, number, [row for row in rows if row.stage == number])
        for number, recipe in enumerate(recipes, start=1)
    ]
    return "\n\n".join("\n".join(lines) for lines in [*stages, describe_run(recipes, rows)])


def describe(recipe: Recipe, number: int, rows: Sequence[Realised]) -> list[str]:
    """Lines of Markdown on one stage."""
    length = sum(row.drawn for row in rows)
    own = {row.source: row for row in rows if row.source in recipe.classes}
    targets, shares = (
        recipe.class_totals(),
        class_totals({name: row.share for name, row in own.items()}, recipe.classes),
    )
    lines = [f"## Stage {number}: {recipe.path}", "", f"{length:,} sequences. {recipe.note or ''}".strip(), ""]
    lines += HEAD
    for group, target in targets.items():
        members = [row for row in own.values() if recipe.classes[row.source] == group]
        lines.append(_line(f"**{group}**", target, shares[group], length, sum(row.drawn for row in members)))
        lines += [_line(row.source, row.target, row.share, length, row.drawn) for row in members]
    tiny = tiny_shares(recipe.mixture, length)
    listed = ", ".join(f"{name} ({due:.3g})" for name, due in tiny.items()) or "none"
    least = least_sequences(recipe.mixture)
    return [*lines, "", f"Due less than one sequence: {listed}. All are due one from {least:,} sequences on."]


def describe_run(recipes: Sequence[Recipe], rows: Sequence[Realised]) -> list[str]:
    """Lines of Markdown on all stages together, by class."""
    length = sum(row.drawn for row in rows)
    classes = {source: group for recipe in recipes for source, group in recipe.classes.items()}
    lines = ["## The whole run", "", f"{length:,} sequences.", "", *HEAD]
    for group in dict.fromkeys(classes.values()):
        members = [row for row in rows if classes[row.source] == group]
        due, drawn = sum(row.due for row in members), sum(row.drawn for row in members)
        lines.append(_line(group, due / length, drawn / length, length, drawn))
    return lines


def _line(name: str, target: float, share: float, length: int, drawn: int) -> str:
    return f"| {name} | {target:.4%} | {share:.4%} | {target * length:,.2f} | {drawn:,} |".replace("% |", " |")
