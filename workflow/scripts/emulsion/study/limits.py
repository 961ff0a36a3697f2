"""Limits: what an experiment demands of its runs, and which experiments do."""

from __future__ import annotations

from typing import Any

from emulsion.study.catalogue import Config


def most_epochs(config: Config, experiment: str) -> int:
    """How often a run may repeat a source before it is refused; 0 where it is only warned of."""
    allowed = config["experiments"][experiment]["max_epochs"]
    return int(allowed["limit"]) if allowed["on_excess"] == "refuse" else 0


def smoke_checked(config: Config) -> list[str]:
    """The experiments whose runs must show that their loss falls before they go on."""
    return [name for name, experiment in config["experiments"].items() if experiment.get("smoke")]


def smoke_steps(config: Config, experiment: str) -> int:
    """After how many steps a run must have shown it; 0 where it need not."""
    return int((_smoke(config, experiment) or {"steps": 0})["steps"])


def smoke_fall(config: Config, experiment: str) -> str:
    """By how many nats per token its loss must have fallen by then; as text, for Snakemake rounds resources."""
    return str((_smoke(config, experiment) or {"least_fall": 0})["least_fall"])


def _smoke(config: Config, experiment: str) -> Any:
    return config["experiments"][experiment].get("smoke")


def measured(config: Config) -> list[str]:
    """The experiments whose runs are held against limits and published results."""
    return [name for name, experiment in config["experiments"].items() if experiment.get("metrics")]


def limits_of(config: Config, experiment: str) -> dict[str, float]:
    """Those limits: {"perplexity", "coherent", "spread"}."""
    metrics = config["experiments"][experiment]["metrics"]
    return {key: metrics[key] for key in ("perplexity", "coherent", "spread")}
