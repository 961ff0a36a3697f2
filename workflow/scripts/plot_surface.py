"""Draw the surrogate that an optimum was found on, from surface.json."""

from emulsion import command
from emulsion.figures.run_files import Record
from emulsion.figures.surface import draw_surface


def main(*, record: Record) -> None:
    record.draw(draw_surface)


if __name__ == "__main__":
    command.run(main)
