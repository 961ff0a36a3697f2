"""Small tokenizers of every kind, as people bring them, with control tokens of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from emulsion.data.tokenizers import save_tokenizer

TEXTS = [
    "The ferry leaves the harbour at six, and the gulls follow it out.",
    "def area(width, height):\n    return width * height  # square metres",
    "A </s> or a <s> or an [SEP] ends what <eos> begins; <tool> [UNK] calls <unk>.",
    "Zwei Boote, drei Netze und kein Wind: so begann der Morgen.",
] * 20


def unigram() -> Tokenizer:
    """As of T5 and XLM-R: pieces with scores, the control tokens among them."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<unk>", "</s>", "<s>"]
    trainer = trainers.UnigramTrainer(
        vocab_size=160, special_tokens=special, unk_token="<unk>", initial_alphabet=list("<>[]/|"), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def wordpiece() -> Tokenizer:
    """As of BERT: lower case, `##` before the parts of a word, no end-of-text token but `[SEP]`."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=160, special_tokens=["[UNK]", "[CLS]", "[SEP]"], initial_alphabet=list("<>[]/|"), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def wordlevel() -> Tokenizer:
    """One token a word between blanks; a control token is a word like any other."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordLevelTrainer(special_tokens=["[UNK]", "<eos>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def byte_bpe() -> Tokenizer:
    """As of GPT-NeoX and Qwen: bytes, tokens for runs of blanks, and a control token that is not special."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|end|>", "<|im_start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.add_tokens([AddedToken("    ", normalized=True), AddedToken("<tool>")])
    return tokenizer


def spaced_bpe() -> Tokenizer:
    """As of Llama 2: `\u2581` for blanks, bytes to fall back on."""
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = sorted({character for text in TEXTS for character in text.replace(" ", "\u2581")})
    names = ["<unk>", "<s>", "</s>", *bytes_, *pieces, "th", "the", "\u2581the", "an"]
    merges = [("t", "h"), ("th", "e"), ("\u2581", "the"), ("a", "n")]
    vocabulary = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


KINDS: dict[str, tuple[Callable[[], Tokenizer], str]] = {
    "unigram": (unigram, "</s>"),
    "wordpiece": (wordpiece, "[SEP]"),
    "wordlevel": (wordlevel, "<eos>"),
    "byte_bpe": (byte_bpe, "<|end|>"),
    "spaced_bpe": (spaced_bpe, "</s>"),
}


def save_kind(kind: str, folder: Path) -> Path:
    """A tokenizer folder, as `make_tokenizer` leaves it."""
    make, end = KINDS[kind]
    folder.mkdir(parents=True)
    save_tokenizer(make(), folder, end)
    return folder


def edit_definition(folder: Path, **changes: Any) -> None:
    """Change settings of `tokenizer.json`, those of its model with the prefix `model_`."""
    file = folder / "tokenizer.json"
    definition = json.loads(file.read_text(encoding="utf-8"))
    for key, value in changes.items():
        inside = definition["model"] if key.startswith("model_") else definition
        inside[key.removeprefix("model_")] = value
    file.write_text(json.dumps(definition), encoding="utf-8")
