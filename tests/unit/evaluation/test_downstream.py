from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.evaluation.downstream import (
    Answer,
    DownstreamSettings,
    TaskAnswers,
    differences,
    item_records,
    require_lm_eval,
    summarise,
    token_counts,
)
from plain_likelihood import plain_log_likelihood


def task_of(name: str, right: list[int], choices: int = 4, **others: Any) -> TaskAnswers:
    pairs = tuple(("Question:", f" {choice}") for choice in range(choices))
    answers = [
        Answer(item, pairs, (-1.0,) * choices, {"acc": float(value), "acc_norm": 0.0})
        for item, value in enumerate(right)
    ]
    return TaskAnswers(task=name, version=1.0, data="here", multiple_choice=True, answers=answers, **others)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"tasks": []}, "downstream.tasks: \\[\\]"),
        ({"tasks": ["piqa", "piqa"]}, "not a list of different tasks"),
        ({"tasks": "piqa"}, "a list of tasks"),
        ({"tasks": ["piqa"], "limits": 3}, "Did you mean 'limit'"),
        ({"tasks": ["piqa"], "limit": 1}, "downstream.limit: 1"),
        ({"tasks": ["piqa"], "shots": -1}, "downstream.shots: -1"),
        ({"tasks": ["piqa"], "batch": True}, "downstream.batch: True"),
        ({"tasks": ["piqa"], "task_files": "no/such"}, "no/such: no such folder"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DownstreamSettings.of(raw)


def test_settings_left_out_ask_all_items_of_the_hub_without_examples() -> None:
    settings = DownstreamSettings.of({"tasks": ["piqa"], "limit": None, "task_files": None})
    assert (settings.task_files, settings.limit, settings.shots) == (None, None, 0)


def test_the_mean_weighs_tasks_alike_whatever_their_number_of_items() -> None:
    summary = summarise([task_of("few", [1, 1]), task_of("many", [0] * 50)], resamples=200, seed=0)
    assert summary["mean"]["score"] == pytest.approx(0.5)
    assert summary["tasks"]["few"]["acc"]["score"] == 1.0
    assert summary["tasks"]["many"]["items"] == 50


@given(right=st.lists(st.integers(0, 1), min_size=2, max_size=40))
def test_the_standard_error_is_that_of_a_sample_and_the_interval_holds_the_score(right: list[int]) -> None:
    entry = summarise([task_of("task", right)], resamples=200, seed=0)["tasks"]["task"]["acc"]
    mean = sum(right) / len(right)
    assert entry["score"] == pytest.approx(mean)
    assert entry["stderr"] == pytest.approx((mean * (1 - mean) / (len(right) - 1)) ** 0.5)
    assert entry["interval"][0] - 1e-12 <= mean <= entry["interval"][1] + 1e-12


def test_chance_is_one_in_the_number_of_choices_and_unknown_where_a_word_is_asked_for() -> None:
    assert task_of("task", [0, 1], choices=5).chance == pytest.approx(0.2)
    word = TaskAnswers(task="w", version=1, data="", multiple_choice=False, answers=task_of("w", [1], 1).answers)
    assert word.chance is None


def test_what_was_left_out_and_cut_is_reported() -> None:
    entry = summarise([task_of("task", [1], left_out={"too long": 3}, cut=1)], 100, 0)["tasks"]["task"]
    assert (entry["left_out"], entry["cut"]) == ({"too long": 3}, 1)


def test_every_item_has_a_row_with_its_verdict_and_likelihoods() -> None:
    rows = list(item_records([task_of("a", [1, 0], choices=2), task_of("b", [1], choices=2)]))
    assert [(row["task"], row["item"], row["acc"]) for row in rows] == [("a", 0, 1.0), ("a", 1, 0.0), ("b", 0, 1.0)]
    assert rows[0]["log_likelihoods"] == [-1.0, -1.0]


def test_token_counts_give_white_space_at_a_contexts_end_to_the_continuation(tokenizer: Any) -> None:
    (spaced,), (plain,) = (token_counts(tokenizer, [pair]) for pair in (("Paris is ", "free"), ("Paris is", " free")))
    assert spaced == plain
    total, continuation = plain
    assert total == continuation + len(tokenizer("Paris is")["input_ids"])


def test_an_empty_context_counts_as_one_token(tokenizer: Any) -> None:
    ((total, continuation),) = token_counts(tokenizer, [("", "Paris")])
    assert total == continuation + 1


def test_differences_are_those_from_each_pair_scored_alone(model: Any, tokenizer: Any) -> None:
    pairs = (("The capital of France is", " Paris."), ("One plus three is", " four: 1 + 3 = 4."))
    alone = [
        plain_log_likelihood(model, tokenizer(context)["input_ids"], tokenizer(text)["input_ids"])
        for context, text in pairs
    ]
    nats, others = differences(model, tokenizer, [Answer(0, pairs, (alone[0], alone[1] - 0.25), {})], batch=2)
    np.testing.assert_allclose(nats, [0, 0.25], atol=1e-4)
    assert others == 0


def test_a_continuation_that_merges_with_its_context_is_not_compared(gpt2: Any, tokenizer: Any) -> None:
    pairs = (("The capital of Fran", "ce is Paris."), ("The capital of France is", " Paris."))
    nats, others = differences(gpt2, tokenizer, [Answer(0, pairs, (0.0, 0.0), {})], batch=2)
    assert (len(nats), others) == (1, 1)


def test_without_lm_eval_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match="pip install lm-eval"):
        require_lm_eval()


def test_a_folder_of_task_files_is_kept_as_a_path(tmp_path: Path) -> None:
    assert DownstreamSettings.of({"tasks": ["piqa"], "task_files": str(tmp_path)}).task_files == tmp_path
