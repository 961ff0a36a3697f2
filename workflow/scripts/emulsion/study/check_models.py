"""What is said of models, and of the weights that they start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emulsion.study import experiments, sweeps
from emulsion.study.catalogue import Config


def models(config: Config) -> Iterator[str]:
    for name, model in config["models"].items():
        if model["hidden_size"] % model["heads"]:
            yield f"models.{name}: hidden_size {model['hidden_size']} does not divide by {model['heads']} heads."


def weights(config: Config) -> Iterator[str]:
    """Weights of a folder are there already, or are made by a run of another model."""
    made = {
        f"models/{name}-{run}": (name, run)
        for name in config["experiments"]
        for run in [*experiments.runs(config, name), *sweeps.runs(config, name)]
    }
    for name, model in config["models"].items():
        folder = model.get("weights", {}).get("folder")
        if folder is None:
            continue
        where = f"models.{name}.weights.folder"
        run = made.get(Path(folder).as_posix())
        if run is None and not Path(folder, "model.safetensors").is_file():
            yield f"{where}: {folder} holds no model.safetensors, nor is it models/{{experiment}}-{{run}} of any run."
        elif run and experiments.run_model(config, *run) == name:
            yield f"{where}: {folder} is a run of this very model, which would have to start from itself."
