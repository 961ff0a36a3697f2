"""Compare the matrices that an online method went by in its own runs with those that branches from there show."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import write_json
from emulsion.laws.study.own_states import own_parameters
from emulsion.laws.study.rows import read_sweep
from emulsion.training.log import read_log


def main(
    *,
    experiment: str,
    method: str,
    settings: Json,
    branches: Some[Path],
    logs: Some[Path],
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param method: name of the method
    :param settings: {"kind", "averaged_over", "updates"} of the method, JSON
    :param branches: branches of each of its runs
    :param logs: training_log.jsonl of the same runs, in the same order
    :param output: {method}_parameters.json
    """
    sweeps = [read_sweep(experiment, [file]) for file in branches]
    seeds = [sweep.runs[0]["seed"] for sweep in sweeps]
    rows = dict(zip(seeds, map(read_log, logs), strict=True))
    write_json(output, own_parameters(method, settings, read_sweep(experiment, branches), rows))


if __name__ == "__main__":
    command.run(main)
