"""Text to token ids, at speed: whatever is written in a text is text.

Tokenizers read their control tokens (`<|endoftext|>`, `</s>`, `[SEP]`, `<|im_start|>`) out of a text that only writes
them, so that a paper about language models would be cut and a chat could forge turns. Here the control tokens have
names that no text can have, in the vocabulary too: a Unigram or word vocabulary holds them as pieces like any other.

The ids are those of Hugging Face's `tokenizers`. gigatoken gives them faster, and is used if it gives the same ones on
a sample that depends on the tokenizer alone, so that all shards of all sources are encoded by the same.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import logging
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.data.tokenizers import check_settings, control_tokens, read_definition
from emulsion.errors import UserError

Encode = Callable[[list[str]], tuple[NDArray[np.uint32], NDArray[np.int64]]]

log = logging.getLogger(__name__)

AWKWARD = (
    "",
    " ",
    "  leading, trailing and    inner spaces  ",
    "\ttabs\t\tand\r\nline ends\n\n\n\r\r\n \n",
    "don't can't I'LL we've it\u2019s 'quoted' \u201cquoted\u201d",
    "CamelCase snake_case kebab-case e.g. U.S.A. 3.14 1,000,000 12345678901234567890 1e-5 x\u00b2",
    "def f(x):\n        return {'a': [1, 2, 3]}  # comment\n",
    "https://example.org/path?query=1&other=%20#fragment user@example.org C:\\temp",
    "na\u00efve caf\u00e9 nai\u0308ve cafe\u0301 \ufb01ne \u2460 \u00bd \u1e9e \u0130i\u0307",
    "\u6771\u4eac\u90fd \u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \uc548\ub155 \u1112\u1161\u11ab",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\U0001f642 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1ee\U0001f1f9 \u2764\ufe0f \U0001d49c",
    "\x00\x01\x1f\x7f\x85\xa0\xad\u200b\u2028\u2029\u3000\ufeff\ufffd\U0010ffff",
    "a" * 2000,
    "ab" * 500 + " " * 300 + "!?" * 200,
    "\u2581 \u2581\u2581 ## ##ing \u0120the <0x0A> </w>",
)


def encoder(folder: Path | str) -> Encode:
    """texts -> (their token ids, flat; the number of tokens of each text), by the fastest encoder that can be trusted.

    Raises UserError for a tokenizer that would change what it is given or that cannot encode every text.
    """
    definition = text_definition(Path(folder))
    sample = awkward_texts(Path(folder))
    reference = _reference_encoder(definition)
    try:
        expected = reference(sample)
    except BaseException as error:  # what tokenizers raises has no type of its own, and may be a panic of Rust
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise UserError(
            f"{folder}: the tokenizer cannot encode every text ({error}). It needs an unknown token, or bytes to fall "
            "back on."
        ) from error
    if importlib.util.find_spec("gigatoken") is None:
        return reference
    try:
        fast = _gigatoken_encoder(definition)
        ids, lengths = fast(sample)
        same = np.array_equal(ids, expected[0]) and np.array_equal(lengths, expected[1])
    except Exception as error:  # a tokenizer it does not know is no reason to stop
        log.info("gigatoken cannot be used; encoding with Hugging Face tokenizers: %s", str(error).partition("\n")[0])
        return reference
    if not same:
        log.info("gigatoken differs from Hugging Face tokenizers; encoding with the latter")
        return reference
    return _spot_checked(fast, reference)


def text_definition(folder: Path) -> dict[str, Any]:
    """A tokenizer's definition, its control tokens under names that no text can have and their ids unchanged.

    Raises UserError where the definition has settings that would change what is encoded.
    """
    definition = read_definition(folder)
    check_settings(definition, folder)
    secret = secrets.token_hex(8)
    names = {token: f"\ufdd0{secret} {number}" for number, token in enumerate(control_tokens(folder))}
    for token in definition["added_tokens"]:
        token["content"] = names.get(token["content"], token["content"])
    model = definition["model"]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {names.get(token, token): index for token, index in model["vocab"].items()}
    else:
        model["vocab"] = [[names.get(token, token), score] for token, score in model["vocab"]]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    if "merges" in model:
        model["merges"] = [merge for merge in model["merges"] if _merged(merge) not in names]
    definition["post_processor"] = None  # of those that are let through, one moves offsets and none changes ids
    return definition


def text_backend(folder: Path) -> Any:
    """A `tokenizers.Tokenizer` to which a text is only text; it does not know the control tokens' names."""
    from tokenizers import Tokenizer

    return Tokenizer.from_str(json.dumps(text_definition(folder)))


