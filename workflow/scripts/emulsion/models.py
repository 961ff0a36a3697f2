"""Model configurations: a named architecture becomes a transformers model, with its true size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


ModelSettings = Mapping[str, Any]


def vocabulary_size(model: ModelSettings, tokenizer_vocabulary: int) -> int:
    """The rows of the embedding: what the model says, else what its tokenizer has."""
    return int(model.get("vocab_size") or tokenizer_vocabulary)


def _sizes(model: ModelSettings) -> tuple[int, int, int]:
    return int(model["hidden_size"]), int(model["intermediate_size"]), int(model["layers"])


def parameter_count(model: ModelSettings, vocab_size: int) -> int:
    """How many parameters the model has, each tied one counted once.

    GPT-2: word and position embeddings (the head is tied to the former); GPT-NeoX: rotary positions and a head
    of its own. Both have biases everywhere but in the head, and two layer norms a layer plus a last one.
    """
    width, inner, layers = _sizes(model)
    layer = 4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width
    embeddings = vocab_size * width
    outside = int(model["context"]) * width if model["architecture"] == "gpt2" else vocab_size * width
    return layers * layer + embeddings + outside + 2 * width


def flops_per_token(model: ModelSettings, vocab_size: int) -> float:
    """Floating-point operations to train on one token: 6 N + 12 L d T (PaLM, arXiv 2204.02311, appendix B).

    N counts the parameters of matrix products, head included, embeddings not.
    """
    width, inner, layers = _sizes(model)
    products = layers * (4 * width * width + 2 * width * inner) + vocab_size * width
    return 6.0 * products + 12.0 * layers * width * int(model["context"])


def model_config(model: ModelSettings, vocab_size: int, end_of_text: int) -> PretrainedConfig:
    """The transformers configuration of a model to train; `end_of_text` is the id that begins and ends documents."""
    shared = {
        "vocab_size": vocab_size,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "attn_implementation": "sdpa",
        "use_cache": False,
    }
    dropout = model["dropout"]
    if model["architecture"] == "gpt2":
        from transformers import GPT2Config

        return GPT2Config(
            n_embd=model["hidden_size"],
            n_layer=model["layers"],
            n_head=model["heads"],
            n_inner=model["intermediate_size"],
            n_positions=model["context"],
            resid_pdrop=dropout,
            embd_pdrop=dropout,
            attn_pdrop=dropout,
            # GPT-2's gelu_new in one kernel: 13 to 20 % less time a step (benchmarks/activation.py).
            activation_function="gelu_pytorch_tanh",
            **shared,
        )
    from transformers import GPTNeoXConfig

    return GPTNeoXConfig(
        hidden_size=model["hidden_size"],
        num_hidden_layers=model["layers"],
        num_attention_heads=model["heads"],
        intermediate_size=model["intermediate_size"],
        max_position_embeddings=model["context"],
        hidden_dropout=dropout,
        attention_dropout=dropout,
        tie_word_embeddings=False,
        **shared,
    )


def model_class(model: ModelSettings) -> type[PreTrainedModel]:
    from transformers import GPT2LMHeadModel, GPTNeoXForCausalLM

    classes: dict[str, type[PreTrainedModel]] = {"gpt2": GPT2LMHeadModel, "gpt_neox": GPTNeoXForCausalLM}
    return classes[model["architecture"]]


def build_model(model: ModelSettings, vocab_size: int, end_of_text: int) -> PreTrainedModel:
    """A freshly initialised model; seed torch first."""
    return model_class(model)(model_config(model, vocab_size, end_of_text))
