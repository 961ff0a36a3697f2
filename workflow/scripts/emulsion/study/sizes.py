"""Sizes that suit the text there is and the tokens of a run: vocabulary, context, model, batch, learning rate.

They are starting points, not optima. A model has at least 20 tokens of training for each parameter (Hoffmann et al.,
arXiv 2203.15556); only the smallest, which short runs get, may have fewer. Its training is that of the demonstration,
whose small batches and falling learning rate halve the noise between seeds (docs/statistics.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulsion.models import parameter_count

TOKENS_PER_PARAMETER = 20
# Of each split of each source that an evaluation reads: the schema's default.
TEST_SEQUENCES = 200
# Text that is held out has this many sequences at least, as far as the context can be shortened for it.
HELD_OUT_SEQUENCES = 16
_LEAST_CONTEXT = 32
_VOCABULARIES = (512, 32768)
# Of byte-level BPEs on prose: bytes of a token grow by so much with every doubling of the vocabulary.
_BYTES_PER_DOUBLING, _BYTES_OFFSET = 0.42, -1.5


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One size of model: its width, layers and heads, and the most that suits it of the rest.

    sequences: of a batch
    """

    width: int
    layers: int
    heads: int
    context: int
    vocabulary: int
    sequences: int
    learning_rate: float


LADDER = (
    Rung(width=64, layers=2, heads=4, context=80, vocabulary=1024, sequences=6, learning_rate=8e-3),
    Rung(width=128, layers=4, heads=4, context=256, vocabulary=2048, sequences=8, learning_rate=4e-3),
    Rung(width=256, layers=6, heads=8, context=512, vocabulary=4096, sequences=16, learning_rate=2e-3),
    Rung(width=512, layers=8, heads=8, context=1024, vocabulary=16384, sequences=64, learning_rate=6e-4),
    Rung(width=768, layers=12, heads=12, context=2048, vocabulary=32768, sequences=64, learning_rate=3e-4),
)


def vocabulary(text_bytes: float, most: int = _VOCABULARIES[1]) -> int:
    """Tokens of a BPE for `text_bytes` of text: a power of two near half their root, from 512 to `most`."""
    wanted = min(0.5 * math.sqrt(text_bytes), most)
    return int(2 ** round(math.log2(max(wanted, _VOCABULARIES[0]))))


def bytes_per_token(vocab_size: int) -> float:
    """Bytes of prose that a token of a byte-level BPE stands for, roughly."""
    return max(1.0, _BYTES_PER_DOUBLING * math.log2(vocab_size) + _BYTES_OFFSET)


def context(most: int, held_out_tokens: float) -> int:
    """The longest context up to `most`, halved until the least held-out text of any source has enough sequences."""
    while most // 2 >= _LEAST_CONTEXT and held_out_tokens < HELD_OUT_SEQUENCES * most:
        most //= 2
    return most


def model_of(rung: Rung, held_out_tokens: float) -> dict[str, Any]:
    """The entry of `models` for a rung."""
    return {
        "architecture": "gpt2",
        "hidden_size": rung.width,
        "layers": rung.layers,
        "heads": rung.heads,
        "intermediate_size": 4 * rung.width,
        "context": context(rung.context, held_out_tokens),
        "dropout": 0.0,
    }


def training_of(rung: Rung, model: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of `training` that suits a model, by the rung that is nearest to it."""
    tokens = rung.sequences * rung.context
    sequences = max(1, tokens // int(model["context"]))
    return {
        "batch_tokens": sequences * int(model["context"]),
        "micro_batch": min(sequences, 16),
        "learning_rate": rung.learning_rate,
        "final_learning_rate": 0,
        "decay": "linear",
        "warmup": 0.05,
        "weight_decay": 0.1,
        "betas": [0.9, 0.99],
        "epsilon": 1.0e-8,
        "clip": 1.0,
        "validations": 8,
        "validation_sequences": 32,
        "precision": "auto",
    }


def rung_for(tokens: float, text_bytes: float) -> Rung:
    """The largest rung whose model has its tokens, else the smallest."""
    fitting = [rung for rung in LADDER if tokens >= TOKENS_PER_PARAMETER * parameters(rung, text_bytes)]
    return fitting[-1] if fitting else LADDER[0]


def rung_of_width(width: int) -> Rung:
    """The largest rung that is no wider than a model, else the smallest."""
    return max((rung for rung in LADDER if rung.width <= width), key=lambda rung: rung.width, default=LADDER[0])


def parameters(rung: Rung, text_bytes: float) -> int:
    return parameter_count(model_of(rung, math.inf), vocabulary(text_bytes, rung.vocabulary))
