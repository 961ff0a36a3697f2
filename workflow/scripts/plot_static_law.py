"""Draw how well the static law fits the losses of a sweep, from its static_law.json."""

from emulsion import command
from emulsion.figures.run_files import Record
from emulsion.figures.static_law import draw_static_law


def main(*, record: Record) -> None:
    record.draw(draw_static_law)


if __name__ == "__main__":
    command.run(main)
