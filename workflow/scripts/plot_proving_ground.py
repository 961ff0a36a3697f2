"""Draw the regret of methods in simulated worlds, from methods.csv of the proving ground."""

from pathlib import Path

import pandas as pd

from emulsion import command
from emulsion.figures.regret_board import draw_regret_board
from emulsion.figures.style import save


def main(*, input: Path, output: Path) -> None:
    """
    :param input: the CSV file to draw
    :param output: the PNG to write
    """
    save(draw_regret_board(pd.read_csv(input).to_dict("records")), output)


if __name__ == "__main__":
    command.run(main)
