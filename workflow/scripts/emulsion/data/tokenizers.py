"""Tokenizers: train a byte-level BPE or take a pretrained one, and encode text at speed.

A tokenizer is a folder in the Hugging Face layout. Its fingerprint is a hash of `tokenizer.json`, so that a
token store and a model can tell whether they were made with the same one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.files import whole_folder

END_OF_TEXT = "<|endoftext|>"

Encode = Callable[[list[str]], tuple[NDArray[np.uint32], NDArray[np.int64]]]

log = logging.getLogger(__name__)


def train_bpe(texts: Iterable[str], vocab_size: int, folder: Path) -> None:
    """Train a byte-level BPE (as GPT-2's) of `vocab_size` tokens, end-of-text included, and save it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    _save(tokenizer, folder, END_OF_TEXT)


def _save(tokenizer: Any, folder: Path, end_of_text: str) -> None:
    from transformers import PreTrainedTokenizerFast

    with whole_folder(folder) as part:
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end_of_text).save_pretrained(part)


def fetch_pretrained(name: str, tokenizer_id: str, revision: str | None, folder: Path) -> None:
    """Take a tokenizer from the hub or a local folder and save it; raises UserError where it cannot be read."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_id, revision=revision, token=os.environ.get("HF_TOKEN"))
    except (OSError, ValueError) as error:
        raise UserError(f"tokenizers.{name}.id: '{tokenizer_id}' could not be loaded: {error}") from error
    if not tokenizer.is_fast:
        raise UserError(f"tokenizers.{name}.id: '{tokenizer_id}' has no tokenizer.json (a fast tokenizer is needed).")
    if tokenizer.eos_token is None:
        raise UserError(f"tokenizers.{name}.id: '{tokenizer_id}' has no end-of-text token to separate documents.")
    _save(tokenizer.backend_tokenizer, folder, tokenizer.eos_token)


def _definition(folder: Path) -> dict[str, Any]:
    file = folder / "tokenizer.json"
    if not file.exists():
        raise UserError(f"{folder}: no tokenizer here (no tokenizer.json).")
    definition: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return definition


def fingerprint(folder: Path | str) -> str:
    """Sixteen hexadecimal digits that identify what the tokenizer does."""
    text = json.dumps(_definition(Path(folder)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def vocabulary(folder: Path | str) -> dict[str, int]:
    """{token: id}, special tokens included."""
    definition = _definition(Path(folder))
    return {**definition["model"]["vocab"], **{token["content"]: token["id"] for token in definition["added_tokens"]}}


def end_of_text(folder: Path | str) -> int:
    """The id of the token that separates documents."""
    settings = json.loads((Path(folder) / "tokenizer_config.json").read_text(encoding="utf-8"))
    return vocabulary(folder)[settings["eos_token"]]


def byte_lengths(folder: Path | str) -> NDArray[np.int64]:
    """[vocab]: how many bytes of text each token stands for; special tokens stand for none.

    In a byte-level vocabulary each character of a token is one byte; in others a token is its own text, with
    `\\u2581` for a space and `<0xNN>` for a byte.
    """
    definition = _definition(Path(folder))
    byte_level = "ByteLevel" in json.dumps([definition["pre_tokenizer"], definition["decoder"]])
    tokens = vocabulary(folder)
    special = {token["content"] for token in definition["added_tokens"] if token["special"]}
    lengths = np.zeros(max(tokens.values()) + 1, dtype=np.int64)
    for token, index in tokens.items():
        if token in special:
            continue
        if byte_level:
            lengths[index] = len(token)
        else:
            is_byte = len(token) == 6 and token.startswith("<0x")
            lengths[index] = 1 if is_byte else len(token.replace("\u2581", " ").encode())
    return lengths


def encoder(folder: Path | str, sample: list[str]) -> Encode:
    """texts -> (their token ids, flat; the number of tokens of each text).

    The fastest encoder that is installed and gives the reference's ids on `sample`; otherwise the
    reference itself, Hugging Face's `tokenizers`.
    """
    reference = _reference_encoder(Path(folder))
    if importlib.util.find_spec("gigatoken") is None:
        return reference
    try:
        fast = _gigatoken_encoder(Path(folder))
        (ids, lengths), (expected_ids, expected_lengths) = fast(sample), reference(sample)
        same = np.array_equal(ids, expected_ids) and np.array_equal(lengths, expected_lengths)
    except Exception as error:  # a tokenizer it does not know is no reason to stop
        log.warning("gigatoken cannot be used (%s); encoding with Hugging Face tokenizers", error)
        return reference
    if not same:
        log.warning("gigatoken differs from Hugging Face tokenizers on a sample; encoding with the latter")
    return fast if same else reference


def _reference_encoder(folder: Path) -> Encode:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        lengths = np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)
        flat = np.concatenate([np.empty(0), *(encoding.ids for encoding in encodings)]).astype(np.uint32)
        return flat, lengths

    return encode


def _gigatoken_encoder(folder: Path) -> Encode:
    import awkward
    import gigatoken

    tokenizer = gigatoken.Tokenizer.from_json((folder / "tokenizer.json").read_bytes())

    def encode(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        if not texts:
            return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.int64)
        encoded = tokenizer.encode_batch(texts)
        flat = awkward.to_numpy(awkward.flatten(encoded)).astype(np.uint32)
        return flat, awkward.to_numpy(awkward.num(encoded)).astype(np.int64)

    return encode
