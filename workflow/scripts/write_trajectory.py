"""Write what an online method decided as a mixture file: its trajectory, its answer (the mean), or a replay of it."""

from pathlib import Path

from emulsion import command
from emulsion.files import read_object, write_json
from emulsion.methods.interface import Evidence, OnlineMethod
from emulsion.mixture import Mixture, stages_of
from emulsion.training.costs import needed_of_run
from emulsion.training.method_options import MethodOptions


def main(*, decided: MethodOptions, record: Path, output: Path) -> None:
    """
    :param record: run.json of the run that the method decided
    :param output: file to write
    """
    found, sources = read_object(record), decided.sources
    stages = [(until, mixture.over(sources)) for until, mixture in stages_of(found["schedule"])]
    made = decided.create()
    if not isinstance(made, OnlineMethod):
        stages = list(made.propose(Evidence(trajectory=stages)))
    elif made.averages:
        stages = [(1.0, Mixture(found["method"]["average"]).over(sources))]
    write_json(output, decided.mixture_file(stages, needed_of_run(found)))


if __name__ == "__main__":
    command.run(main)
