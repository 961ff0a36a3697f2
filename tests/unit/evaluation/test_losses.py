from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import emulsion.losses
from emulsion.errors import UserError
from emulsion.evaluation.held_out_losses import source_losses, summary
from emulsion.losses import require_plain_head, sequence_losses


def random_tokens(sequences: int, length: int = 21, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 320, size=(sequences, length))


def test_losses_equal_those_of_the_full_logits(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulsion.losses, "_LOGITS", 320 * 7)  # seven rows of logits at a time, which divides nothing
    tokens = random_tokens(5)
    rows = torch.from_numpy(tokens)
    with torch.no_grad():
        logits = model(rows[:, :-1]).logits
    expected = functional.cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none").mean(dim=1)
    np.testing.assert_allclose(sequence_losses(model, tokens, batch=2), expected, atol=1e-5)


def test_the_batch_does_not_change_losses(model: Any) -> None:
    tokens = random_tokens(7)
    np.testing.assert_allclose(sequence_losses(model, tokens, 1), sequence_losses(model, tokens, 7), atol=1e-5)


def test_memory_for_logits_is_bounded(gpt2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulsion.losses, "_LOGITS", 320 * 7)
    rows: list[int] = []
    hook = gpt2.get_output_embeddings().register_forward_hook(lambda _m, inputs, _o: rows.append(len(inputs[0])))
    sequence_losses(gpt2, random_tokens(5), batch=5)
    hook.remove()
    assert max(rows) <= 7
    assert sum(rows) == 100


def test_evaluation_leaves_a_training_model_in_training_and_without_dropout_noise(model: Any) -> None:
    tokens = random_tokens(3)
    still = sequence_losses(model, tokens, 3)
    model.train()
    try:
        np.testing.assert_array_equal(sequence_losses(model, tokens, 3), still)
        assert model.training
        assert all(parameter.grad is None for parameter in model.parameters())
    finally:
        model.eval()


def test_a_model_that_changes_its_logits_is_refused(gpt2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    require_plain_head(gpt2)
    monkeypatch.setattr(gpt2, "get_output_embeddings", lambda: nn.Linear(32, 320, bias=False))
    with pytest.raises(UserError, match="not supported"):
        require_plain_head(gpt2)


def test_sources_are_keyed_by_name_and_counted(gpt2: Any) -> None:
    lengths = np.arange(320) % 7
    tokens = {"b": random_tokens(4), "a": random_tokens(2, seed=1)}
    results = source_losses(gpt2, tokens, lengths, batch=4, resamples=100)
    assert list(results) == ["b", "a"]
    assert (results["b"]["tokens"], results["b"]["sequences"]) == (80, 4)
    assert results["a"]["bytes"] == sum(token % 7 for row in tokens["a"] for token in row[1:])
    assert results["a"]["loss"] == pytest.approx(sequence_losses(gpt2, tokens["a"], 2).mean())


@pytest.mark.parametrize(
    ("tokens", "message"), [(random_tokens(0), "no sequences"), (np.zeros((2, 9), int), "no text")]
)
def test_a_source_without_sequences_or_text_is_refused(gpt2: Any, tokens: np.ndarray, message: str) -> None:
    lengths = np.ones(320, int)
    lengths[0] = 0
    with pytest.raises(UserError, match=f"'empty'.*{message}"):
        source_losses(gpt2, {"empty": tokens}, lengths, batch=4)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0.1, 10), st.integers(1, 400)), min_size=1, max_size=20))
def test_perplexity_and_bits_per_byte_agree_with_the_loss(pairs: list[tuple[float, int]]) -> None:
    losses, counts = np.array([loss for loss, _ in pairs]), np.array([count for _, count in pairs])
    result = summary(losses, 100, counts, resamples=200, seed=0)
    assert result["perplexity"] == pytest.approx(math.exp(losses.mean()))
    nats = result["bits_per_byte"] * result["bytes"] * math.log(2)
    assert nats == pytest.approx(result["loss"] * result["tokens"])
    np.testing.assert_allclose(np.log(result["perplexity_interval"]), result["loss_interval"])


def test_a_uniform_model_has_the_bits_of_its_vocabulary(gpt2: Any) -> None:
    head = gpt2.get_output_embeddings()
    saved = head.weight.data.clone()
    try:
        head.weight.data.zero_()
        result = source_losses(gpt2, {"a": random_tokens(3)}, np.ones(320, int), batch=3, resamples=50)["a"]
    finally:
        head.weight.data.copy_(saved)
    assert result["perplexity"] == pytest.approx(320, rel=1e-5)
    assert result["bits_per_byte"] == pytest.approx(math.log2(320), rel=1e-5)


def test_a_single_sequence_whose_loss_is_no_number_is_enough_to_have_diverged(
    gpt2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulsion.evaluation.held_out_losses.sequence_losses", lambda *_: np.array([1.0, math.nan]))
    with pytest.raises(UserError, match="diverged"):
        source_losses(gpt2, {"a": random_tokens(2)}, np.ones(320, int), batch=2)


def test_a_diverged_model_is_reported_in_words(gpt2: Any) -> None:
    norm = gpt2.base_model.ln_f
    saved = norm.bias.data.clone()
    try:
        norm.bias.data.fill_(math.nan)
        with pytest.raises(UserError, match="diverged"):
            source_losses(gpt2, {"a": random_tokens(2)}, np.ones(320, int), batch=2)
    finally:
        norm.bias.data.copy_(saved)
