"""Correlate the losses of an experiment's runs with their scores on downstream tasks."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.analysis.correlation import correlations, point
from emulsion.files import read_json, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True, nargs="+", help="names of the runs")
    parser.add_argument("--mixtures", required=True, nargs="+", help="the mixture of each run")
    parser.add_argument("--perplexity", required=True, nargs="+", type=Path, help="perplexity.json of each run")
    parser.add_argument("--downstream", required=True, nargs="+", type=Path, help="lm_eval.json of each run")
    parser.add_argument("--resamples", type=int, default=2000, help="of each bootstrap")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    columns = (arguments.perplexity, arguments.downstream)
    files = zip(arguments.runs, arguments.mixtures, *(map(read_json, column) for column in columns), strict=True)
    points = [point(*each) for each in files]
    write_json(arguments.output, correlations(points, arguments.resamples, arguments.seed))


if __name__ == "__main__":
    command.run(main)
