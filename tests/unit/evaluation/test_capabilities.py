from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.evaluation.capabilities import evaluate_suites, score_choices, summarise
from emulsion.evaluation.likelihood import choice_scores, encode_questions
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Item, Suite

SETTINGS = EvaluationSettings(samples=3, temperature=1.0, batch=4, resamples=200)


def choice(name: str, capability: str = "reasoning", choices: tuple[str, ...] = (" a", " b"), answer: int = 0) -> Item:
    return Item(id=name, capability=capability, kind="choice", prompt=f"Say {name}", choices=choices, answer=answer)


def writing(name: str, capability: str = "creativity", pattern: str = "e") -> Item:
    checks = ({"regex": pattern},)
    return Item(id=name, capability=capability, kind="generation", prompt=name, checks=checks, max_new_tokens=6)


def suite(name: str, *items: Item) -> Suite:
    return Suite(name=name, template="{prompt}:", items=items)


def test_the_likelier_choice_per_byte_is_right(gpt2: Any, tokenizer: Any) -> None:
    choices = (" rain", " France is Paris", " four")
    questions = encode_questions(tokenizer, ["Say x:"], [choices], 48)
    best = int(choice_scores(gpt2, questions, 1)[0].argmax())
    for answer in range(3):
        scores = score_choices(gpt2, tokenizer, [suite("s", choice("x", choices=choices, answer=answer))], SETTINGS)
        assert scores == {("s", "x"): float(answer == best)}


def test_a_run_scores_every_item_and_keeps_every_sample(gpt2: Any, tokenizer: Any) -> None:
    suites = [suite("one", choice("x"), writing("y")), suite("two", choice("x", "creativity"))]
    results, records = evaluate_suites(gpt2, tokenizer, suites, SETTINGS)
    assert [(item["suite"], item["id"]) for item in results["items"]] == [
        ("one", "x"),
        ("one", "y"),
        ("two", "x"),
    ]
    assert [record["sample"] for record in records] == [0, 1, 2]
    (y,) = [item["score"] for item in results["items"] if item["id"] == "y"]
    assert y == pytest.approx(np.mean([record["passed"] for record in records]))
    assert all(("e" in record["text"]) is record["passed"] for record in records)
    assert not any(record["text"].startswith(record["prompt"]) for record in records)
    assert len({record["text"] for record in records}) > 1


def test_results_do_not_depend_on_the_batch_or_on_what_else_is_asked(gpt2: Any, tokenizer: Any) -> None:
    items = [writing(f"text {index}") for index in range(5)]
    _, records = evaluate_suites(gpt2, tokenizer, [suite("s", *items)], SETTINGS)
    small = EvaluationSettings(samples=3, temperature=1.0, batch=1, resamples=200)
    random.Random(0).shuffle(items)
    _, others = evaluate_suites(gpt2, tokenizer, [suite("s", *items[:4])], small)
    texts = {(record["id"], record["sample"]): record["text"] for record in records}
    assert all(texts[record["id"], record["sample"]] == record["text"] for record in others)


def test_capabilities_pool_suites_and_the_mean_weighs_capabilities_equally() -> None:
    suites = [suite("one", *(choice(f"{i}") for i in range(3))), suite("two", choice("0"), writing("w"))]
    scores = {("one", "0"): 1.0, ("one", "1"): 0.0, ("one", "2"): 0.0, ("two", "0"): 0.0, ("two", "w"): 0.5}
    results = summarise(suites, scores, resamples=500, seed=0)
    assert results["capabilities"]["reasoning"]["score"] == 0.25
    assert results["capabilities"]["reasoning"]["items"] == 4
    assert results["mean"]["score"] == pytest.approx((0.25 + 0.5) / 2)
    assert results["suites"]["two"]["reasoning"] == {
        "score": 0.0,
        "interval": [0.0, 0.0],
        "items": 1,
        "chance": 0.5,
    }
    assert list(results["suites"]["one"]) == ["reasoning"]


def test_intervals_hold_the_score_and_shrink_with_items() -> None:
    def width(items: int) -> float:
        names = [f"{index}" for index in range(items)]
        scores = {("s", name): float(index % 2) for index, name in enumerate(names)}
        entry = summarise([suite("s", *(choice(n) for n in names))], scores, 500, 0)["capabilities"]["reasoning"]
        low, high = entry["interval"]
        assert low < entry["score"] < high
        return float(high - low)

    assert width(400) < width(20) / 3


def test_chance_is_the_mean_over_choice_items_and_absent_with_generated_ones() -> None:
    four = choice("b", choices=(" a", " b", " c", " d"))
    scores = {("s", name): 1.0 for name in ("a", "b", "w")}
    alone = summarise([suite("s", choice("a"), four)], scores, 100, 0)
    mixed = summarise([suite("s", choice("a"), four, writing("w", "reasoning"))], scores, 100, 0)
    assert alone["capabilities"]["reasoning"]["chance"] == pytest.approx(0.375)
    assert mixed["capabilities"]["reasoning"]["chance"] is None


def test_two_suites_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="same name"):
        summarise([suite("s", choice("a")), suite("s", choice("b"))], {}, 100, 0)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"sample": 2}, "Did you mean 'samples'"),
        ({"samples": 0}, r"samples: 0"),
        ({"samples": True}, r"samples: True"),
        ({"samples": 1.5}, r"samples: 1.5"),
        ({"temperature": -1}, r"temperature: -1"),
        ({"temperature": float("nan")}, "temperature"),
        ([], "mapping"),
    ],
)
def test_malformed_settings_are_refused(raw: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        EvaluationSettings.of(raw)
