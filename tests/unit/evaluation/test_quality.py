from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emulsion.evaluation.quality import distinct, incoherent_because, quality, repetition, self_bleu

STORY = (
    "The old harbour lay quiet when Tova came down from the hills. She had walked since dawn, and nobody in the town "
    "knew her face. A fisherman mended his net on the quay and asked where she was going."
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no words"),
        (" ... !", "no words"),
        (" is" * 30, "a loop"),
        ("One line of text here.\n" * 4, "a loop"),
        ("The caf\ufffd is open.", "broken characters"),
        ("a ::::::: b ;;;;;;; c", "mostly marks"),
        (" Paris.", "a fragment"),
        (" 42.", "a fragment"),
        (STORY, None),
        ("def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)", None),
    ],
)
def test_a_text_is_incoherent_for_one_reason_or_none(text, reason):
    assert incoherent_because([text]) == [reason]


def test_the_kept_texts_are_told_apart_plain_ones_always_and_salads_nine_in_ten():
    kept = yaml.safe_load((Path(__file__).parents[2] / "coherence_texts.yaml").read_text())
    found = {kind: [reason is None for reason in incoherent_because(texts)] for kind, texts in kept.items()}
    assert len(found["plain"]) >= 40 <= sum(len(found[kind]) for kind in ("loops", "fragments", "salads"))
    assert all(found["plain"])
    assert not any(found["loops"] + found["fragments"])
    assert np.mean(found["salads"]) <= 0.1


@pytest.mark.parametrize("text", ["1, 2, 3", "1. 2. 3. 4. 5."])
def test_numbers_alone_are_no_sentences(text):
    assert incoherent_because([text]) != [None]


def test_distinct_counts_ngrams_over_all_texts():
    assert distinct(["a b a", "a b"], 1) == pytest.approx(2 / 5)
    assert distinct(["a b a", "a b"], 2) == pytest.approx(2 / 3)
    assert distinct(["a", "b"], 2) is None


def test_repetition_is_the_share_of_ngrams_a_text_had_before():
    assert repetition(["a b c d e f g"]) == 0
    assert repetition(["a a a a a a"]) == pytest.approx(2 / 3)
    assert repetition(["a a a a a a", "too short", "a b c d"]) == pytest.approx(1 / 3)
    assert repetition(["too short"]) is None


def test_self_bleu_is_one_for_equal_texts_and_small_for_different_ones():
    assert self_bleu([STORY, STORY]) == pytest.approx(1)
    assert self_bleu([STORY, "Prime numbers cannot be divided evenly by smaller ones.", "I like tea"]) < 0.1
    assert self_bleu([STORY, "", "  "]) is None


def test_self_bleu_of_many_texts_takes_an_even_sample():
    texts = [
        f"{name} went to the {place} with {number} friends"
        for number, (name, place) in enumerate([("Ida", "sea")] * 40)
    ]
    assert self_bleu(texts, most=5) == pytest.approx(self_bleu(texts[::8]))


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_whatever_is_generated_the_counts_are_shares(texts):
    found = quality(texts)
    assert found["texts"] == len(texts) == sum(found["coherent"]) + sum(found["incoherent"].values())
    shares = [found["repetition"], found["self_bleu"], *found["distinct"].values()]
    assert all(share is None or 0 <= share <= 1 + 1e-9 for share in shares)
