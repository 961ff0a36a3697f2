"""Draw differences between methods and stratified sampling, with intervals, from methods.json."""

from emulsion import command
from emulsion.figures.method_differences import draw_method_differences
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_method_differences)


if __name__ == "__main__":
    command.run(main)
