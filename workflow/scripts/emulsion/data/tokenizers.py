"""Tokenizers: train a byte-level BPE, and read what a tokenizer's files say.

A tokenizer is a folder in the Hugging Face layout. Its fingerprint is a hash of `tokenizer.json`, so that a
token store and a model can tell whether they were made with the same one.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.files import read_object, whole_folder

END_OF_TEXT = "<|endoftext|>"
_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


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
    if (found := tokenizer.get_vocab_size()) < vocab_size:
        log.warning("the text has %s tokens, of %s that the vocabulary may have", f"{found:,}", f"{vocab_size:,}")
    with whole_folder(folder) as part:
        save_tokenizer(tokenizer, part, END_OF_TEXT)


def save_tokenizer(tokenizer: Any, folder: Path, end_of_text: str) -> None:
    """Write a `tokenizers.Tokenizer` in the Hugging Face layout."""
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end_of_text).save_pretrained(folder)


def copy_tokenizer(tokenizer: Path, folder: Path) -> None:
    """The files of a tokenizer, as the Hugging Face layout has them beside a model."""
    for name in _FILES:
        if (tokenizer / name).exists():
            shutil.copyfile(tokenizer / name, folder / name)


def read_definition(folder: Path | str) -> dict[str, Any]:
    """The content of `tokenizer.json`."""
    file = Path(folder) / "tokenizer.json"
    if not file.exists():
        raise UserError(f"{folder}: no tokenizer here (no tokenizer.json).")
    definition = read_object(file, ("version", "model", "added_tokens"))
    if not isinstance(definition["model"], dict) or "vocab" not in definition["model"]:
        raise UserError(f"{file}: its `model` has no `vocab`, so it is no tokenizer that can be read.")
    return definition


def fingerprint(folder: Path | str) -> str:
    """Sixteen hexadecimal digits that identify what the tokenizer does."""
    text = json.dumps(read_definition(folder), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changing_settings(definition: dict[str, Any]) -> dict[str, str]:
    """{a setting in a definition that would change what is encoded: what it would do}."""
    from tokenizers import Tokenizer

    found = {}
    if truncation := definition.get("truncation"):
        found["truncation"] = f"cuts documents to {truncation['max_length']} tokens"
    if definition.get("padding"):
        found["padding"] = "fills documents up with padding"
    if definition["model"].get("dropout"):
        found["dropout"] = "makes the tokens of the same text differ by chance"
    if processor := definition.get("post_processor"):
        empty = {"version": definition["version"], "model": {"type": "BPE", "vocab": {}, "merges": []}}
        if Tokenizer.from_str(json.dumps({**empty, "post_processor": processor})).num_special_tokens_to_add(False):
            found["post_processor"] = "adds control tokens to every document"
    return found


def check_settings(definition: dict[str, Any], folder: Path | str) -> None:
    """Raise UserError where a definition has settings that would change what is encoded."""
    if found := changing_settings(definition):
        does = "; ".join(f"`{setting}` {effect}" for setting, effect in found.items())
        raise UserError(
            f"{folder}/tokenizer.json: {does}. Set this to null there, or delete the folder and take the tokenizer by "
            "`kind: pretrained`, which switches off what would change the text."
        )


def vocabulary(folder: Path | str) -> dict[str, int]:
    """{token: id}, special tokens included."""
    definition = read_definition(folder)
    return {**_model_tokens(definition), **{token["content"]: token["id"] for token in definition["added_tokens"]}}


def _model_tokens(definition: dict[str, Any]) -> dict[str, int]:
    """{token: id} of the model alone: a mapping, or for Unigram a list of pieces with their scores."""
    tokens = definition["model"]["vocab"]
    return tokens if isinstance(tokens, dict) else {piece: index for index, (piece, _) in enumerate(tokens)}


def end_of_text(folder: Path | str) -> int:
    """The id of the token that separates documents."""
    name, known = _end_token(folder), vocabulary(folder)
    if name not in known:
        raise UserError(f"{folder}: its end-of-text token {name!r} is not in its vocabulary.")
    return known[name]


def _end_token(folder: Path | str) -> str:
    token = read_object(Path(folder) / "tokenizer_config.json", ()).get("eos_token")
    token = token.get("content") if isinstance(token, dict) else token
    if token is None:
        raise UserError(f"{folder}/tokenizer_config.json: no `eos_token`, which separates documents.")
    if not isinstance(token, str):
        raise UserError(f"{folder}/tokenizer_config.json: `eos_token` is {token!r}, where the text of a token stands.")
    return token


# Tokens that were added to be text: words, and the runs of white space of models for code.
_TEXT = re.compile(r"[\w\s'’-]+")


def control_tokens(folder: Path | str) -> list[str]:
    """The tokens that direct a model and are not text, in the order of their ids.

    Special tokens are; so are added tokens that are no words, since many tokenizers have `<tool_call>`, `<think>` or
    `<|assistant|>` as tokens that are not special; and the token of what cannot be spelt.
    """
    added = read_definition(folder)["added_tokens"]
    control = {token["content"]: token["id"] for token in added if token["special"] or not _is_text(token["content"])}
    control[_end_token(folder)] = end_of_text(folder)
    if (unknown := unknown_token(folder)) is not None:
        control |= {token: index for token, index in vocabulary(folder).items() if index == unknown}
    return sorted(control, key=control.__getitem__)


def _is_text(token: str) -> bool:
    return _TEXT.fullmatch(token) is not None


def unknown_token(folder: Path | str) -> int | None:
    """The id of the token for text that the vocabulary cannot spell; None if there is none."""
    model = read_definition(folder)["model"]
    if "unk_id" in model:
        return None if model["unk_id"] is None else int(model["unk_id"])
    return vocabulary(folder).get(model.get("unk_token"))


def byte_lengths(folder: Path | str) -> NDArray[np.int64]:
    """[vocab]: the bytes of text that each token spells; control tokens and the unknown token spell none.

    In a byte-level vocabulary each character of a token is one byte. In others a token is its own text, without the
    marks of a word's parts (`##ing`, `low</w>`); `\u2581` stands for a space and `<0xNN>` for a byte where the
    tokenizer uses them so. White space that a tokenizer drops is spelt by no token.
    """
    definition = read_definition(folder)
    model = definition["model"]
    steps = json.dumps([definition[step] for step in ("normalizer", "pre_tokenizer", "decoder")], ensure_ascii=False)
    byte_level, spaces = '"ByteLevel"' in steps, "\u2581" in steps
    bytes_too = bool(model.get("byte_fallback")) or '"ByteFallback"' in steps
    prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
    added = {token["content"] for token in definition["added_tokens"]}
    tokens = vocabulary(folder)
    lengths = np.zeros(max(tokens.values()) + 1, dtype=np.int64)
    for token, index in tokens.items():
        text = token if token in added else token.removeprefix(prefix).removesuffix(suffix)
        if byte_level and token not in added:
            lengths[index] = len(text)
        elif bytes_too and re.fullmatch("<0x[0-9A-F]{2}>", token):
            lengths[index] = 1
        else:
            lengths[index] = len((text.replace("\u2581", " ") if spaces else text).encode())
    lengths[[tokens[token] for token in control_tokens(folder)]] = 0
    if (unknown := unknown_token(folder)) is not None:
        lengths[unknown] = 0
    return lengths
