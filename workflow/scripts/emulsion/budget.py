"""What an experiment will cost, before anything is trained, and what it did cost.

Every run is charged: strategies, baselines, ablations, and the proxies that the optimiser needs. Hours are of one
device, from the floating-point operations of its runs and the share of the device's peak that training reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulsion import experiments
from emulsion.experiments import Config
from emulsion.models import flops_per_token, parameter_count, vocabulary_size

STAGES: dict[str, experiments.Mixtures] = {
    "strategies": experiments.strategies,
    "baselines": lambda config, name: [*experiments.singles(config, name), *experiments.sized(config, name)],
    "ablations": experiments.ablations,
    "optimize": lambda config, name: [*experiments.proxies(config, name), *experiments.optima(config, name)],
}


def run_cost(config: Config, experiment: str, run: str) -> dict[str, float]:
    """What one run takes: tokens, FLOPs, bytes of its model on disk, hours on the experiment's device."""
    spec = experiments.run_spec(config, experiment, run)
    chosen = config["experiments"][experiment]
    tokenizer = experiments.kind_block(config["tokenizers"][chosen["tokenizer"]])
    vocab_size = vocabulary_size(spec["model"], tokenizer["vocab_size"])
    device = config["devices"][chosen["budget"]["device"]]
    flops = spec["tokens"] * flops_per_token(spec["model"], vocab_size)
    seconds = flops / (device["teraflops"] * 1e12 * device["utilisation"]) + device["seconds_per_run"]
    return {
        "runs": 1,
        "tokens": spec["tokens"],
        "flops": flops,
        "disk_bytes": 4 * parameter_count(spec["model"], vocab_size),
        "hours": seconds / 3600,
    }


def planned_cost(config: Config, experiment: str) -> dict[str, dict[str, float]]:
    """{stage: runs, tokens, flops, disk_bytes, hours} and their `total`; stages without runs are left out."""
    stages = {}
    for stage, mixtures in STAGES.items():
        costs = [run_cost(config, experiment, run) for run in experiments.runs(config, experiment, mixtures)]
        if costs:
            stages[stage] = add_up(costs)
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


def spent(records: Mapping[str, Mapping[str, Any]], evaluations: Mapping[str, float]) -> dict[str, float]:
    """What runs took. records: {run: its run.json}; evaluations: {run: seconds of its evaluation}."""
    return {
        "runs": len(records),
        "tokens": sum(record["tokens"] for record in records.values()),
        "training_hours": sum(record["seconds"] * record["devices"] for record in records.values()) / 3600,
        "evaluation_hours": sum(evaluations.values()) / 3600,
        "peak_memory_bytes": max((record["peak_memory_bytes"] for record in records.values()), default=0),
    }
