from emulsion.data.cleaning import Words
from emulsion.data.cleaning.measures import measure


def test_repeated_ngrams_are_counted_by_hand():
    text = "aa bb cc dd ee ff aa bb cc dd ee gg aa bb"
    [measures] = measure(Words([text]), ngrams=True)
    assert measures.top == (3 * len("aa bb"), 2 * len("aa bb cc"), 2 * len("aa bb cc dd"))
    assert measures.repeated == (len("aabbccddee"), 0, 0, 0, 0, 0)


def test_words_marks_and_stop_words_are_counted_by_hand():
    first, second = measure(Words(["The cat - and 3 dogs - sat with 12.", "..."]), ngrams=False)
    assert (first.words, first.tokens, first.alphabetic, first.stop_words) == (8, 11, 6, 3)
    assert first.word_characters == len("Thecatand3dogssatwith12")
    assert (second.words, second.tokens, second.top) == (0, 1, (0, 0, 0))


def test_a_measure_does_not_depend_on_the_other_texts():
    texts = ["one two one two", "a", "", "one two three one two three"]
    assert measure(Words(texts), ngrams=True) == [measure(Words([text]), ngrams=True)[0] for text in texts]
