"""Languages are guessed from scripts and frequent words; what is no prose is not given one."""

import pytest

from emulsion.data.languages import language_of

TEXTS = {
    "English": "It was the best of times and it was the worst of times, as those who lived in it have told.",
    "German": "Es war einmal ein König, der hatte eine Tochter, und die ging mit dem Hund in den Wald.",
    "French": "Il est dans la maison et ne veut pas que les enfants sortent avec des amis pour une heure sur la place.",
    "Spanish": "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, vivía un hidalgo de los de antes.",
    "Japanese": "これは日本語の文章です。",
    "Chinese": "这是一个中文句子。",
    "Cyrillic script": "Все счастливые семьи похожи друг на друга.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_shows_its_language(language):
    assert language_of(TEXTS[language]) == language


@pytest.mark.parametrize("text", ["", "12 34 56", "def f(x):\n    return x + 1\n", "lorem ipsum dolor sit amet"])
def test_what_is_no_prose_of_a_known_language_is_not_told(text):
    assert language_of(text) == "not told"
