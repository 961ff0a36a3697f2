from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.evaluation.generation import Request, generate, pick, rows_without_token


def requests_of_many_lengths(count: int) -> list[Request]:
    rng = random.Random(2)
    return [
        Request([rng.randrange(320) for _ in range(rng.randint(1, 20))], rng.choice([5, 12, 20]), seed=index)
        for index in range(count)
    ]


def slow_greedy(model: Any, prompt: list[int], count: int, end: int | None) -> list[int]:
    """Without a cache, padding or batch: the definition."""
    tokens = list(prompt)
    for _ in range(count):
        with torch.no_grad():
            token = int(model(torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax())
        if token == end:
            break
        tokens.append(token)
    return tokens[len(prompt) :]


def run(model: Any, requests: list[Request], **changes: Any) -> list[list[int]]:
    arguments: dict[str, Any] = {"temperature": 1.0, "end": None, "batch": 8, "context": 48}
    return generate(model, requests, **(arguments | changes))


def test_greedy_generation_in_padded_batches_equals_one_token_at_a_time_without_a_cache(model: Any) -> None:
    requests = requests_of_many_lengths(10)
    expected = [slow_greedy(model, list(r.prompt), r.max_new_tokens, None) for r in requests]
    assert run(model, requests, temperature=0) == expected


def test_a_text_stops_before_its_end_token_and_the_other_rows_go_on(model: Any) -> None:
    requests = requests_of_many_lengths(10)
    free = run(model, requests, temperature=0)
    end = free[0][2]
    expected = [tokens[: tokens.index(end)] if end in tokens else tokens for tokens in free]
    assert run(model, requests, temperature=0, end=end) == expected
    assert any(len(text) < len(before) for text, before in zip(expected, free, strict=True))


def test_a_sample_depends_on_its_seed_and_not_on_the_batch_or_the_order(model: Any) -> None:
    requests = requests_of_many_lengths(12)
    expected = run(model, requests, batch=12)
    assert run(model, requests, batch=1) == expected
    assert run(model, requests[::-1], batch=5) == expected[::-1]


def test_another_seed_gives_another_sample(gpt2: Any) -> None:
    first, second = run(gpt2, [Request([1, 2, 3], 20, seed=0), Request([1, 2, 3], 20, seed=1)])
    assert first != second


def test_sampling_is_allowed_in_a_process_that_refuses_what_is_not_repeatable(gpt2: Any, monkeypatch: Any) -> None:
    during = []

    def picked(logits: torch.Tensor, uniforms: torch.Tensor, temperature: float) -> torch.Tensor:
        during.append(torch.is_deterministic_algorithms_warn_only_enabled())
        return pick(logits, uniforms, temperature)

    monkeypatch.setattr("emulsion.evaluation.generation.pick", picked)
    torch.use_deterministic_algorithms(True)
    try:
        run(gpt2, [Request([5], 4, seed=0)], temperature=1.0)
        assert during and all(during)
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_text_ends_where_the_context_does(model: Any) -> None:
    (text,) = run(model, [Request([1] * 20, 1000)], temperature=0)
    assert len(text) == 48 - 20 + 1
    assert text == slow_greedy(model, [1] * 20, 29, None)


def test_a_long_prompt_is_cut_from_the_left_but_keeps_half_the_context(model: Any) -> None:
    prompt = [random.Random(1).randrange(320) for _ in range(90)]
    some, many = run(model, [Request(prompt, 9), Request(prompt, 1000)], temperature=0)
    assert some == slow_greedy(model, prompt[-40:], 9, None)
    assert many == slow_greedy(model, prompt[-24:], 25, None)


def test_an_empty_prompt_starts_from_the_end_of_text(gpt2: Any) -> None:
    (text,) = run(gpt2, [Request([], 3)], temperature=0, end=7)
    assert text == slow_greedy(gpt2, [7], 3, 7)


def test_no_requests_give_no_texts(gpt2: Any) -> None:
    assert run(gpt2, []) == []


def test_sampled_frequencies_follow_the_softmax_at_the_temperature() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    uniforms = torch.from_numpy(np.random.default_rng(0).random(20_000))
    picked = pick(logits.expand(20_000, -1), uniforms, temperature=0.5)
    frequencies = torch.bincount(picked, minlength=4) / 20_000
    torch.testing.assert_close(frequencies, torch.softmax(logits / 0.5, 0), atol=0.01, rtol=0)


def test_a_token_without_mass_is_not_picked_at_the_ends_of_the_uniforms() -> None:
    logits = torch.tensor([[-1e4, 0.0, 0.0, -1e4]])
    ends = [int(pick(logits, torch.tensor([uniform], dtype=torch.float64), 1.0)) for uniform in (0.0, 1 - 2**-53)]
    assert ends == [1, 2]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(-30, 30), min_size=1, max_size=12),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.05, 5),
)
def test_a_picked_token_is_in_the_vocabulary_and_has_mass(logits: list[float], uniform: float, heat: float) -> None:
    row = torch.tensor([logits], dtype=torch.float64)
    token = int(pick(row, torch.tensor([uniform], dtype=torch.float64), heat))
    assert torch.softmax(row[0] / heat, 0)[token] > 0


@pytest.mark.parametrize("temperature", [0, 5.0])
def test_a_row_of_the_head_without_a_token_is_never_drawn(gpt2: Any, tokenizer: Any, temperature: float) -> None:
    known = len(tokenizer.get_vocab())
    unused = rows_without_token(gpt2, tokenizer)
    assert unused == list(range(known, 320))
    requests = [Request([1, 2, 3], 20, seed=seed) for seed in range(12)]
    drawn = [token for text in run(gpt2, requests, temperature=temperature, unused=unused) for token in text]
    assert max(drawn) < known
    without = [token for text in run(gpt2, requests, temperature=5.0) for token in text]
    assert max(without) >= known  # so the draw would have found one