def _merged(merge: str | Sequence[str]) -> str:
    return "".join(merge.split(" ") if isinstance(merge, str) else merge)


def awkward_texts(folder: Path) -> list[str]:
    """Texts on which encoders differ if they do: the same for the same tokenizer.

    Every added token, alone and among words; a character of every kind of every 128, also doubled and among letters,
    digits and white space; `AWKWARD`.
    """
    added = [token["content"] for token in read_definition(folder)["added_tokens"]]
    tokens = [f"{token} the{token}end {token}{token}\n{token}1 {token} {token.strip()}" for token in added]
    return [*AWKWARD, *tokens, *(f"a{each}b {each} 1{each}{each}\n{each} {each}'s" for each in _characters())]


@functools.cache
def _characters() -> list[str]:
    kinds: dict[tuple[int, str], str] = {}
    # Planes 0 to 3, tags and variation selectors: the rest is unassigned or for private use.
    for code in (*range(0x40000), *range(0xE0000, 0xE0200)):
        character = chr(code)
        category = unicodedata.category(character)
        if category not in ("Cs", "Cn"):
            kinds.setdefault((code >> 7, category), character)
    return list(kinds.values())


def text_of_control_tokens(tokens: Iterable[str]) -> Callable[[str], bool]:
    """A function that says whether a text has one of the tokens written in it."""
    known = frozenset(tokens)
    if not known:
        return lambda text: False
    lengths = sorted({len(token) for token in known})
    first = re.compile(f"[{re.escape(''.join(sorted({token[0] for token in known})))}]")

    def found(text: str) -> bool:
        starts = (match.start() for match in first.finditer(text))
        return any(text[start : start + length] in known for start in starts for length in lengths)

    return found


def _spot_checked(fast: Encode, reference: Encode) -> Encode:
    """The fast encoder, held against the reference on one text of every batch."""

    def encode(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        flat, lengths = fast(texts)
        if texts:
            chosen = len(texts) // 2
            start = int(lengths[:chosen].sum())
            if not np.array_equal(flat[start : start + int(lengths[chosen])], reference([texts[chosen]])[0]):
                raise UserError(
                    f"gigatoken encodes {texts[chosen][:200]!r} otherwise than Hugging Face tokenizers do. Uninstall "
                    "gigatoken, delete the token stores, and report this text."
                )
        return flat, lengths

    return encode


def _reference_encoder(definition: dict[str, Any]) -> Encode:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(definition))

    def encode(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        lengths = np.array([len(encoding.ids) for encoding in encodings], dtype=np.int64)
        flat = np.concatenate([np.empty(0), *(encoding.ids for encoding in encodings)]).astype(np.uint32)
        return flat, lengths

    return encode


def _gigatoken_encoder(definition: dict[str, Any]) -> Encode:
    import awkward
    import gigatoken

    tokenizer = gigatoken.Tokenizer.from_json(json.dumps(definition).encode())

    def encode(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        if not texts:
            return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.int64)
        encoded = tokenizer.encode_batch(texts)
        flat = awkward.to_numpy(awkward.flatten(encoded)).astype(np.uint32)
        return flat, awkward.to_numpy(awkward.num(encoded)).astype(np.int64)

    return encode
