"""Model configurations: a named architecture becomes a transformers model, with its true size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel


ModelSettings = Mapping[str, Any]
ARCHITECTURES = ("gpt2", "gpt_neox", "llama")

# Of the operations of training on a token, those of the pass forward: all that a loss takes.
FORWARD = 1 / 3

OF_LLAMA = ("kv_heads", "rope_theta", "tied")  # settings that the other architectures do not have


def vocabulary_size(model: ModelSettings, tokenizer_vocabulary: int) -> int:
    """The rows of the embedding: what the model says, else what its tokenizer has."""
    return int(model.get("vocab_size") or tokenizer_vocabulary)


def _matrices(model: ModelSettings) -> int:
    """Parameters of the matrix products of one layer."""
    width, inner = int(model["hidden_size"]), int(model["intermediate_size"])
    if model["architecture"] != "llama":
        return 4 * width * width + 2 * width * inner
    read = width * kv_heads(model) // int(model["heads"])  # keys and values of shared heads
    return 2 * width * width + 2 * width * read + 3 * width * inner


def kv_heads(model: ModelSettings) -> int:
    """Heads of keys and values, which several heads of queries may share (arXiv 2305.13245)."""
    return int(model.get("kv_heads") or model["heads"])


def is_tied(model: ModelSettings) -> bool:
    """Whether the head is the word embedding: GPT-2's is, GPT-NeoX's is not, Llama's unless it is said."""
    return model["architecture"] != "gpt_neox" and bool(model.get("tied", True))


def rope_theta(model: ModelSettings) -> float:
    """The base of the frequencies that Llama rotates queries and keys by."""
    return float(model.get("rope_theta", 10_000))


def parameter_count(model: ModelSettings, vocab_size: int) -> int:
    """How many parameters the model has, each tied one counted once.

    GPT-2 and GPT-NeoX have biases everywhere but in the head, and two layer norms a layer plus a last one; Llama has no
    biases, and norms of one vector. GPT-2 has position embeddings, the others rotate queries and keys.
    """
    width, inner, layers = int(model["hidden_size"]), int(model["intermediate_size"]), int(model["layers"])
    if model["architecture"] == "llama":
        vectors, last = 2 * width, width
    else:
        vectors, last = 4 * width + inner + width + 4 * width, 2 * width
    positions = int(model["context"]) * width if model["architecture"] == "gpt2" else 0
    embeddings = vocab_size * width * (1 if is_tied(model) else 2)
    return layers * (_matrices(model) + vectors) + embeddings + positions + last


def flops_per_token(model: ModelSettings, vocab_size: int) -> float:
    """Floating-point operations to train on one token: 6 N + 12 L d T (PaLM, arXiv 2204.02311, appendix B).

    N counts the parameters of matrix products, head included, embeddings not.
    """
    width, layers = int(model["hidden_size"]), int(model["layers"])
    products = layers * _matrices(model) + vocab_size * width
    return 6.0 * products + 12.0 * layers * width * int(model["context"])


def model_config(model: ModelSettings, vocab_size: int, end_of_text: int) -> PretrainedConfig:
    """The transformers configuration of a model to train; `end_of_text` is the id that begins and ends documents."""
    from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig

    shared: dict[str, Any] = {
        "vocab_size": vocab_size,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "attn_implementation": "sdpa",
        "use_cache": False,
    }
    if "initializer_range" in model:
        shared["initializer_range"] = model["initializer_range"]
    dropout = model["dropout"]
    if model["architecture"] == "gpt2":
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
    shared |= {
        "hidden_size": model["hidden_size"],
        "num_hidden_layers": model["layers"],
        "num_attention_heads": model["heads"],
        "intermediate_size": model["intermediate_size"],
        "max_position_embeddings": model["context"],
        "attention_dropout": dropout,
        "tie_word_embeddings": is_tied(model),
    }
    if model["architecture"] == "llama":
        return LlamaConfig(
            num_key_value_heads=kv_heads(model),
            rope_parameters={"rope_type": "default", "rope_theta": rope_theta(model)},
            rms_norm_eps=1e-5,
            **shared,
        )
    return GPTNeoXConfig(hidden_dropout=dropout, **shared)


def model_class(model: ModelSettings) -> type[PreTrainedModel]:
    from transformers import GPT2LMHeadModel, GPTNeoXForCausalLM, LlamaForCausalLM

    classes: dict[str, type[PreTrainedModel]] = {
        "gpt2": GPT2LMHeadModel,
        "gpt_neox": GPTNeoXForCausalLM,
        "llama": LlamaForCausalLM,
    }
    return classes[model["architecture"]]


def build_model(model: ModelSettings, vocab_size: int, end_of_text: int) -> PreTrainedModel:
    """A freshly initialised model; seed torch first."""
    return model_class(model)(model_config(model, vocab_size, end_of_text))
