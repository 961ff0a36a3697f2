"""Draw the surrogate that an optimum was found on, from surface.json."""

from emulsion import command
from emulsion.figures.command import Record
from emulsion.figures.surface import surface


def main(*, record: Record) -> None:
    record.draw(surface)


if __name__ == "__main__":
    command.run(main)
