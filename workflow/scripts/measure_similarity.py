"""Gather how alike each method's matrix of effects is to the fitted one."""

from pathlib import Path

from emulsion import command
from emulsion.command import AtMostOne, Some
from emulsion.files import read_object, write_json
from emulsion.laws.study.parameters import similarities
from emulsion.laws.study.rows import read_result


def main(
    *,
    experiment: str,
    parameters: Some[Path],
    board: AtMostOne[Path] = (),
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param parameters: {method}_parameters.json of each
    :param board: methods.json, for how much better than stratified sampling methods are
    :param output: similarity.json
    """
    read = [read_result(file, experiment) for file in parameters]
    write_json(output, similarities(experiment, read, next(map(read_object, board), None)))


if __name__ == "__main__":
    command.run(main)
