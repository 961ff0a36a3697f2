import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.cleaning import words as module
from emulsion.data.cleaning.words import Words

WORD = re.compile(r"(?:[A-Za-z0-9]|(?<=[A-Za-z])'(?=[A-Za-z])|(?<=[0-9])[.,](?=[0-9]))+|\.+|\S")
TEXTS = st.text("abAB'12., \n-", max_size=60)


def split(text: str) -> list[str]:
    words = Words([text])
    return [words.quote(0, word, 1) for word in range(len(words.hashes))]


@given(TEXTS)
def test_ascii_is_split_as_the_definition_says(text):
    assert split(text) == WORD.findall(text)


@given(TEXTS)
def test_words_have_one_hash_exactly_if_they_are_the_same_but_for_case(text):
    found, hashes = split(text), Words([text]).hashes.tolist()
    for one, other in itertools.combinations(range(len(found)), 2):
        assert (found[one].lower() == found[other].lower()) == (hashes[one] == hashes[other])


def test_scripts_without_spaces_are_split_into_characters_and_others_keep_their_accents():
    assert split("漢字かな ü's Привет, हिन्दी ไทย") == [*"漢字かな", "ü's", "Привет", ",", "हिन्दी", *"ไทย"]


def test_both_apostrophes_make_the_same_word():
    straight, curly = Words(["Don't", "don’t"]).hashes
    assert straight == curly


@given(st.lists(TEXTS, max_size=6), st.sampled_from([4, 9, 2**17]))
def test_the_words_of_a_text_do_not_depend_on_the_texts_beside_it(texts, piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PIECE", piece)
        together = Words(texts)
        for row, text in enumerate(texts):
            alone, mine = Words([text]), slice(together.offsets[row], together.offsets[row + 1])
            for name in ("starts", "lengths", "hashes", "kinds"):
                assert np.array_equal(getattr(together, name)[mine], getattr(alone, name))


def test_a_long_text_is_cut_where_there_are_blanks():
    text = "hello, world " * 40_000
    words = Words([text])
    assert len(words.hashes) == 3 * 40_000
    assert len(set(words.hashes.tolist())) == 3
    assert words.quote(0, 119_997, 3) == "hello, world"


@given(st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_taking_texts_is_as_reading_them_alone(texts, data):
    rows = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1))))
    words = Words(texts)
    words.hashes  # noqa: B018  (they are found before the texts are taken)
    taken, fresh = words.take(rows), Words([texts[row] for row in rows])
    for name in ("texts", "offsets", "starts", "lengths", "hashes", "kinds"):
        assert np.array_equal(getattr(taken, name), getattr(fresh, name))


def test_short_words_all_have_hashes_of_their_own():
    letters = "abcdefghijklmnopqrstuvwxyz"
    every = ["".join(word) for length in (1, 2, 3) for word in itertools.product(letters, repeat=length)]
    assert len(set(Words([" ".join(every)]).hashes.tolist())) == len(every)


@given(st.lists(TEXTS, max_size=6), st.integers(1, 20))
def test_parts_are_the_texts_one_after_another_and_no_larger_than_asked_for(texts, most):
    parts = list(Words(texts).parts(most))
    assert [text for part in parts for text in part.texts] == texts
    assert all(len(part.hashes) <= most or len(part.texts) == 1 for part in parts)
    for part in parts:
        for name in ("offsets", "starts", "lengths", "hashes", "kinds"):
            assert np.array_equal(getattr(part, name), getattr(Words(part.texts), name))
