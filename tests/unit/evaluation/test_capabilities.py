from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.evaluation import capabilities
from emulsion.evaluation.capabilities import Scored, evaluate_suites, score_choices, summarise
from emulsion.evaluation.intervals import wilson_interval
from emulsion.evaluation.likelihood import encode_questions, log_likelihoods
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Item, Suite

SETTINGS = EvaluationSettings(samples=3, temperature=1.0, batch=4, selection=False)


def choice(name: str, capability: str = "reasoning", choices: tuple[str, ...] = (" a", " b"), answer: int = 0) -> Item:
    return Item(id=name, capability=capability, kind="choice", prompt=f"Say {name}", choices=choices, answer=answer)


def writing(name: str, capability: str = "creativity", pattern: str = "e") -> Item:
    checks = ({"regex": pattern},)
    return Item(id=name, capability=capability, kind="generation", prompt=name, checks=checks, max_new_tokens=6)


def suite(name: str, *items: Item) -> Suite:
    return Suite(name=name, template="{prompt}:", items=items)


def test_the_likelier_choice_per_byte_is_right_and_its_probability_is_its_share(gpt2: Any, tokenizer: Any) -> None:
    choices = (" rain", " France is Paris", " four")
    questions = encode_questions(tokenizer, ["Say x:"], [choices], 48)
    (totals,) = log_likelihoods(gpt2, questions, 1)
    best, shares = int((totals / questions[0].sizes).argmax()), np.exp(totals) / np.exp(totals).sum()
    for answer in range(3):
        scores = score_choices(gpt2, tokenizer, [suite("s", choice("x", choices=choices, answer=answer))], SETTINGS)
        bits = -totals[answer] / questions[0].sizes[answer] / np.log(2)
        expected = (float(answer == best), pytest.approx(shares[answer]), pytest.approx(bits))
        assert scores == {("s", "x"): expected}


@pytest.mark.parametrize("answer", [0, 1])
def test_choices_that_are_the_same_tokens_are_a_tie_whichever_is_longer_and_said(
    gpt2: Any, tokenizer: Any, caplog: pytest.LogCaptureFixture, answer: int
) -> None:
    class LowerCase:
        eos_token_id = tokenizer.eos_token_id

        def __call__(self, texts: list[str], **options: Any) -> Any:
            return tokenizer([text.replace("İ", "i").lower() for text in texts], **options)

    item = choice("x", choices=(" İs", " is"), answer=answer)
    scores = score_choices(gpt2, LowerCase(), [suite("s", item)], SETTINGS)
    assert scores["s", "x"].score == 0 and scores["s", "x"].probability == pytest.approx(0.5, abs=1e-4)
    assert "suite 's': item 'x': its right choice and a wrong one are the same tokens" in caplog.text


@pytest.mark.parametrize(("said", "passed"), [("", False), (" \n", False), ("b", True)])
def test_a_reply_of_nothing_fails_though_nothing_that_is_checked_forbids_it(said: str, passed: bool) -> None:
    item = dataclasses.replace(writing("y"), checks=({"not": {"regex": "a"}}, {"each_line": {"words": {"most": 3}}}))
    record = capabilities._record(suite("one", item), item, "", "y:", 0, said)
    assert record["passed"] is passed


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
    small = EvaluationSettings(samples=3, temperature=1.0, batch=1, selection=False)
    random.Random(0).shuffle(items)
    _, others = evaluate_suites(gpt2, tokenizer, [suite("s", *items[:4])], small)
    texts = {(record["id"], record["sample"]): record["text"] for record in records}
    assert all(texts[record["id"], record["sample"]] == record["text"] for record in others)


def scored(values: dict[tuple[str, str], float]) -> dict[tuple[str, str], Scored]:
    return {key: Scored(value) for key, value in values.items()}


