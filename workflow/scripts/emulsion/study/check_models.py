"""Checks on models, on how they are trained, and on the weights that they start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emulsion.models import OF_LLAMA, is_tied, kv_heads, rope_theta, vocabulary_size
from emulsion.study.catalogue import Config, kind_block
from emulsion.study.check_common import folder_or_hub
from emulsion.study.experiment import Experiment
from emulsion.study.study import Study

# What any model and the weights that it starts from have alike.
_SIZES = ("architecture", "hidden_size", "layers", "heads", "intermediate_size")


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
    """Weights come from the hub, or from a folder: they are there already, or are made by a run of another model."""
    made = {
        f"models/{name}-{run}": (experiment.size_of_run(run).model, experiment)
        for name, experiment in study.items()
        for run in experiment.all_runs()
    }
    models = study.config["models"]
    for name, model in models.items():
        if "id" in model.get("weights", {}):
            yield from folder_or_hub(model["weights"]["id"], f"models.{name}.weights.id")
    folders = {name: model.get("weights", {}).get("folder") for name, model in models.items()}
    origins = {name: made.get(Path(folder).as_posix()) if folder else None for name, folder in folders.items()}
    starts = {name: origin[0] if origin else None for name, origin in origins.items()}
    for name, folder in folders.items():
        if folder is None:
            continue
        where, origin, trained = f"models.{name}.weights.folder", origins[name], starts[name]
        if origin is None and not Path(folder, "model.safetensors").is_file():
            yield f"{where}: {folder} holds no model.safetensors, nor is it models/{{experiment}}-{{run}} of any run."
        elif trained == name:
            yield f"{where}: {folder} is a run of this very model, which would have to start from itself."
        elif origin is not None and name in (circle := _followed(trained, starts)):
            yield f"{where}: {folder} is a run of '{trained}', which starts from this model: {' from '.join(circle)}."
        elif origin is not None:
            tokens = kind_block(study.config["tokenizers"][origin[1].settings["tokenizer"]])["vocab_size"]
            own, theirs = _form(models[name], tokens), _form(models[origin[0]], tokens)
            for key in filter(theirs.__contains__, own):
                if own[key] != theirs[key]:
                    difference = f"whose {key} is {theirs[key]}; here it is {own[key]}"
                    yield f"{where}: {folder} is a run of '{trained}', {difference}."
            yield from _tokenizers(study, name, origin[1], f"{where}: {folder}")


def _form(model: Mapping[str, Any], tokens: int) -> dict[str, Any]:
    """What a model must have as its weights have it; tokens: of the tokenizer, for a model that does not say its rows.

    GPT-2 has an embedding of every position; the positions of others are angles, of which there may be more or fewer.
    """
    found = {**{key: model[key] for key in _SIZES}, "vocab_size": vocabulary_size(model, tokens)}
    if model["architecture"] == "gpt2":
        found["context"] = model["context"]
    if model["architecture"] == "llama":
        found |= {"kv_heads": kv_heads(model), "rope_theta": rope_theta(model), "tied": is_tied(model)}
    return found


def _tokenizers(study: Study, model: str, maker: Experiment, where: str) -> Iterator[str]:
    """Whoever starts from a run has its tokens: with others, each row of the embedding would be of another token."""
    entries, theirs = study.config["tokenizers"], maker.settings["tokenizer"]
    for experiment in study.values():
        own = experiment.settings["tokenizer"]
        if model in experiment.models() and entries[own] != entries[theirs]:
            yield (
                f"{where} is a run of experiments.{maker.name}, whose tokenizer is '{theirs}', but experiments."
                f"{experiment.name} trains this model with tokenizer '{own}'; write `tokenizer: {theirs}` there."
            )


def _followed(name: str | None, starts: Mapping[str, str | None]) -> list[str]:
    """A model, the one that it starts from, and so on, to the first that was there before."""
    found: list[str] = []
    while name is not None and name not in found:
        found.append(name)
        name = starts[name]
    return found
