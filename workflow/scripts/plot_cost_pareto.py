"""Draw what better mixtures cost: the difference to stratified sampling against extra training, from methods.json."""

from emulsion import command
from emulsion.figures.cost_pareto import draw_cost_pareto
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_cost_pareto)


if __name__ == "__main__":
    command.run(main)
