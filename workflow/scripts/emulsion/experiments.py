"""Experiments: from the configuration to the names of runs and to what each one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

# What a training step means. Raise it by hand when a change alters what is learned from the same spec:
# every run is then trained again. Editing the code alone retrains nothing.
TRAIN_RECIPE = 1

NOT_LEARNED = ("micro_batch",)


def mixture_names(config: Config, experiment: str) -> list[str]:
    """The mixtures of an experiment, in the order of its tables and figures."""
    return list(config["experiments"][experiment]["strategies"])


def strategy_stages(strategy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A strategy as stages [{"until": share of the run, "weights": {source: weight}}]."""
    stages = strategy.get("stages") or [{"until": 1.0, "ratios": strategy["ratios"]}]
    return [{"until": float(stage["until"]), "weights": dict(stage["ratios"])} for stage in stages]


def run_spec(config: Config, experiment: str) -> dict[str, Any]:
    """The run spec of an experiment's runs: all but the mixture, and nothing that cannot change the result."""
    chosen = config["experiments"][experiment]
    training = {key: value for key, value in config["training"][chosen["training"]].items() if key not in NOT_LEARNED}
    return {
        "recipe": TRAIN_RECIPE,
        "model": config["models"][chosen["model"]],
        "tokens": chosen["tokens"],
        "seed": chosen["seed"],
        **training,
    }


def kind_block(entry: Mapping[str, Any]) -> Any:
    """The block of a source, tokenizer or suite that its `kind` selects."""
    return entry[entry["kind"]]


def source_spec(config: Config, source: str) -> dict[str, Any]:
    """What decides the raw data of a source: the selected block, so that the others change nothing."""
    entry = config["sources"][source]
    return {"kind": entry["kind"], "licence": entry.get("licence", "unstated"), **kind_block(entry)}


def suite_file(config: Config, suite: str) -> str:
    """Where a suite lies: generated ones are made by the workflow."""
    entry = config["suites"][suite]
    return str(entry["file"]) if entry["kind"] == "file" else f"data/suites/{suite}.json"
