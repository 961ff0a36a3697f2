"""What an experiment will cost, before anything is trained; `account` has what it did cost.

Every run is charged: strategies, methods with the runs that guide them, single sources, ablations, and swarms. Hours
are of one device, from the floating-point operations of its runs and the share of the device's peak that training
reaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulsion.methods.designs import count_of
from emulsion.methods.interface import GradientMethod, OnlineMethod, sequences_evaluated
from emulsion.methods.stretches import observations
from emulsion.models import FORWARD, flops_per_token, parameter_count, vocabulary_size
from emulsion.spec import RunSpec
from emulsion.study.account import PARAMETERS, SEARCHED, SWARMS, add_up
from emulsion.study.catalogue import kind_block
from emulsion.study.experiment import Experiment, Mixtures
from emulsion.study.laws import Laws
from emulsion.study.mixture_table import Size
from emulsion.study.swarms import Swarm

STAGES: dict[str, Mixtures] = {
    "strategies": Experiment.strategies,
    "methods": lambda experiment: [*experiment.methods(), *experiment.guides()],
    "singles": Experiment.singles,
    "ablations": Experiment.ablations,
    "repetition": lambda experiment: experiment.repeated_pair()[1:],
}


def run_cost(experiment: Experiment, size: Size, observed: float = 0.0) -> dict[str, float]:
    """What one run takes: tokens, FLOPs, bytes of its model, hours of the experiment's device, evaluation included.

    observed: of `observed_tokens`.
    """
    spec = experiment.spec_of(size)
    vocab_size, device = vocabulary_of(experiment, spec), _device(experiment)
    flops = (spec["tokens"] + observed) * flops_per_token(spec["model"], vocab_size)
    training = _seconds(flops, device) + device["seconds_per_run"]
    return {
        "runs": 1,
        "tokens": spec["tokens"],
        "flops": flops,
        "disk_bytes": 4 * parameter_count(spec["model"], vocab_size),
        "hours": (training + device["seconds_per_evaluation"]) / 3600,
    }


def observed_tokens(experiment: Experiment, mixture: str, share: float = 1.0) -> float:
    """What a mixture's run reads within this share of it to be decided, as so many tokens trained on; 0 of others.

    Tokens whose gradients are taken count as trained on, those of losses alone as a forward pass.
    """
    deciding = mixture in experiment.deciding()
    if not deciding or not isinstance(method := experiment.method(mixture), OnlineMethod):
        return 0.0
    entry = experiment.entries[mixture]
    spec = RunSpec.from_json(experiment.spec_of(entry.size))
    sources, sequences = len(experiment.sources), spec.validation_sequences
    read = sources * sequences * FORWARD
    if isinstance(method, GradientMethod):
        read = sources * (sequences_evaluated(sequences, sources, method.validation_share) + sequences)
    return observations(method, spec.steps, entry.steps_before(spec.steps), share) * read * spec.context


def swarm_cost(experiment: Experiment, swarm: Swarm) -> dict[str, float]:
    """What a swarm takes: trunks, branches and measurements; it keeps no models, and starts once for each job."""
    values = experiment.spec_of(experiment.size_of_swarm(swarm.name))
    spec, trained = RunSpec.from_json(values), swarm.trained_tokens(values["tokens"])
    read = swarm.measurements(spec) * len(experiment.sources) * spec.validation_sequences * spec.context
    tokens = sum(trained) + read * FORWARD
    flops = tokens * flops_per_token(spec.model, vocabulary_of(experiment, values))
    device = _device(experiment)
    judged = sum(trunk["finish"] for trunk in swarm.trunks) if swarm.capabilities else 0
    waits = len(swarm.batches) * device["seconds_per_run"] + judged * device["seconds_per_evaluation"]
    return {
        "runs": len(trained),
        "tokens": sum(trained),
        "flops": flops,
        "disk_bytes": 0,
        "hours": (_seconds(flops, device) + waits) / 3600,
    }


def search_cost(experiment: Experiment, mixture: str) -> dict[str, float]:
    """What the trainings take that a method searches with; no models are kept."""
    each = run_cost(experiment, experiment.size_of_search(mixture))
    return {**add_up([each] * experiment.trainings(mixture)), "disk_bytes": 0}


def parameters_cost(experiment: Experiment) -> dict[str, float]:
    """What the branches of methods' own runs take, with the way of each run to its last state; no models are kept."""
    chosen, device = experiment.settings["parameters"], _device(experiment)
    points, last, costs = count_of(chosen["points"], experiment.sources), max(chosen["shares"]), []
    for name in Laws(experiment).all_branched_runs():
        size = experiment.size_of_run(name)
        values = experiment.spec_of(size)
        spec, ends = RunSpec.from_json(values), len(chosen["shares"]) * points
        trained = round(last * size.tokens) + ends * chosen["tokens"]
        measured = (ends + len(chosen["shares"])) * len(experiment.sources) * spec.validation_sequences * spec.context
        observed = measured * FORWARD + observed_tokens(experiment, experiment.run(name).entry.name, last)
        flops = (trained + observed) * flops_per_token(spec.model, vocabulary_of(experiment, values))
        hours = (_seconds(flops, device) + device["seconds_per_run"]) / 3600
        costs.append({"runs": 1 + ends, "tokens": trained, "flops": flops, "disk_bytes": 0, "hours": hours})
    return add_up(costs)


def vocabulary_of(experiment: Experiment, spec: Mapping[str, Any]) -> int:
    tokenizer = experiment.config["tokenizers"][experiment.settings["tokenizer"]]
    return vocabulary_size(spec["model"], kind_block(tokenizer)["vocab_size"])


def _device(experiment: Experiment) -> Mapping[str, Any]:
    return dict(experiment.config["devices"][experiment.settings["budget"]["device"]])


def _seconds(flops: float, device: Mapping[str, Any]) -> float:
    return flops / (float(device["teraflops"]) * 1e12 * float(device["utilisation"]))


def planned_cost(experiment: Experiment) -> dict[str, dict[str, float]]:
    """{stage: runs, tokens, flops, disk_bytes, hours} and their `total`; stages without runs are left out."""
    stages = {}
    for stage, mixtures in STAGES.items():
        costs = [
            run_cost(experiment, run.entry.size, observed_tokens(experiment, run.entry.name))
            for run in experiment.runs(mixtures(experiment))
        ]
        if costs:
            stages[stage] = add_up(costs)
    if experiment.swarms:
        stages[SWARMS] = add_up([swarm_cost(experiment, swarm) for swarm in experiment.swarms.values()])
    if searches := experiment.searched():
        stages[SEARCHED] = add_up([search_cost(experiment, name) for name in searches])
    if Laws(experiment).methods():
        stages[PARAMETERS] = parameters_cost(experiment)
    return {**stages, "total": add_up(list(stages.values()))}


def over_budget(hours: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """A sentence for each stage that takes more hours than it may."""
    return [
        f"{stage}: {hours[stage]:.2f} hours are over the budget of {limit:g} by {hours[stage] / limit - 1:.0%}."
        for stage, limit in limits.items()
        if hours.get(stage, 0.0) > limit
    ]


def runs_of_stages(experiment: Experiment) -> dict[str, list[str]]:
    """{stage: its runs}; stages without runs are left out."""
    stages = {stage: experiment.names(mixtures(experiment)) for stage, mixtures in STAGES.items()}
    return {stage: runs for stage, runs in stages.items() if runs}
