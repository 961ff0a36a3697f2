"""Replay a published sweep: fit laws to runs of one table, and judge how they rank and predict those of others."""

import argparse
import logging
from pathlib import Path

from emulsion import command
from emulsion.files import write_json, write_text
from emulsion.laws.registry import FITS
from emulsion.laws.replay import Sweep, replay
from emulsion.report.replay_table import replay_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", required=True, nargs=2, type=Path, metavar=("MIXTURES", "LOSSES"), help="CSV files")
    parser.add_argument(
        "--test",
        required=True,
        nargs=3,
        action="append",
        metavar=("NAME", "MIXTURES", "LOSSES"),
        help="may be repeated",
    )
    parser.add_argument("--laws", nargs="+", default=["best", "log_linear", "lightgbm", "ridge"], choices=list(FITS))
    parser.add_argument("--sizes", nargs="+", type=int, help="runs to fit to; all of the table's where left out")
    parser.add_argument("--resamples", type=int, default=10, help="random subsets of each size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--markdown", type=Path, help="where to write the tables for people")
    arguments = parser.parse_args()

    train = Sweep.read(*arguments.train)
    tests = [Sweep.read(mixtures, losses, name) for name, mixtures, losses in arguments.test]
    sizes = arguments.sizes or [len(train.table.values)]
    found = replay(train, tests, arguments.laws, sizes, arguments.resamples, arguments.seed)
    for row in found["summary"]:
        line = "{test}, {size} runs, {law}: Spearman {spearman:.4f}, mean absolute error {mae:.4f}, {seconds:.2f} s"
        logging.info(line.format(**row))
    write_json(arguments.output, found)
    if arguments.markdown:
        write_text(arguments.markdown, replay_text(found))


if __name__ == "__main__":
    command.run(main)
