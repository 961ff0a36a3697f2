"""Draw how well every law fits in every setting of a study, from their static_law.json and dynamic_law.json."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.figures.law_fits import draw_law_fits
from emulsion.figures.style import save
from emulsion.files import read_object


def main(
    *,
    static: Some[Path],
    dynamic: Sequence[Path] = (),
    labels: Json,
    published: Json = None,
    title: Json,
    output: Path,
) -> None:
    """
    :param static: one per setting
    :param dynamic: of the settings with one
    :param labels: {experiment: setting}, in the order to draw
    :param published: {"static_r2": number, "dynamic_r2": number}
    :param title: of the figure, as JSON
    :param output: the figure to write
    """
    laws = ([read_object(path) for path in static], [read_object(path) for path in dynamic])
    save(draw_law_fits(*laws, labels, published or {}, title), output)


if __name__ == "__main__":
    command.run(main)