def test_capabilities_pool_suites_and_the_mean_weighs_capabilities_equally() -> None:
    suites = [suite("one", *(choice(f"{i}") for i in range(3))), suite("two", choice("0"), writing("w"))]
    scores = {("one", "0"): 1.0, ("one", "1"): 0.0, ("one", "2"): 0.0, ("two", "0"): 0.0, ("two", "w"): 0.5}
    results = summarise(suites, scored(scores), selection=False)
    assert results["capabilities"]["reasoning"]["score"] == 0.25
    assert results["capabilities"]["reasoning"]["items"] == 4
    assert results["mean"]["score"] == pytest.approx((0.25 + 0.5) / 2)
    alone = results["suites"]["two"]["reasoning"]
    assert alone["interval"] == [0.0, pytest.approx(wilson_interval(0.0, 1)[1])]
    assert (alone["score"], alone["items"], alone["topics"], alone["chance"]) == (0.0, 1, 1, 0.5)
    assert list(results["suites"]["one"]) == ["reasoning"]
    assert results["selection"] is None


def test_every_item_is_in_one_half_and_each_half_is_summed_up_by_itself() -> None:
    items = [choice(f"{n}", name) for n in range(10) for name in ("reasoning", "recall")]
    items = [dataclasses.replace(item, id=f"{item.capability}{item.id}") for item in items]
    scores = {("s", item.id): Scored(float(n % 3 == 0), n / 20) for n, item in enumerate(items)}
    results = summarise([suite("s", *items)], scores, seed=3)
    judged, chosen = results["items"], results["selection"]["items"]
    assert sorted(row["id"] for row in judged + chosen) == sorted(item.id for item in items)
    for half, rows in ((results, judged), (results["selection"], chosen)):
        assert set(half["capabilities"]) == {"reasoning", "recall"}
        for name, entry in half["capabilities"].items():
            kept = [row for row in rows if row["capability"] == name]
            assert (entry["items"], entry["topics"]) == (5, 5)
            assert entry["score"] == pytest.approx(np.mean([row["score"] for row in kept]))
            assert entry["probability"] == pytest.approx(np.mean([row["probability"] for row in kept]))
    assert set(judged[0]) == {"suite", "id", "capability", "kind", "topic", "score", "probability", "bits_per_byte"}


def test_intervals_hold_the_score_and_shrink_with_topics() -> None:
    def width(topics: int) -> float:
        items = [dataclasses.replace(choice(f"{n}"), topic=n % topics) for n in range(400)]
        scores = {("s", f"{n}"): Scored(float(n % topics % 2)) for n in range(400)}
        entry = summarise([suite("s", *items)], scores, selection=False)["capabilities"]["reasoning"]
        low, high = entry["interval"]
        assert low < entry["score"] < high
        return float(high - low)

    assert width(400) < width(20) / 3


def test_chance_is_the_mean_over_choice_items_and_absent_with_generated_ones() -> None:
    four = choice("b", choices=(" a", " b", " c", " d"))
    scores = {("s", name): Scored(1.0) for name in ("a", "b", "w")}
    alone = summarise([suite("s", choice("a"), four)], scores, selection=False)
    mixed = summarise([suite("s", choice("a"), four, writing("w", "reasoning"))], scores, selection=False)
    assert alone["capabilities"]["reasoning"]["chance"] == pytest.approx(0.375)
    assert mixed["capabilities"]["reasoning"]["chance"] is None


def test_two_suites_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="same name"):
        summarise([suite("s", choice("a")), suite("s", choice("b"))], {})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"sample": 2}, "Did you mean 'samples'"),
        ({"samples": 0}, r"samples: 0"),
        ({"samples": True}, r"samples: True"),
        ({"samples": 1.5}, r"samples: 1.5"),
        ({"selection": 1}, r"selection: 1 is neither true nor false"),
        ({"temperature": -1}, r"temperature: -1"),
        ({"temperature": float("nan")}, "temperature"),
        ([], "mapping"),
    ],
)
def test_malformed_settings_are_refused(raw: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        EvaluationSettings.of(raw)
