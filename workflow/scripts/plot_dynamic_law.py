"""Draw how well the dynamic law fits short branches of a sweep's runs, from its dynamic_law.json."""

from emulsion import command
from emulsion.figures.dynamic_law import draw_dynamic_law
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_dynamic_law)


if __name__ == "__main__":
    command.run(main)
