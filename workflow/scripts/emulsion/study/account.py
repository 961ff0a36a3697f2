"""What an experiment did cost, from what its runs wrote and from how long the rules measured their jobs to take.

It asks no configuration, so that an account is made again only where something else was measured.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.files import read_jsonl, read_object

SWARMS = "swarms"  # a stage whose runs share jobs
SEARCHED = "searches"  # a stage of trainings that methods search with
PARAMETERS = "parameters"  # a stage of branches that leave the runs of online methods


def add_up(costs: list[dict[str, float]]) -> dict[str, float]:
    """The sums of costs of the same keys."""
    return {key: sum(cost[key] for cost in costs) for key in costs[0]}


def spent(
    records: Mapping[str, Mapping[str, Any]],
    training: Mapping[str, float],
    evaluation: Mapping[str, float],
    guides: Collection[str] = (),
) -> dict[str, float]:
    """What runs took, in hours of a device.

    records               {run: its run.json}
    training, evaluation  {run: seconds of its last job, as its rule measured}; a run is left out where none did
    guides                runs that are trained and not evaluated

    A training that was cut off took longer than its last job, and a job longer than its training: the larger counts.
    What tries that were killed had not saved counts besides. A model that was copied from a run of the same identity
    is no run and has no tokens: nothing was trained for it.
    """
    trained = [record for record in records.values() if not record.get("copied_from")]
    seconds = {run: max(_of_training(record), training.get(run, 0.0)) for run, record in records.items()}
    return {
        "runs": len(trained),
        "tokens": sum(record["tokens"] for record in trained),
        "training_hours": sum(seconds[run] * record["devices"] for run, record in records.items()) / 3600,
        "evaluation_hours": sum(evaluation.values()) / 3600,
        "unmeasured_jobs": 2 * len(records) - len(records.keys() & guides) - len(training) - len(evaluation),
        "peak_memory_bytes": max((record["peak_memory_bytes"] for record in records.values()), default=0),
    }


def _of_training(record: Mapping[str, Any]) -> float:
    return float(record["seconds"] + record.get("killed", {}).get("seconds", 0.0))


def spent_on_swarms(files: Sequence[Mapping[str, Any]], jobs: Sequence[float | None]) -> dict[str, float]:
    """What the jobs of swarms took, as `spent` says it; what they measured is part of their training.

    files: what each job wrote; jobs: seconds of each by its rule's measurement, None where there is none.
    An online run has a row for each state that branches leave, and is one run.
    A job that found runs in the journal took less than they once did, and one that was cut off more: the larger counts.
    """
    trained, seconds, continued = [], [], 0
    for file, job in zip(files, jobs, strict=True):
        rows = list(_rows_of_swarm(file))
        trained += [tokens for tokens, _ in rows]
        continued += len(file["runs"]) - len({(trunk["mixture"], trunk["seed"]) for trunk in file["runs"]})
        seconds.append(max(sum(took for _, took in rows), job or 0.0))
    return {
        "runs": len(trained) - continued,
        "tokens": sum(trained),
        "training_hours": sum(seconds) / 3600,
        "evaluation_hours": 0.0,
        "unmeasured_jobs": jobs.count(None),
        "peak_memory_bytes": max((file["peak_memory_bytes"] for file in files), default=0),
    }


def _rows_of_swarm(file: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """(tokens, seconds) of each trunk and each branch."""
    for trunk in file["runs"]:
        yield trunk["tokens"], _of_training(trunk)
        for branches in trunk["branches"].values():
            for end in branches["ends"]:
                yield branches["tokens"], end["seconds"]


def spent_on_searches(costs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What searches that train took; costs: {"runs", "tokens", "seconds"} of each."""
    return {
        "runs": sum(cost["runs"] for cost in costs),
        "tokens": sum(cost["tokens"] for cost in costs),
        "training_hours": sum(cost["seconds"] for cost in costs) / 3600,
        "evaluation_hours": 0.0,
        "unmeasured_jobs": 0,
        "peak_memory_bytes": 0,
    }


def spent_by_stages(
    records: Mapping[str, Path],
    stages: Mapping[str, Sequence[str]],
    swarms: Sequence[Path],
    branches: Sequence[Path],
    searches: Sequence[Path],
    benchmarks: Path,
    guides: Collection[str] = (),
) -> dict[str, dict[str, float]]:
    """{stage: what its runs took, as `spent` says it}, those of swarms, branches and searches, and their `total`.

    records     {run: its run.json}, whose folder has the name of the run's jobs
    stages      {stage: its runs}
    swarms      what each job of a swarm wrote
    branches    the branches of methods' own runs
    searches    records of searches that trained
    benchmarks  the folder of the rules' measurements
    guides      the runs that are trained and not evaluated
    """
    contents = {run: read_object(file) for run, file in records.items()}
    took: dict[str, dict[str, float]] = {}
    for stage, runs in {**stages, "total": list(records)}.items():
        jobs = {run: records[run].parent.name for run in runs}
        training, evaluation = (_measured(benchmarks / rule, jobs) for rule in ("train", "evaluate"))
        took[stage] = spent({run: contents[run] for run in runs}, training, evaluation, guides)
    more = {}
    if swarms:
        names = ["-".join((file.parents[2].name, file.parent.name, file.stem)) for file in swarms]
        more[SWARMS] = _spent_on_jobs(swarms, names, benchmarks / "train_swarm")
    if branches:
        names = ["-".join((file.parents[1].name, file.stem)) for file in branches]
        more[PARAMETERS] = _spent_on_jobs(branches, names, benchmarks / "branch_method")
    if searches:
        more[SEARCHED] = spent_on_searches([read_object(file)["cost"] for file in searches])
    peak = max(each["peak_memory_bytes"] for each in (took["total"], *more.values()))
    total = {**add_up([took["total"], *more.values()]), "peak_memory_bytes": peak}
    return {**{stage: each for stage, each in took.items() if stage != "total"}, **more, "total": total}


def _spent_on_jobs(files: Sequence[Path], jobs: Sequence[str], folder: Path) -> dict[str, float]:
    """What jobs that wrote these files took; folder: of their rule's measurements."""
    seconds = _measured(folder, dict(zip(jobs, jobs, strict=True)))
    return spent_on_swarms([read_object(file) for file in files], [seconds.get(job) for job in jobs])


def _measured(folder: Path, jobs: Mapping[str, str]) -> dict[str, float]:
    """{run: seconds its job of a rule ran}, of the runs {run: name of the job} whose measurement is there."""
    files = {run: folder / f"{job}.benchmark.jsonl" for run, job in jobs.items()}
    return {run: sum(row["s"] for row in read_jsonl(file)) for run, file in files.items() if file.exists()}
