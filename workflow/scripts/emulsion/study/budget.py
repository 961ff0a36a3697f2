"""What an experiment will cost, before anything is trained, and what it did cost.

Every run is charged: strategies, baselines, ablations, and the proxies that the optimiser needs. Hours are of one
device, from the floating-point operations of its runs and the share of the device's peak that training reaches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.analysis.power import detectable_effects
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Suite, load_suite, parse_suite
from emulsion.files import found, read_json, read_jsonl
from emulsion.laws.study.points import sweep_points
from emulsion.mixture import Mixture
from emulsion.models import flops_per_token, parameter_count, vocabulary_size
from emulsion.study import experiments, sweeps
from emulsion.study.catalogue import Config, kind_block
from emulsion.synthetic import suite_items

SWEEP = "sweep"  # a stage whose runs share jobs
STAGES: dict[str, experiments.Mixtures] = {
    "strategies": experiments.strategies,
    "baselines": lambda config, name: [*experiments.singles(config, name), *experiments.sized(config, name)],
    "ablations": experiments.ablations,
    "repetition": lambda config, name: experiments.repeated_pair(config, name)[1:],
    "optimize": lambda config, name: [*experiments.proxies(config, name), *experiments.optima(config, name)],
}


def run_cost(config: Config, experiment: str, run: str) -> dict[str, float]:
    """What one run takes: tokens, FLOPs, bytes of its model, hours of the experiment's device, evaluation included."""
    spec = experiments.run_spec(config, experiment, run)
    vocab_size, device = _vocabulary(config, experiment, spec), _device(config, experiment)
    flops = spec["tokens"] * flops_per_token(spec["model"], vocab_size)
    training = _seconds(flops, device) + device["seconds_per_run"]
    return {
        "runs": 1,
        "tokens": spec["tokens"],
        "flops": flops,
        "disk_bytes": 4 * parameter_count(spec["model"], vocab_size),
        "hours": (training + device["seconds_per_evaluation"]) / 3600,
    }


def sweep_cost(config: Config, experiment: str) -> dict[str, float]:
    """What a sweep takes: trunks, branches and their losses; it keeps no models, and starts as often as it has jobs."""
    spec, trained = sweeps.sweep_spec(config, experiment), sweeps.trained_tokens(config, experiment)
    sources = len(config["experiments"][experiment]["sources"])
    read = sweeps.measurements(config, experiment) * sources * spec["validation_sequences"] * spec["model"]["context"]
    # Of a training step's operations a third are those of the pass forward, all that a loss takes.
    tokens = sum(trained) + read / 3
    flops = tokens * flops_per_token(spec["model"], _vocabulary(config, experiment, spec))
    device = _device(config, experiment)
    starts = len(sweeps.batches(config, experiment)) * device["seconds_per_run"]
    return {
        "runs": len(trained),
        "tokens": sum(trained),
        "flops": flops,
        "disk_bytes": 0,
        "hours": (_seconds(flops, device) + starts) / 3600,
    }


def _vocabulary(config: Config, experiment: str, spec: Mapping[str, Any]) -> int:
    tokenizer = config["tokenizers"][config["experiments"][experiment]["tokenizer"]]
    return vocabulary_size(spec["model"], kind_block(tokenizer)["vocab_size"])


def _device(config: Config, experiment: str) -> Mapping[str, Any]:
    return dict(config["devices"][config["experiments"][experiment]["budget"]["device"]])


def _seconds(flops: float, device: Mapping[str, Any]) -> float:
    return flops / (float(device["teraflops"]) * 1e12 * float(device["utilisation"]))


def planned_cost(config: Config, experiment: str) -> dict[str, dict[str, float]]:
    """{stage: runs, tokens, flops, disk_bytes, hours} and their `total`; stages without runs are left out."""
    stages = {}
    for stage, mixtures in STAGES.items():
        costs = [run_cost(config, experiment, run) for run in experiments.runs(config, experiment, mixtures)]
        if stage == "optimize" and (trainings := experiments.direct_trainings(config, experiment)):
            costs += [run_cost(config, experiment, "proxy_000")] * trainings
        if costs:
            stages[stage] = add_up(costs)
    if sweeps.settings(config, experiment):
        stages[SWEEP] = sweep_cost(config, experiment)
    return {**stages, "total": add_up(list(stages.values()))}


