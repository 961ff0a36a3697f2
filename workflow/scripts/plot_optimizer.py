"""Draw the search for the best mixture, from optimal_mix.json."""

from emulsion import command
from emulsion.figures.optimizer import draw_optimizer
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_optimizer)


if __name__ == "__main__":
    command.run(main)
