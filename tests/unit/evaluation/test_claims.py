"""What a reply claims: named first, named alone, and stood by."""

from __future__ import annotations

import pytest

from emulsion.evaluation.claims import phrase, plainly_answers, sentences_of, states_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris", True),
        ("The capital of France is Paris.", True),
        ("paris!", True),
        ("Well, let me see. It is Paris. The river there is the Seine.", True),
        ("Paris. Madrid is in Spain.", True),
        ("The U.S. has none, but France has Paris.", True),
        ("Madrid", False),
        ("Madrid, not Paris.", False),
        ("Paris or Madrid.", False),
        ("Is it Paris?", False),
        ("It isn't Paris.", False),
        ("It isn’t Paris.", False),
        ("It cannot be Paris.", False),
        ("Hardly Paris.", False),
        ("Anything but Paris.", False),
        ("Paris, Madrid, Berlin", False),
        ("Paris. No, Madrid.", False),
        ("Paris.\nSorry, I meant Madrid.", False),
        ("Maybe Paris.", False),
        ("Parisian", False),
        ("", False),
    ],
)
def test_an_answer_is_the_first_that_is_named_and_stood_by(text: str, expected: bool) -> None:
    assert plainly_answers(text, ["Paris"], ["Madrid", "Berlin"]) is expected


def test_a_wrong_answer_inside_a_right_one_is_not_named() -> None:
    assert plainly_answers("It is New Guinea.", ["New Guinea"], ["Guinea"])
    assert plainly_answers("No.", ["No"], ["Yes"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is St. Petersburg. The river there is the Neva.", True),
        ("St.\nPetersburg", True),
        ("St. Petersburg. No, Moscow.", False),
        ("Mt. Athos, not St. Petersburg.", False),
        ("Washington, D.C. It is no state.", True),
        ("Washington, D.C. No, Moscow.", False),
    ],
)
def test_a_full_stop_inside_a_name_ends_no_sentence(text: str, expected: bool) -> None:
    assert plainly_answers(text, ["St. Petersburg", "Washington, D.C."], ["Moscow", "Mt. Athos"]) is expected


@pytest.mark.parametrize(("value", "text"), [("喜欢", "我喜欢你。"), ("Paris", "是Paris吗"), ("ปารีส", "คือปารีสครับ")])
def test_words_of_scripts_without_blanks_are_found_inside_a_text(value: str, text: str) -> None:
    assert phrase(value).search(text)


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("4", 4, True),
        ("You have four apples.", 4, True),
        ("3 - 1 + 2 = 4", 4, True),
        ("twenty-one", 21, True),
        ("twenty\u2011one", 21, True),
        ("twenty\u2011one", 20, False),
        ("It is 4e3.", 4, False),
        ("It is 4e3.", 4000, True),
        ("It is 5E−2.", 0.05, True),
        ("4e", 4, True),
        ("It is 10\u00a0000.", 10_000, True),
        ("It is 10\u202f000.", 0, False),
        ("Of 10\u00a0000 it is 12", 12, True),
        ("Zero.", 0, True),
        ("There are zero apples and four pears.", 0, False),
        ("It is 4em wide.", 4, True),
        ("Forty-Two!", 42, True),
        ("It costs 1,000.", 1000, True),
        ("four. One of them is red.", 4, True),
        ("4 or 5", 4, False),
        ("5 or 4", 4, False),
        ("It is not 4.", 4, False),
        ("5. Not 4.", 4, False),
        ("It cannot be 4.", 4, False),
        ("14", 4, False),
        ("4.5", 4, False),
        ("4?", 4, False),
        ("fourteen", 4, False),
        ("many", 4, False),
        ("It is twenty five.", 25, True),
        ("It is twenty five.", 5, False),
        ("It costs two hundred.", 2, False),
        ("A hundred and four.", 4, False),
        ("five-hundred", 5, False),
        ("It is minus three.", -3, True),
        ("It is minus three.", 3, False),
        ("Five minus three is two.", 2, True),
        ("It is ½.", 0.5, True),
        ("It comes to 4.", 4, True),
        ("Answer - 4", 4, True),
        ("The day after is 4 - at least in spring.", 4, True),
        ("You need 4 to go on.", 4, True),
        ("You now have four apples because you ate one and bought two more.", 4, True),
        ("Because 2 and 3 make 5, it is 4.", 4, True),
        ("5 because 1 and 4", 4, False),
        ("It is 4, or perhaps 5, because you ate 1.", 4, False),
        ("It is not 4 because you ate 1.", 4, False),
        ("more than 4", 4, False),
        ("At least four.", 4, False),
        ("almost 4", 4, False),
        ("half of 4", 4, False),
        ("before 1969", 1969, False),
        ("2 to 4", 4, False),
        ("two to four", 4, False),
        ("2-4", 4, False),
        ("between 2 and 4", 4, False),
        ("4 million", 4, False),
        ("4 dozen", 4, False),
        ("4k", 4, False),
        ("4²", 4, False),
        ("1 + 4", 4, False),
        ("5 minus 4", 4, False),
        ("4 squared", 4, False),
    ],
)
def test_a_number_is_the_last_and_stated_plainly(text: str, number: float, expected: bool) -> None:
    assert states_number(text, number) is expected


def test_sentences_keep_their_marks_and_numbers_whole() -> None:
    assert sentences_of("It is 3.5. Why?\nNo!! x") == ["It is 3.5.", " Why?", "No!!", " x"]
