"""Draw the mixtures that online methods decided on over their runs, from the runs' logs."""

from emulsion import command
from emulsion.figures.run_files import RunFiles
from emulsion.figures.trajectories import draw_trajectories, of_decisions
from emulsion.training.log import read_log


def main(*, files: RunFiles) -> None:
    files.draw(lambda path: of_decisions(read_log(path)), draw_trajectories)


if __name__ == "__main__":
    command.run(main)
