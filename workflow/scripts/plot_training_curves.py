"""Draw the training and validation curves of several runs from their training_log.jsonl."""

from emulsion import command
from emulsion.figures.run_files import RunFiles
from emulsion.figures.training_curves import draw_training_curves
from emulsion.training.log import read_log


def main(*, files: RunFiles) -> None:
    files.draw_first(read_log, draw_training_curves)


if __name__ == "__main__":
    command.run(main)
