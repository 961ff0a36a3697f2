"""Add up what an experiment cost, stage by stage, beside what was planned."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.files import write_json
from emulsion.study.account import spent_by_stages


def main(
    *,
    plan: Json,
    stages: Json,
    runs: Sequence[str],
    records: Sequence[Path],
    guides: Sequence[str] = (),
    swarms: Sequence[Path] = (),
    branches: Sequence[Path] = (),
    searches: Sequence[Path] = (),
    benchmarks: Path,
    output: Path,
) -> None:
    """
    :param plan: what was planned, as JSON
    :param stages: {stage: [runs]}, as JSON
    :param runs: names of the runs, in the order of their files
    :param records: run.json of each run
    :param guides: those of the runs that are trained and not evaluated
    :param swarms: what each job of a swarm wrote
    :param branches: branches of methods' own runs
    :param searches: records of searches that trained
    :param benchmarks: folder of the rules' benchmarks
    :param output: file to write
    """
    files = dict(zip(runs, records, strict=True))
    took = spent_by_stages(files, stages, swarms, branches, searches, benchmarks, guides)
    planned = {key: plan[key] for key in ("device", "limits", "costs")}
    write_json(output, {"planned": planned, "spent": took})


if __name__ == "__main__":
    command.run(main)
