"""Add up what an experiment cost, stage by stage, beside what was planned."""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.files import read_json, read_jsonl, write_json
from emulsion.study.budget import SWEEP, add_up, spent, spent_on_sweep


def measured(benchmarks: Path, rule: str, models: dict[str, str]) -> dict[str, float]:
    """{run: seconds its job of this rule ran}, of the runs {run: name of the job} whose measurement is there."""
    files = {run: benchmarks / rule / f"{model}.benchmark.jsonl" for run, model in models.items()}
    return {run: sum(row["s"] for row in read_jsonl(file)) for run, file in files.items() if file.exists()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", required=True, type=json.loads, help="what was planned, as JSON")
    parser.add_argument("--stages", required=True, type=json.loads, help="{stage: [runs]}, as JSON")
    parser.add_argument("--runs", required=True, nargs="*")
    parser.add_argument("--records", required=True, nargs="*", type=Path, help="run.json of each run")
    parser.add_argument("--sweep", nargs="*", default=[], type=Path, help="what each job of a sweep trained")
    parser.add_argument("--benchmarks", required=True, type=Path, help="folder of the rules' benchmarks")
    parser.add_argument("--direct", required=True, type=Path, help="folder of a direct search's trainings, if any")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    files = dict(zip(arguments.runs, arguments.records, strict=True))
    records = {run: read_json(file) for run, file in files.items()}
    stages = {**arguments.stages, "total": arguments.runs}
    real = {}
    for stage, runs in stages.items():
        models = {run: files[run].parent.name for run in runs}
        jobs = (measured(arguments.benchmarks, rule, models) for rule in ("train", "evaluate"))
        real[stage] = spent({run: records[run] for run in runs}, *jobs)
    if arguments.sweep:
        jobs = {file: f"{file.parents[1].name}-{file.stem}" for file in arguments.sweep}
        took = measured(arguments.benchmarks, "train_sweep", {str(file): job for file, job in jobs.items()})
        files = [read_json(file) for file in arguments.sweep]
        real[SWEEP] = spent_on_sweep(files, [took.get(str(file)) for file in arguments.sweep])
        peak = max(real["total"]["peak_memory_bytes"], real[SWEEP]["peak_memory_bytes"])
        real["total"] = {**add_up([real["total"], real[SWEEP]]), "peak_memory_bytes": peak}
    planned = {key: arguments.plan[key] for key in ("device", "limits", "costs")}
    direct = {file.parent.parent.name: read_json(file) for file in sorted(arguments.direct.glob("*/model/run.json"))}
    if direct:
        real["direct_search"] = spent(direct, {}, {})
    write_json(arguments.output, {"planned": planned, "spent": real})


if __name__ == "__main__":
    command.run(main)
