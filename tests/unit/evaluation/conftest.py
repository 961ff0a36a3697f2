"""A small tokenizer and two tiny models whose random weights are large enough that attention matters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
)

from emulsion.data.tokenizers import train_bpe
from emulsion.evaluation.model import TextTokenizer

VOCABULARY = 320
CONTEXT = 48
TEXTS = [
    "The capital of France is Paris, and the city was free of rain.",
    "One plus three is four: 1 + 3 = 4.",
] * 8


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "bpe"
    train_bpe(TEXTS, VOCABULARY, folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder: Path) -> Any:
    return TextTokenizer.load(tokenizer_folder)


def make_model(kind: str) -> Any:
    torch.manual_seed(1)
    if kind == "gpt2":
        config: Any = GPT2Config(
            vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=32, n_layer=2, n_head=2, initializer_range=0.3
        )
        return GPT2LMHeadModel(config)
    if kind == "llama":
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=VOCABULARY,
                max_position_embeddings=CONTEXT,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                intermediate_size=64,
                initializer_range=0.3,
                tie_word_embeddings=True,
            )
        )
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=CONTEXT,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.3,
    )
    return GPTNeoXForCausalLM(config)


@pytest.fixture(scope="session", params=["gpt2", "gpt_neox", "llama"])
def model(request: pytest.FixtureRequest) -> Any:
    return make_model(request.param).eval()


@pytest.fixture(scope="session")
def gpt2() -> Any:
    return make_model("gpt2").eval()
