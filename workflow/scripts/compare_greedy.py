"""Compare the greedy choice of mixtures over two rounds with the best pair of all."""

from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.files import write_json
from emulsion.laws.study.greedy import compare_greedy
from emulsion.laws.study.rows import read_sweep


def main(
    *,
    experiment: str,
    sweep: Some[Path],
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param sweep: files of the sweep's jobs
    :param output: greedy.json
    """
    found = compare_greedy(read_sweep(experiment, sweep))
    write_json(output, found)


if __name__ == "__main__":
    command.run(main)
