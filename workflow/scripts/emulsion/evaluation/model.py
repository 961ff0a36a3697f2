"""Evaluate a model folder: the validation and test loss of every source, and the capability suites."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from emulsion.data.batches import spread_rows
from emulsion.data.encoding import text_backend
from emulsion.data.tokenizers import byte_lengths, fingerprint
from emulsion.data.tokens import open_all
from emulsion.errors import UserError
from emulsion.evaluation.capabilities import evaluate_suites
from emulsion.evaluation.held_out_losses import source_losses
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Suite
from emulsion.losses import require_plain_head
from emulsion.trust import check_model, refuse_code

log = logging.getLogger(__name__)


class TextTokenizer(PreTrainedTokenizerFast):  # type: ignore[misc]
    """A model's tokenizer to which texts are only text, as they were when the model's data were tokenised.

    Control tokens written in a text are encoded as the text they are; `decode`, `eos_token_id` and all else know them.
    """

    text: Any  # the `tokenizers.Tokenizer` that encodes
    _tokenizer: Any

    def _encode_plus(self, *args: Any, **options: Any) -> Any:
        whole = self._tokenizer
        self._tokenizer = self.text
        try:
            return super()._encode_plus(*args, **options)
        finally:
            self._tokenizer = whole

    @classmethod
    def load(cls, folder: Path) -> TextTokenizer:
        """The tokenizer of a model folder or a tokenizer folder; UserError where it comes with code."""
        refuse_code(folder)
        tokenizer: TextTokenizer = cls.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer.text = text_backend(folder)
        return tokenizer


def load_model(folder: Path) -> tuple[Any, Any]:
    """The model, in single precision on the device there is, and its tokenizer.

    Raises UserError where the folder is damaged, or comes with code or pickles, which would be run.
    """
    if not (folder / "config.json").exists():
        raise UserError(f"{folder}: no model here (no config.json).")
    check_model(folder)
    refuse_code(folder)
    disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{folder}: this model cannot be read: {error}") from error
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    require_plain_head(model)
    return model, TextTokenizer.load(folder)


def read_sequences(
    folders: Sequence[Path], model: Path, split: str, context: int, most: int
) -> dict[str, NDArray[Any]]:
    """source -> at most `most` sequences [sequences, context + 1], evenly spread over a split of its store."""
    tokenizer, sequences = fingerprint(model), {}
    for source, store in open_all(folders).items():
        if store.tokenizer != tokenizer:
            raise UserError(f"{store.folder}: made with tokenizer {store.tokenizer}, but {model} has {tokenizer}.")
        store.verify([split])
        rows = spread_rows(store.count(split, context), most)
        if not len(rows):
            raise UserError(f"{store.folder}: source '{source}' has no {split} sequence of {context} tokens.")
        sequences[source] = store.read(split, rows, context)
    return sequences


def evaluate_model(
    folder: Path, stores: Sequence[Path], suites: Sequence[Suite], settings: EvaluationSettings
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """The contents of `perplexity.json`, `capabilities.json` and `generations.jsonl`."""
    model, tokenizer = load_model(folder)
    context = model.config.max_position_embeddings
    log.info("%s on %s: %d sources, %d suites", folder, model.device, len(stores), len(suites))
    lengths = byte_lengths(folder)
    losses: dict[str, dict[str, Any]] = {}
    for split in ("validation", "test"):
        sequences = read_sequences(stores, folder, split, context, settings.test_sequences)
        losses[split] = source_losses(model, sequences, lengths, settings.batch, settings.resamples, settings.seed)
    for source, result in losses["test"].items():
        log.info("%s: %.4f nats per token over %d tokens", source, result["loss"], result["tokens"])
    results, records = evaluate_suites(model, tokenizer, suites, settings)
    for capability, result in results["capabilities"].items():
        log.info("%s: %.3f over %d items", capability, result["score"], result["items"])
    for result in losses["validation"].values():
        del result["sequence_losses"]  # for comparisons, which are made on test text alone
    perplexity = {"split": "test", "context": context, "sources": losses["test"], "validation": losses["validation"]}
    return perplexity, results, records
