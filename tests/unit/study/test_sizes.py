"""Sizes grow with the text and the tokens, and stay within what the smallest source allows."""

import math
from pathlib import Path

import pytest

from emulsion.fields import read_yaml
from emulsion.models import parameter_count
from emulsion.spec import RunSpec
from emulsion.study import sizes


@pytest.mark.parametrize(
    ("size", "tokens"), [(1, 512), (1e6, 512), (5e6, 1024), (1e9, 16384), (1e13, 32768), (math.inf, 32768)]
)
def test_the_vocabulary_grows_with_the_root_of_the_text(size, tokens):
    assert sizes.vocabulary(size) == tokens


def test_a_model_has_twenty_tokens_for_each_parameter_but_for_the_smallest():
    assert sizes.rung_for(1e5, 1e6) is sizes.LADDER[0]
    for tokens in (1e8, 1e10):
        rung = sizes.rung_for(tokens, 1e9)
        count = parameter_count(sizes.model_of(rung, math.inf), sizes.vocabulary(1e9, rung.vocabulary))
        assert rung is not sizes.LADDER[0] and 20 * count <= tokens


def test_the_context_is_halved_until_the_held_out_text_has_sixteen_sequences():
    assert sizes.context(80, math.inf) == 80
    assert sizes.context(512, 16 * 512 - 1) == 256
    assert sizes.context(512, 0) == 32


@pytest.mark.parametrize("rung", sizes.LADDER, ids=lambda rung: str(rung.width))
def test_every_rung_makes_a_run_that_can_be_trained(rung):
    model = sizes.model_of(rung, held_out_tokens=5_000)
    values = {**sizes.training_of(rung, model), "model": model, "tokens": 10**7, "seed": 0, "recipe": 1}
    del values["micro_batch"]
    assert RunSpec.from_json(values).steps > 10
    tokens = rung.sequences * rung.context
    assert (
        tokens - model["context"] < values["batch_tokens"] <= tokens and values["batch_tokens"] % model["context"] == 0
    )
    assert model["hidden_size"] % model["heads"] == 0


def test_the_sequences_of_an_evaluation_are_the_schemas():
    schema = read_yaml(Path("workflow/schemas/config.schema.yaml"))
    experiment = schema["properties"]["experiments"]["additionalProperties"]["properties"]
    assert experiment["evaluation"]["properties"]["test_sequences"]["default"] == sizes.TEST_SEQUENCES
