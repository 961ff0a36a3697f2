import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning_texts import prose
from emulsion.data.cleaning import Cleaning, Words, clean_text, why_removed
from emulsion.data.cleaning.policy import FILTERS, UNICODE_FORMS

GOOD = prose(1, 400)
LINE = prose(2, 30).replace("\n", " ")


def verdict(text: str, *filters: str, **settings) -> str | None:
    [reason] = why_removed(Words([text]), Cleaning(filters=filters, **settings))
    return reason


def each_word(text: str, change: Callable[[str], str]) -> str:
    return " ".join(change(word) for word in text.split())


def test_prose_passes_every_filter():
    assert verdict(GOOD, *FILTERS, words=(50, 1000), characters=(100, 10_000)) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (prose(3, 40), "gopher_quality: fewer than 50 or more than 100,000 words"),
        (each_word(GOOD, lambda word: word[:2]), "gopher_quality: mean word length"),
        (each_word(GOOD, lambda word: word.strip(".") * 4), "gopher_quality: mean word length"),
        (each_word(GOOD, lambda word: f"#{word}" if word[0] in "st" else word), "gopher_quality: symbols per word"),
        (GOOD.replace(". ", "...\n- ").replace(".\n", "...\n- "), "gopher_quality: lines that start with a bullet"),
        (GOOD.replace(". ", ".\n").replace(".\n", "...\n", 14), "gopher_quality: lines that end with an ellipsis"),
        (
            each_word(GOOD, lambda word: "1234" if word[0] in "aeiot" else word),
            "gopher_quality: words without a letter",
        ),
        (each_word(GOOD, lambda word: f"x{word}"), "gopher_quality: stop words"),
        ("\n\n".join([GOOD, LINE, LINE, LINE]), "gopher_repetition: duplicate paragraphs"),
        ("\n\n".join([GOOD, "A.", "B.", "C.", GOOD]), "gopher_repetition: characters in duplicate paragraphs"),
        ("\n".join([GOOD, *[LINE] * 6]), "gopher_repetition: duplicate lines"),
        ("\n".join(["A", "B", "C", "D", LINE, *[LINE] * 2]), "gopher_repetition: characters in duplicate lines"),
        (each_word(GOOD, lambda word: f"{word} so so"), "gopher_repetition: most frequent 2-gram"),
        (f"{LINE} again {LINE} {prose(5, 60)}", "gopher_repetition: duplicate 5-grams"),
        ("Lorem ipsum dolor sit amet. " * 6, "c4: lorem ipsum"),
        (GOOD + "\nIf it is { it is code.", "c4: curly bracket"),
        ("One is here. Two is there! Three? Four.", "c4: fewer than 5 sentences"),
        (GOOD.replace(".", ""), "fineweb: lines that end with punctuation"),
        ("\n".join(f"Line {n} is this." for n in range(30)), "fineweb: short lines"),
        ("\n".join([GOOD, LINE, LINE]), "fineweb: characters in duplicate lines"),
        (GOOD + "\n" * 200, "fineweb: line breaks per word"),
    ],
)
def test_each_reason_has_a_document(text, reason):
    assert verdict(text, reason.split(":")[0]) == reason


@pytest.mark.parametrize("name", ["gopher_repetition", "fineweb"])
def test_a_short_line_that_comes_twice_in_a_long_text_costs_nothing(name):
    assert verdict("\n".join([GOOD, "It is so.", prose(4, 400), "It is so."]), name) is None


def test_lengths_have_bounds_that_are_allowed():
    assert verdict("one two three", words=(3, 3), characters=(13, 13)) is None
    assert verdict("one two three", words=(4, 9)) == "length: fewer than 4 words"
    assert verdict("one two three", words=(0, 2)) == "length: more than 2 words"
    assert verdict("one two three", characters=(0, 12)) == "length: more than 12 characters"


