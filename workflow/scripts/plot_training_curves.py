"""Draw the training and validation curves of several runs from their training_log.jsonl."""

from emulsion.figures.command import main
from emulsion.figures.training_curves import training_curves
from emulsion.files import read_jsonl

if __name__ == "__main__":
    raise SystemExit(main(__doc__, read_jsonl, training_curves))
