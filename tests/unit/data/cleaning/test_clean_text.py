import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.cleaning import Cleaning, clean_text
from emulsion.data.cleaning.settings import UNICODE_FORMS


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
