"""Evaluate a trained model: test loss per source, capability suites, and the texts it wrote for them.

python workflow/scripts/evaluate.py --model models/exp3-balanced --stores data/tokens/bpe/* \
    --suites resources/suites/experiment3.yaml --settings '{"samples": 4}' --perplexity p.json \
    --capabilities c.json --generations g.jsonl
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from emulsion.errors import UserError
from emulsion.evaluation.capabilities import evaluate_suites
from emulsion.evaluation.losses import source_losses
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import load_suites
from emulsion.files import write_json, write_jsonl
from emulsion.losses import require_plain_head
from emulsion.tokenizers import byte_lengths, fingerprint
from emulsion.tokens import TokenStore

log = logging.getLogger("evaluate")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder in the Hugging Face layout")
    parser.add_argument("--stores", type=Path, nargs="+", required=True, help="token stores, one per source")
    parser.add_argument("--suites", type=Path, nargs="+", required=True, help="capability suites")
    parser.add_argument("--settings", default="{}", help="JSON: see emulsion.evaluation.settings")
    parser.add_argument("--threads", type=int, default=1, help="of the processor; they decide the last bits")
    for name in ("perplexity", "capabilities", "generations"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="file to write")
    return parser.parse_args(arguments)


def parse_settings(text: str) -> EvaluationSettings:
    try:
        return EvaluationSettings.of(json.loads(text))
    except json.JSONDecodeError as error:
        raise UserError(f"--settings: not valid JSON: {error}.") from None


def load(folder: Path) -> tuple[Any, Any]:
    """The model, in single precision on the device there is, and its tokenizer."""
    if not (folder / "config.json").exists():
        raise UserError(f"{folder}: no model here (no config.json).")
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    require_plain_head(model)
    return model, AutoTokenizer.from_pretrained(folder, local_files_only=True)


def read_test_sequences(folders: Sequence[Path], model: Path, context: int, most: int) -> dict[str, NDArray[Any]]:
    """source -> at most `most` test sequences [sequences, context + 1], evenly spread over its test split."""
    tokenizer, sequences = fingerprint(model), {}
    for folder in folders:
        store = TokenStore.open(folder)
        if store.tokenizer != tokenizer:
            raise UserError(f"{folder}: made with tokenizer {store.tokenizer}, but {model} has {tokenizer}.")
        if store.source in sequences:
            raise UserError(f"{folder}: source '{store.source}' is given twice.")
        count = store.count("test", context)
        if not count:
            raise UserError(f"{folder}: source '{store.source}' has no test sequence of {context} tokens.")
        kept = min(count, most)
        sequences[store.source] = store.read("test", np.arange(kept) * count // kept, context)
    return sequences


def evaluate(arguments: argparse.Namespace) -> None:
    settings, suites = parse_settings(arguments.settings), load_suites(arguments.suites)
    torch.set_num_threads(arguments.threads)
    model, tokenizer = load(arguments.model)
    context = model.config.max_position_embeddings
    sequences = read_test_sequences(arguments.stores, arguments.model, context, settings.test_sequences)
    log.info("%s on %s: %d sources, %d suites", arguments.model, model.device, len(sequences), len(suites))
    lengths = byte_lengths(arguments.model)
    losses = source_losses(model, sequences, lengths, settings.batch, settings.resamples, settings.seed)
    for source, result in losses.items():
        log.info("%s: %.4f nats per token over %d tokens", source, result["loss"], result["tokens"])
    write_json(arguments.perplexity, {"split": "test", "context": context, "sources": losses})
    results, records = evaluate_suites(model, tokenizer, suites, settings)
    for capability, result in results["capabilities"].items():
        log.info("%s: %.3f over %d items", capability, result["score"], result["items"])
    write_json(arguments.capabilities, results)
    write_jsonl(arguments.generations, records)


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        evaluate(parse(arguments))
    except UserError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
