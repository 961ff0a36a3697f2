"""Checks on models, on how they are trained, and on the weights that they start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emulsion.models import OF_LLAMA, kv_heads
from emulsion.study.catalogue import Config
from emulsion.study.study import Study


def models(config: Config) -> Iterator[str]:
    for name, model in config["models"].items():
        if model["hidden_size"] % model["heads"]:
            yield f"models.{name}: hidden_size {model['hidden_size']} does not divide by {model['heads']} heads."
        if model["architecture"] != "llama":
            for key in filter(model.__contains__, OF_LLAMA):
                yield f"models.{name}.{key}: is a setting of llama; {model['architecture']} has none. Leave it out."
            continue
        if model["heads"] % kv_heads(model):
            yield f"models.{name}.kv_heads: {model['heads']} heads do not divide by {kv_heads(model)}."
        if model["hidden_size"] // model["heads"] % 2:
            yield f"models.{name}: rotary positions need heads of an even width; hidden_size / heads is odd."


def training(config: Config) -> Iterator[str]:
    for name, chosen in config["training"].items():
        peak, last = chosen["learning_rate"], chosen["final_learning_rate"]
        if last > peak:
            yield (
                f"training.{name}.final_learning_rate: {last:g} is above the peak, learning_rate {peak:g}; the rate "
                "falls after the warm-up, or stays where both are the same."
            )
        if chosen.get("sharding") == "full" and chosen["precision"] == "fp16":
            yield f"training.{name}.sharding: full does not go with precision fp16, which scales losses; take bf16."


def weights(study: Study) -> Iterator[str]:
    """Weights of a folder are there already, or are made by a run of another model."""
    made = {
        f"models/{name}-{run}": experiment.size_of_run(run).model
        for name, experiment in study.items()
        for run in experiment.all_runs()
    }
    for name, model in study.config["models"].items():
        folder = model.get("weights", {}).get("folder")
        if folder is None:
            continue
        where = f"models.{name}.weights.folder"
        trained = made.get(Path(folder).as_posix())
        if trained is None and not Path(folder, "model.safetensors").is_file():
            yield f"{where}: {folder} holds no model.safetensors, nor is it models/{{experiment}}-{{run}} of any run."
        elif trained == name:
            yield f"{where}: {folder} is a run of this very model, which would have to start from itself."
