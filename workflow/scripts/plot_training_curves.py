"""Draw the training and validation curves of several runs from their training_log.jsonl."""

from emulsion.figures.command import draw_figure, first_seeds
from emulsion.figures.training_curves import training_curves
from emulsion.files import read_jsonl

if __name__ == "__main__":
    draw_figure(__doc__, read_jsonl, first_seeds(training_curves))