def test_nothing_left_of_a_text_is_a_reason_only_where_texts_are_changed():
    assert verdict(" \n") is None
    assert verdict(" \n", unicode="NFC") == "empty"
    assert verdict(" \n", "gopher_repetition") == "empty"
    without_stops = clean_text("words without a stop " * 9, Cleaning(filters=("gopher_quality", "c4")))
    assert verdict(without_stops, "gopher_quality", "c4") == "c4: no line is left"


def test_verdicts_do_not_depend_on_the_texts_beside():
    texts = [GOOD, f"{LINE} again {LINE} {prose(5, 60)}", "", prose(6, 30), GOOD, "漢字" * 300]
    settings = Cleaning(unicode="NFC", filters=FILTERS)
    alone = [why_removed(Words([text]), settings)[0] for text in texts]
    order = np.random.default_rng(0).permutation(len(texts)).tolist()
    assert [alone[row] for row in order] == why_removed(Words([texts[row] for row in order]), settings)


@given(st.text(), st.sampled_from(UNICODE_FORMS))
def test_cleaning_twice_is_cleaning_once_and_leaves_the_normal_form(text, form):
    settings = Cleaning(unicode=form)
    once = clean_text(text, settings)
    assert clean_text(once, settings) == once
    assert unicodedata.is_normalized(form, once)
    assert not any(unicodedata.category(each) == "Cc" for each in once.replace("\n", "").replace("\t", ""))


@given(st.text())
def test_without_settings_no_character_changes(text):
    assert clean_text(text, Cleaning.none()) == text


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("a\r\nb\rc\u2028d\x0ce", "a\nb\nc\nd\ne"),
        ("\ufeffa\x00b\x1b[0m\tc\x7f", "ab[0m\tc"),
        ("cafe\u0301", "café"),
        ("family: 👩‍👩‍👧 ﬁne…", "family: 👩‍👩‍👧 ﬁne…"),
    ],
)
def test_nfc_line_ends_and_control_characters(raw, kept):
    assert clean_text(raw, Cleaning(unicode="NFC")) == kept


def test_the_lines_that_c4_does_not_keep_go():
    lines = [
        "This line has an end.[12]",
        "This one has not",
        "It goes on...",
        "Too short.",
        "Please enable JavaScript in your browser.",
        "You accept our cookie policy by reading on.",
        f"One word is {'x' * 1001} long.",
        "A page with Lorem ipsum condemns itself.",
        'A line may say { or "this"',
    ]
    assert clean_text("\n".join(lines), Cleaning(filters=("c4",))).split("\n") == [
        "This line has an end.",
        "A page with Lorem ipsum condemns itself.",
        'A line may say { or "this"',
    ]


def _page_of_c4(text: str) -> str | None:
    """What C4 keeps of a page, with the steps of its code in TensorFlow Datasets; None: the whole page goes."""
    kept = []
    for line in map(str.strip, text.splitlines()):
        line = re.sub(r"\[\d*\]|\[edit\]|\[citation needed\]", "", line).strip()
        if not line.endswith((".", "?", "!", '"', "'")) or line.endswith("...") or len(line.split()) < 3:
            continue
        lower = line.lower()
        if "lorem ipsum" in lower:
            return None
        if "javascript" in lower:
            continue
        if "{" in line:
            return None
        if not any(phrase in lower for phrase in ("terms of use", "privacy policy", "uses cookies", "use cookies")):
            kept.append(line)
    return "\n".join(kept)


PIECES = ["One", "it is", ".", "...", "?", ' "', "'", "\n", "\n\n", " ", "[3]", "[edit]", "{"]
PHRASES = ["JavaScript", "lorem ipsum", "Terms of use", "it uses cookies"]


@given(st.lists(st.sampled_from(PIECES + PHRASES), max_size=40).map(" ".join))
def test_c4_keeps_the_lines_that_a_page_cleaner_line_by_line_keeps(text):
    wanted, found = _page_of_c4(text), clean_text(text, Cleaning(filters=("c4",)))
    if wanted is None:
        assert verdict(found, "c4") in ("c4: lorem ipsum", "c4: curly bracket")
    else:
        assert found == wanted
