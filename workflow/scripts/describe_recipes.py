"""Print what recipes, one after another, come to in a run: shares, due and realised, and sources too small to draw."""

from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.recipes import load_recipe
from emulsion.errors import UserError
from emulsion.report.recipe_tables import recipes_text


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
    print(recipes_text([load_recipe(path) for path in recipes], sequences))


if __name__ == "__main__":
    command.run(main)
