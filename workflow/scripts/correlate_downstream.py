"""Correlate the losses of an experiment's runs with their scores on downstream tasks."""

from pathlib import Path

from emulsion import command
from emulsion.analysis.correlation import correlations, point
from emulsion.command import Some
from emulsion.files import read_json, write_json


def main(
    *,
    runs: Some[str],
    mixtures: Some[str],
    perplexity: Some[Path],
    downstream: Some[Path],
    resamples: int = 2000,
    seed: int = 0,
    output: Path,
) -> None:
    """
    :param runs: names of the runs
    :param mixtures: the mixture of each run
    :param perplexity: perplexity.json of each run
    :param downstream: lm_eval.json of each run
    :param resamples: of each bootstrap
    :param seed: of what is drawn at random
    :param output: file to write
    """
    columns = (perplexity, downstream)
    files = zip(runs, mixtures, *(map(read_json, column) for column in columns), strict=True)
    points = [point(*each) for each in files]
    write_json(output, correlations(points, resamples, seed))


if __name__ == "__main__":
    command.run(main)
