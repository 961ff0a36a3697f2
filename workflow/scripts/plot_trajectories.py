"""Draw the mixtures that online methods decided on over their runs, from the runs' logs."""

from emulsion import command
from emulsion.figures.run_files import RunFiles
from emulsion.figures.trajectories import draw_trajectories
from emulsion.training.log import read_log


def main(*, files: RunFiles) -> None:
    files.draw(read_log, draw_trajectories)


if __name__ == "__main__":
    command.run(main)
