"""What an experiment plans: its mixtures, its costs, and which differences it can detect."""

from __future__ import annotations

from collections import Counter
from typing import Any

from emulsion.analysis.power import detectable_effects, detectable_losses
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Suite, load_suite, parse_suite
from emulsion.files import found
from emulsion.methods.designs import needs_sizes
from emulsion.methods.interface import Evidence
from emulsion.mixture import mean_of_stages
from emulsion.study.budget import planned_cost
from emulsion.study.catalogue import Config
from emulsion.study.experiment import Experiment
from emulsion.study.laws import Laws
from emulsion.synthetic import suite_items


def plan_of(experiment: Experiment) -> dict[str, Any]:
    """The content of a plan, without the sizes of sources: they are known only once the data are tokenised."""
    mixtures, read = {}, {}
    for name in experiment.fixed():
        entry = experiment.entries[name]
        if not (experiment.needs(name).sizes and needs_sizes(entry.method.get("points", {"kind": "spread"}))):
            mixtures[name] = dict(mean_of_stages(experiment.propose(name, Evidence())))
            read[name] = entry.size.stands_for or entry.size.tokens
    return {
        "device": experiment.settings["budget"]["device"],
        "limits": experiment.settings["budget"]["hours"],
        "costs": planned_cost(experiment),
        "tokens": read,
        "max_epochs": experiment.max_epochs,
        "mixtures": mixtures,
        "compared": experiment.candidates(),
        "effects": _effects(experiment),
        "few_points": _few_points(experiment),
    }


def _few_points(experiment: Experiment) -> str:
    """A warning where a swarm has fewer points than the static law has parameters; empty where it has enough."""
    swarm = Laws(experiment).swarm
    points = len(swarm.points) if swarm else 0
    parameters = len(experiment.sources) + 1
    if not 0 < points < parameters:
        return ""
    return f"{points} points for {parameters} parameters of each group's static law: it will lean on its ridge."


def _effects(experiment: Experiment) -> list[dict[str, Any]]:
    """What the experiment can detect, by each thing it is judged by; nothing where it compares nothing."""
    compared, seeds = experiment.candidates(), len(experiment.settings["seeds"])
    if not compared:
        return []
    found = []
    for kind in experiment.judged_by():
        if kind == "losses":
            weights = experiment.settings["loss_weights"]
            counted = [source for source in experiment.sources if not weights or weights.get(source)]
            sequences = dict.fromkeys(counted, experiment.settings["evaluation"]["test_sequences"])
            found.append(detectable_losses(sequences, seeds, len(compared), weights=weights))
        else:
            found.append(detectable_effects(items_of_suites(experiment), seeds, len(compared)))
    return found


def items_of_suites(experiment: Experiment) -> dict[str, int]:
    """{capability: how many items the experiment's suites have to judge it by}."""
    settings = EvaluationSettings.of(experiment.settings["evaluation"])
    counts: Counter[str] = Counter()
    for name in experiment.settings["suites"]:
        suite = _suite_of(experiment.config, name)
        chosen = selection_half(suite, settings.seed) if settings.selection else frozenset()
        counts.update(item.capability for item in suite.items if item.id not in chosen)
    return dict(counts)


def _suite_of(config: Config, name: str) -> Suite:
    """A suite, made anew if it is a synthetic one."""
    entry = config["suites"][name]
    if entry["kind"] == "file":
        return load_suite(found(entry["file"]))
    made = suite_items(entry["synthetic"]["items_per_capability"], entry["synthetic"]["seed"])
    return parse_suite({"suite": name, "items": made}, f"suites.{name}")
