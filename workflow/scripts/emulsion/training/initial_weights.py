"""Initial weights: a model that training starts from, in the place of random weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from emulsion.data.sources.streams import why_no_data
from emulsion.data.tokenizers import fingerprint
from emulsion.errors import UserError
from emulsion.files import read_given, read_object, sha256
from emulsion.models import OF_LLAMA, ModelSettings, model_class, model_config
from emulsion.trust import RECORD, check_file, check_model, record_of, refuse_code

# What decides what a model computes and shows in no tensor's size: {field of transformers: key of the model, if any}.
FORM = {
    "num_attention_heads": "heads",
    "num_key_value_heads": "kv_heads",
    "activation_function": None,
    "hidden_act": None,
    "layer_norm_epsilon": None,
    "layer_norm_eps": None,
    "rms_norm_eps": None,
    "rope_parameters": "rope_theta",
    "scale_attn_weights": None,
    "scale_attn_by_inverse_layer_idx": None,
    "tie_word_embeddings": "tied",
    "use_parallel_residual": None,
}
# Names of one function: GPT-2's own kernel by kernel, and in one.
SAME_FUNCTION = {"gelu_new": "gelu_pytorch_tanh"}
FLOATS = ("F64", "F32", "F16", "BF16")
SHOWN = 3


@dataclass(frozen=True)
class InitialWeights:
    """A model folder in the Hugging Face layout, and the hash of its `model.safetensors`."""

    folder: Path
    sha256: str

    def check_tokenizer(self, tokenizer: Path) -> None:
        """Raise UserError where a run's record says that its tokens were others; weights from elsewhere have no record.

        Tensors for vocabularies of one size fit, and each row would then be taken for that of another token.
        """
        theirs, ours = record_of(self.folder).get("tokenizer"), fingerprint(tokenizer)
        if theirs not in (None, ours):
            raise UserError(
                f"model.weights: {self.folder / RECORD} says that the run had tokenizer {theirs}, but {tokenizer} is "
                f"{ours}. Take the tokenizer that the weights were trained with."
            )

    def load(self, model: ModelSettings, vocab_size: int, end_of_text: int) -> torch.nn.Module:
        """The model with these weights in it, in single precision and training mode.

        Raises UserError where they are not those of such a model.
        """
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        config = model_config(model, vocab_size, end_of_text)
        _check_form(config, read_given(self.folder / "config.json", ("model_type",)), self.folder)
        try:
            loaded, found = model_class(model).from_pretrained(
                self.folder,
                config=config,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, SafetensorError) as error:
            raise UserError(f"{self.folder}: these weights cannot be read: {error}") from error
        _check_sizes(loaded, found["mismatched_keys"], self.folder)
        broken = [name for name, tensor in loaded.named_parameters() if not tensor.isfinite().all()]
        for names, what in (
            (found["missing_keys"], "lack {} of the model's tensors: {}. See `layers`."),
            (found["unexpected_keys"], "have {} tensors that the model has no place for: {}. See `layers`."),
            (_quantised(self.folder), "have {} tensors of numbers that only their quantisation reads: {}."),
            (broken, "have {} tensors with numbers that are not finite: {}."),
        ):
            _check_names(names, what, self.folder)
        trainable: torch.nn.Module = loaded.train()
        return trainable


def initial_weights(model: ModelSettings, path: Path | None) -> InitialWeights | None:
    """What the model starts from where its settings name `weights`: a folder, or the file in it; else None.

    Raises UserError where only one of settings and path is there, or the folder holds no such file, a damaged one, or
    code.
    """
    if path is None and not model.get("weights"):
        return None
    if path is None:
        raise UserError(f"model.weights: {dict(model['weights'])} is asked for, but no folder was given (--weights).")
    if not model.get("weights"):
        raise UserError(f"--weights: {path} was given, but the model of the run spec names no `weights`.")
    folder = path.parent if path.suffix == ".safetensors" else path
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).exists():
            raise UserError(f"{folder}: no {name} here; initial weights are a model folder with safetensors in it.")
        if reason := why_no_data(folder / name):
            raise UserError(f"{folder / name}: {reason}.")
    check_model(folder)
    refuse_code(folder)
    weights = folder / "model.safetensors"
    provenance = folder / "provenance.json"
    if provenance.exists():
        hashes = read_object(provenance, ("sha256",))["sha256"]
        if not isinstance(hashes, Mapping) or weights.name not in hashes:
            raise UserError(f"{provenance}: has no SHA-256 of {weights.name}. Fetch the weights again, or delete it.")
        check_file(weights, hashes[weights.name], provenance)
    return InitialWeights(folder, sha256(weights))


def _check_form(config: Any, declared: Mapping[str, Any], folder: Path) -> None:
    """Raise UserError where the model that the weights were trained in computes something else."""
    if declared.get("model_type") != config.model_type:
        raise UserError(f"model.architecture: is {config.model_type}, but {folder} has a {declared.get('model_type')}.")
    try:
        theirs = type(config).from_dict(declared)
    except Exception as error:  # of many types, by what is wrong
        reason = " ".join(str(error).split())
        raise UserError(f"{folder / 'config.json'}: is not of a model that can be: {reason}.") from error
    for field, key in FORM.items():
        ours, other = getattr(config, field, None), getattr(theirs, field, None)
        if ours != other and SAME_FUNCTION.get(str(other)) != ours:
            ours_to_set = key and (key not in OF_LLAMA or config.model_type == "llama")
            where = f"model.{key}" if ours_to_set else f"model.weights: {field}"
            raise UserError(f"{where}: is {ours} here, but the weights in {folder} were trained with {other}.")


def _check_sizes(model: Any, mismatched: Iterable[tuple[str, Any, Any]], folder: Path) -> None:
    """Raise UserError for tensors of other sizes: [(name, size in the file, size in the model)]."""
    sizes = sorted((name, tuple(theirs), tuple(ours)) for name, theirs, ours in mismatched)
    if not sizes:
        return
    embeddings = model.get_input_embeddings().weight
    for name, theirs, ours in sizes:
        if dict(model.named_parameters()).get(name) is embeddings and theirs[0] != ours[0]:
            raise UserError(
                f"model.weights: {folder} is made for a vocabulary of {theirs[0]:,} tokens, the model for {ours[0]:,} "
                "(its `vocab_size`, or else what its tokenizer has). Take the tokenizer that the weights were trained "
                "with, and their vocabulary as `vocab_size`."
            )
    shown = "; ".join(f"{name} is {theirs} there and {ours} here" for name, theirs, ours in sizes[:SHOWN])
    more = f"; and {len(sizes) - SHOWN} more" if len(sizes) > SHOWN else ""
    raise UserError(f"model.weights: tensors of {folder} have other sizes than the model's: {shown}{more}.")


def _quantised(folder: Path) -> list[str]:
    """The names of weights that are no floating-point numbers of two bytes or more: as such they mean nothing."""
    with safe_open(folder / "model.safetensors", "pt") as saved:
        kinds = {name: saved.get_slice(name).get_dtype() for name in saved.keys() if name.endswith("weight")}  # noqa: SIM118
    return [name for name, kind in kinds.items() if kind not in FLOATS]


def _check_names(names: Iterable[str], what: str, folder: Path) -> None:
    found = sorted(names)
    if found:
        shown = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
        raise UserError(f"model.weights: the weights in {folder} {what.format(len(found), shown)}")
