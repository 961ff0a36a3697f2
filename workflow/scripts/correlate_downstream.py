"""Correlate the losses of an experiment's runs with their scores on downstream tasks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emulsion import command
from emulsion.analysis.correlation import correlations, point
from emulsion.analysis.identity import same_mixtures
from emulsion.command import Some
from emulsion.files import read_object, write_json


def main(
    *,
    runs: Some[str],
    mixtures: Some[str],
    perplexity: Some[Path],
    downstream: Some[Path],
    resamples: int = 2000,
    seed: int = 0,
    records: Sequence[Path] = (),
    output: Path,
) -> None:
    """
    :param runs: names of the runs
    :param mixtures: the mixture of each run
    :param perplexity: perplexity.json of each run
    :param downstream: lm_eval.json of each run
    :param resamples: of each bootstrap
    :param seed: of what is drawn at random
    :param records: run.json of each run; where given, mixtures with the same runs count once
    :param output: file to write
    """
    columns = (perplexity, downstream)
    files = zip(runs, mixtures, *(map(read_object, column) for column in columns), strict=True)
    points = [point(*each) for each in files]
    if records:
        same = same_mixtures(mixtures, [read_object(record)["identity"] for record in records])
        points = [replace(points[at], mixture=same.labels[same.first[mixtures[at]]]) for at in same.kept]
    write_json(output, correlations(points, resamples, seed))


if __name__ == "__main__":
    command.run(main)
