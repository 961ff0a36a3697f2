"""Draw the training and validation curves of several runs from their training_log.jsonl."""

from emulsion import command
from emulsion.figures.run_files import RunFiles, first_seeds
from emulsion.figures.training_curves import draw_training_curves
from emulsion.training.log import read_log


def main(*, files: RunFiles) -> None:
    files.draw(read_log, first_seeds(draw_training_curves))


if __name__ == "__main__":
    command.run(main)
