"""Print what recipes, one after another, come to in a run: shares, due and realised, and sources too small to draw."""

from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.recipes import (
    Realised,
    Recipe,
    class_totals,
    least_sequences,
    load_recipe,
    realised,
    staged,
    tiny_shares,
)
from emulsion.errors import UserError

HEAD = ["| class or source | target % | realised % | due | drawn |", "|---|---|---|---|---|"]


def main(
    *,
    recipes: Some[Path],
    sequences: int,
) -> None:
    """
    :param recipes: recipes, in the order of the stages
    :param sequences: length of the run: its tokens / its context
    """
    if sequences < 1:
        raise UserError(f"--sequences {sequences}: should be 1 or more.")
    loaded = [load_recipe(path) for path in recipes]
    rows = list(realised(staged(loaded), sequences))
    for number, recipe in enumerate(loaded, start=1):
        print("\n".join(describe(recipe, number, [row for row in rows if row.stage == number])), end="\n\n")
    print("\n".join(describe_run(loaded, rows)))


def describe(recipe: Recipe, number: int, rows: list[Realised]) -> list[str]:
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


def describe_run(recipes: list[Recipe], rows: list[Realised]) -> list[str]:
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


if __name__ == "__main__":
    command.run(main)
