import numpy as np
import pytest
import torch
import yaml

from emulsion.models import build_model, flops_per_token, parameter_count, vocabulary_size

GPT2 = {
    "architecture": "gpt2",
    "hidden_size": 32,
    "layers": 2,
    "heads": 4,
    "intermediate_size": 64,
    "context": 24,
    "dropout": 0.0,
}
LLAMA = {**GPT2, "architecture": "llama"}
SHARED = {**LLAMA, "kv_heads": 2, "tied": False, "rope_theta": 100_000}
MODELS = [GPT2, {**GPT2, "architecture": "gpt_neox"}, LLAMA, SHARED]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["architecture"])
def test_the_parameter_count_is_that_of_the_model_built(model):
    built = build_model(model, 300, 0)
    assert parameter_count(model, 300) == sum(parameter.numel() for parameter in built.parameters())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("pythia-160m", 162_322_944), ("gpt2-500M", 355_871_744), ("gpt2-1B", 760_300_032)],
)
def test_named_models_have_their_true_sizes(name, parameters):
    model = yaml.safe_load(open("config.yaml"))["models"][name]  # noqa: SIM115, PTH123
    assert parameter_count(model, model["vocab_size"]) == parameters


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["architecture"])
def test_a_model_reads_its_whole_context_and_gives_logits_over_its_vocabulary(model):
    built = build_model(model, 300, 7)
    logits = built(input_ids=torch.zeros(1, 24, dtype=torch.int64)).logits
    assert logits.shape == (1, 24, 300)
    assert built.config.eos_token_id == 7


def test_the_same_seed_builds_the_same_model():
    weights = []
    for _ in range(2):
        torch.manual_seed(5)
        weights.append(build_model(GPT2, 300, 0).get_input_embeddings().weight.detach().numpy())
    assert np.array_equal(*weights)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["architecture"])
def test_random_weights_are_as_large_as_the_model_says(model):
    torch.manual_seed(0)
    usual, large = build_model(model, 300, 0), build_model({**model, "initializer_range": 0.125}, 300, 0)
    assert usual.get_input_embeddings().weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert large.get_input_embeddings().weight.std().item() == pytest.approx(0.125, rel=0.05)


def test_the_vocabulary_is_the_models_own_or_else_the_tokenizers():
    assert vocabulary_size(GPT2, 300) == 300
    assert vocabulary_size({**GPT2, "vocab_size": 512}, 300) == 512


def test_a_llama_of_published_sizes_has_their_parameters_and_rotations():
    smollm2 = {**SHARED, "hidden_size": 576, "layers": 30, "heads": 9, "kv_heads": 3, "intermediate_size": 1536}
    assert parameter_count({**smollm2, "tied": True}, 49_152) == 134_515_008  # SmolLM2-135M
    assert build_model(SHARED, 300, 0).config.rope_parameters["rope_theta"] == 100_000


def test_shared_keys_and_values_and_a_third_matrix_count_as_work():
    # Of a layer 2 x 32 x 32 for queries and what is made of values, 2 x 32 x 16 for keys and values, 3 x 32 x 64.
    assert flops_per_token(SHARED, 300) == 6 * (2 * (2048 + 1024 + 6144) + 9600) + 18432


def test_flops_follow_six_per_parameter_plus_attention():
    # 2 layers of 4 x 32 x 32 + 2 x 32 x 64, and a head of 300 x 32; attention 12 x 2 x 32 x 24.
    assert flops_per_token(GPT2, 300) == 6 * (2 * 8192 + 9600) + 18432