def add_up(costs: list[dict[str, float]]) -> dict[str, float]:
    return {key: sum(cost[key] for cost in costs) for key in costs[0]}


def over_budget(hours: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """A sentence for each stage that takes more hours than it may."""
    return [
        f"{stage}: {hours[stage]:.2f} hours are over the budget of {limit:g} by {hours[stage] / limit - 1:.0%}."
        for stage, limit in limits.items()
        if hours.get(stage, 0.0) > limit
    ]


def spent(
    records: Mapping[str, Mapping[str, Any]], training: Mapping[str, float], evaluation: Mapping[str, float]
) -> dict[str, float]:
    """What runs took, in hours of a device.

    records               {run: its run.json}
    training, evaluation  {run: seconds of its last job, as its rule measured}; a run is left out where none did

    A training that was cut off took longer than its last job, and a job longer than its training: the larger counts.
    """
    seconds = {run: max(record["seconds"], training.get(run, 0.0)) for run, record in records.items()}
    return {
        "runs": len(records),
        "tokens": sum(record["tokens"] for record in records.values()),
        "training_hours": sum(seconds[run] * record["devices"] for run, record in records.items()) / 3600,
        "evaluation_hours": sum(evaluation.values()) / 3600,
        "unmeasured_jobs": 2 * len(records) - len(training) - len(evaluation),
        "peak_memory_bytes": max((record["peak_memory_bytes"] for record in records.values()), default=0),
    }


def spent_on_sweep(files: Sequence[Mapping[str, Any]], jobs: Sequence[float | None]) -> dict[str, float]:
    """What the jobs of a sweep took, as `spent` says it; the losses they took are part of their training.

    files: what each job wrote; jobs: seconds of each by its rule's measurement, None where there is none.
    A job that found runs in the journal took less than they once did, and one that was cut off more: the larger counts.
    """
    trained, seconds = [], []
    for file, job in zip(files, jobs, strict=True):
        rows = list(_rows_of_sweep(file))
        trained += [tokens for tokens, _ in rows]
        seconds.append(max(sum(took for _, took in rows), job or 0.0))
    return {
        "runs": len(trained),
        "tokens": sum(trained),
        "training_hours": sum(seconds) / 3600,
        "evaluation_hours": 0.0,
        "unmeasured_jobs": jobs.count(None),
        "peak_memory_bytes": max((file["peak_memory_bytes"] for file in files), default=0),
    }


def _rows_of_sweep(file: Mapping[str, Any]) -> Iterator[tuple[int, float]]:
    """(tokens, seconds) of each trunk and each branch."""
    for trunk in file["runs"]:
        yield trunk["tokens"], trunk["seconds"]
        for branches in trunk["branches"].values():
            for end in branches["ends"]:
                yield branches["tokens"], end["seconds"]


def spent_by_stages(
    records: Mapping[str, Path],
    stages: Mapping[str, Sequence[str]],
    sweep: Sequence[Path],
    benchmarks: Path,
    direct: Path,
) -> dict[str, dict[str, float]]:
    """{stage: what its runs took, as `spent` says it}, with `total`, and the sweep and the direct search if any.

    records     {run: its run.json}, whose folder has the name of the run's jobs
    stages      {stage: its runs}
    sweep       what each job of a sweep wrote
    benchmarks  the folder of the rules' measurements
    direct      the folder of a direct search's trainings, if any; they are no part of the total
    """
    contents = {run: read_json(file) for run, file in records.items()}
    took: dict[str, dict[str, float]] = {}
    for stage, runs in {**stages, "total": list(records)}.items():
        jobs = {run: records[run].parent.name for run in runs}
        training, evaluation = (_measured(benchmarks / rule, jobs) for rule in ("train", "evaluate"))
        took[stage] = spent({run: contents[run] for run in runs}, training, evaluation)
    if sweep:
        names = [f"{file.parents[1].name}-{file.stem}" for file in sweep]
        seconds = _measured(benchmarks / "train_sweep", dict(zip(names, names, strict=True)))
        took[SWEEP] = spent_on_sweep([read_json(file) for file in sweep], [seconds.get(name) for name in names])
        peak = max(took["total"]["peak_memory_bytes"], took[SWEEP]["peak_memory_bytes"])
        took["total"] = {**add_up([took["total"], took[SWEEP]]), "peak_memory_bytes": peak}
    trainings = {file.parent.parent.name: read_json(file) for file in sorted(direct.glob("*/model/run.json"))}
    if trainings:
        took["direct_search"] = spent(trainings, {}, {})
    return took


def _measured(folder: Path, jobs: Mapping[str, str]) -> dict[str, float]:
    """{run: seconds its job of a rule ran}, of the runs {run: name of the job} whose measurement is there."""
    files = {run: folder / f"{job}.benchmark.jsonl" for run, job in jobs.items()}
    return {run: sum(row["s"] for row in read_jsonl(file)) for run, file in files.items() if file.exists()}


def runs_of_stages(config: Config, experiment: str) -> dict[str, list[str]]:
    """{stage: its runs}; stages without runs are left out."""
    stages = {stage: experiments.runs(config, experiment, mixtures) for stage, mixtures in STAGES.items()}
    return {stage: runs for stage, runs in stages.items() if runs}


def items_of_suites(config: Config, experiment: str) -> dict[str, int]:
    """{capability: how many items the experiment's suites have to judge it by}."""
    settings = EvaluationSettings.of(config["experiments"][experiment]["evaluation"])
    counts: Counter[str] = Counter()
    for name in config["experiments"][experiment]["suites"]:
        suite = suite_of(config, name)
        chosen = selection_half(suite, settings.seed) if settings.selection else frozenset()
        counts.update(item.capability for item in suite.items if item.id not in chosen)
    return dict(counts)


def suite_of(config: Config, name: str) -> Suite:
    """A suite, made anew if it is a synthetic one."""
    entry = config["suites"][name]
    if entry["kind"] == "file":
        return load_suite(found(entry["file"]))
    made = suite_items(entry["synthetic"]["items_per_capability"], entry["synthetic"]["seed"])
    return parse_suite({"suite": name, "items": made}, f"suites.{name}")


def plan_of(config: Config, experiment: str) -> dict[str, Any]:
    """The plan without source sizes, which are known only once the data are tokenised."""
    chosen = config["experiments"][experiment]
    mixtures = {
        mixture: mean_weights(experiments.mixture_stages(config, experiment, mixture))
        for mixture in experiments.fixed(config, experiment)
    }
    if sweeps.settings(config, experiment):
        points = sweep_points(sweeps.point_spec(config, experiment), chosen["sources"])
        mixtures |= dict(zip(sweeps.points(config, experiment), map(dict, points), strict=True))
    return {
        "device": chosen["budget"]["device"],
        "limits": chosen["budget"]["hours"],
        "costs": planned_cost(config, experiment),
        "tokens": chosen["tokens"],
        "max_epochs": chosen["max_epochs"]["limit"],
        "mixtures": mixtures,
        "effects": _effects(config, experiment),
        "few_points": _few_points(config, experiment),
    }


def _few_points(config: Config, experiment: str) -> str:
    """A warning where a sweep has fewer points than its static law has parameters; empty where it has enough."""
    points, parameters = len(sweeps.points(config, experiment)), len(config["experiments"][experiment]["sources"]) + 1
    if not 0 < points < parameters:
        return ""
    return f"{points} points for {parameters} parameters of each group's static law: it will lean on its ridge."


def _effects(config: Config, experiment: str) -> dict[str, Any] | None:
    """What the experiment can detect; None where it compares nothing."""
    compared = experiments.candidates(config, experiment)
    seeds = len(config["experiments"][experiment]["seeds"])
    return detectable_effects(items_of_suites(config, experiment), seeds, len(compared)) if compared else None


def mean_weights(stages: list[dict[str, Any]]) -> dict[str, float]:
    """The weights of a mixture over the whole run, from its stages."""
    totals: dict[str, float] = {}
    start = 0.0
    for stage in stages:
        for source, weight in Mixture(stage["weights"]).items():
            totals[source] = totals.get(source, 0.0) + weight * (stage["until"] - start)
        start = stage["until"]
    return totals
