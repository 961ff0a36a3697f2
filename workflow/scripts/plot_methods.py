"""Draw differences between methods and stratified sampling, with intervals, from methods.json."""

from emulsion import command
from emulsion.figures.command import Record
from emulsion.figures.method_differences import draw_method_differences


def main(*, record: Record) -> None:
    record.draw(draw_method_differences)


if __name__ == "__main__":
    command.run(main)
