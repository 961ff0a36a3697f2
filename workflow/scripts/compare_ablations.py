"""Measure what each source contributes: the base mixture beside the mixtures without one source."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.analysis.contributions import contributions
from emulsion.files import read_json, write_json
from emulsion.study.experiments import by_mixture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="name of the mixture with all sources")
    parser.add_argument(
        "--runs", required=True, nargs="+", help="runs of the base and of the mixtures without a source"
    )
    parser.add_argument("--capabilities", required=True, nargs="+", type=Path, help="capabilities.json of each run")
    parser.add_argument("--perplexity", required=True, nargs="+", type=Path, help="perplexity.json of each run")
    parser.add_argument("--first-seed", required=True, type=int, help="seed of the runs without one in their name")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    scores = by_mixture(arguments.runs, map(read_json, arguments.capabilities), arguments.first_seed)
    losses = by_mixture(arguments.runs, map(read_json, arguments.perplexity), arguments.first_seed)
    base, base_losses = scores.pop(arguments.base), losses.pop(arguments.base)
    without = {mixture.removeprefix("without_"): runs for mixture, runs in scores.items()}
    losses_without = {mixture.removeprefix("without_"): runs for mixture, runs in losses.items()}
    write_json(arguments.output, contributions(arguments.base, base, without, base_losses, losses_without))


if __name__ == "__main__":
    command.run(main)
