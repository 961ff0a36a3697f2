from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.cleaning import Words
from emulsion.data.cleaning.measures import REPEATED_NGRAMS, TOP_NGRAMS, measure


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


def _most_frequent(words: list[str], n: int) -> int:
    counts = Counter(tuple(words[place : place + n]) for place in range(len(words) - n + 1))
    most = max(counts.values(), default=0)
    sizes = [len(" ".join(ngram)) for ngram, count in counts.items() if count == most > 1]
    return most * max(sizes, default=0)


def _repeated(words: list[str], n: int) -> int:
    seen, covered = set(), set()
    for place in range(len(words) - n + 1):
        ngram = tuple(words[place : place + n])
        if ngram in seen:
            covered.update(range(place, place + n))
        seen.add(ngram)
    return sum(len(words[place]) for place in covered)


@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc", "."]), max_size=60), min_size=1, max_size=4))
def test_repeated_ngrams_are_those_of_a_search_word_by_word(texts):
    found = measure(Words([" ".join(words) for words in texts]), ngrams=True)
    for words, measures in zip(texts, found, strict=True):
        whole = Words([" ".join(words)])
        marks = [whole.quote(0, place, 1) for place in range(len(whole.hashes))]
        assert measures.top == tuple(_most_frequent(marks, n) for n in TOP_NGRAMS)
        assert measures.repeated == tuple(_repeated(marks, n) for n in REPEATED_NGRAMS)
