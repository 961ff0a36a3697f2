from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from cleaning_texts import held_out, prose
from emulsion.data.cleaning import Cleaning, Contamination, Words, join_ngrams
from emulsion.data.cleaning.contamination import Match

EVERY = Cleaning.from_json({"decontaminate": {"sample": 1}})
QUESTION = "Which of the two boats left the harbour first when the storm came over the bay that night?"
SHORT = "Name the three largest moons of Saturn, please!"


def words(text: str, start: int, count: int) -> str:
    return " ".join(text.split()[start : start + count])


def match(contamination: Contamination, text: str, split: str = "train") -> Match | None:
    [found] = contamination.match(Words([text]), [split])
    return found


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_suites_item_within_a_document_is_found_whatever_its_case_and_marks(split):
    contamination = Contamination({"quiz": {"boats": [QUESTION], "moons": [SHORT]}}, {}, EVERY)
    asked = QUESTION.upper().replace(" ", "  ").replace("FIRST", "first,\n")
    found = match(contamination, f"{prose(1)} {asked} {prose(2)}", split)
    assert (found.name, found.item) == ("quiz", "boats")
    assert found.words == asked[: len(found.words)]
    assert len(found.words.split()) == 13
    assert found.reason == "evaluation suite quiz"
    assert match(contamination, prose(1) + prose(2)) is None


def test_thirteen_words_in_common_are_a_match_and_twelve_are_none():
    contamination = Contamination({"quiz": {"boats": [QUESTION]}}, {}, EVERY)
    assert match(contamination, f"So {words(QUESTION, 2, 13)} he asked") is not None
    assert match(contamination, f"So {words(QUESTION, 2, 12)} he asked") is None


def test_a_text_of_eight_words_is_compared_whole_and_a_shorter_one_is_listed():
    suites = {"quiz": {"moons": [SHORT], "two": ["Two words", SHORT + " Now."], "sum": ["1 + 1?"]}}
    contamination = Contamination(suites, {}, EVERY)
    assert contamination.too_short == [("quiz", "sum")]
    found = match(contamination, f"{prose(1)} name the three largest moons of saturn please")
    assert found == Match("quiz", "moons", "name the three largest moons of saturn please")
    assert match(contamination, "name the three largest moons of saturn") is None
    assert match(contamination, "1 + 1?") is None


def test_a_run_of_words_does_not_go_on_in_the_next_document():
    contamination = Contamination({"quiz": {"boats": [QUESTION]}}, {}, EVERY)
    halves = [words(QUESTION, 0, 9), words(QUESTION, 9, 9), words(QUESTION, 0, 13)]
    assert [found is not None for found in contamination.match(Words(halves), ["train"] * 3)] == [False, False, True]


def test_what_is_held_out_is_kept_out_of_train_alone_and_named_by_its_source(tmp_path):
    files = {
        name: held_out(tmp_path / f"{name}.parquet", [("1", prose(seed))], EVERY) for seed, name in enumerate("ab")
    }
    contamination = Contamination({}, files, EVERY)
    leaked = f"{prose(5)} {words(prose(1), 40, 30)} {prose(6)}"
    found = match(contamination, leaked)
    assert found == Match("b", None, words(prose(1), 40, 13))
    assert found.reason == "held-out document of b"
    assert match(contamination, leaked, "validation") is None
    assert match(contamination, prose(5)) is None


def test_a_run_in_several_held_out_documents_is_boilerplate(tmp_path):
    rule = "You are a helpful assistant and you answer every question in a friendly and short way."
    for count in (2, 3):
        documents = [(str(seed), f"{rule} {prose(seed)}") for seed in range(count)]
        shards = [held_out(tmp_path / f"{each[0]}.parquet", [each], EVERY) for each in documents]
        pq.write_table(join_ngrams(shards), tmp_path / "a.parquet")
        # Whether all are of one source, or each of its own.
        for files in ({"a": tmp_path / "a.parquet"}, {path.stem: path for path in shards}):
            contamination = Contamination({}, files, EVERY)
            assert (match(contamination, f"{rule} {prose(9)}") is None) == (count == 3)
            assert match(contamination, f"{prose(9)} {words(prose(0), 0, 20)}") is not None


def test_what_is_held_out_of_a_source_is_what_is_of_its_shards(tmp_path):
    parts = [[("1", prose(1)), ("2", prose(2))], [], [("3", f"{prose(2)} {prose(3)}")]]
    paths = [held_out(tmp_path / f"{number}.parquet", part, EVERY) for number, part in enumerate(parts)]
    whole = held_out(tmp_path / "whole.parquet", [each for part in parts for each in part], EVERY)
    assert join_ngrams(paths).equals(pq.read_table(whole))
    assert join_ngrams(paths[1:2]).num_rows == 0


def test_boilerplate_repeated_within_one_document_counts_once(tmp_path):
    path = held_out(tmp_path / "a.parquet", [("1", " ".join([QUESTION] * 5))], EVERY)
    assert match(Contamination({}, {"a": path}, EVERY), QUESTION) is not None


def test_sampled_ngrams_find_overlaps_as_often_as_is_documented(tmp_path):
    sampled = Cleaning.from_json({"decontaminate": {"sample": 8}})
    path = held_out(tmp_path / "a.parquet", [(str(seed), prose(seed)) for seed in range(150)], sampled)
    contamination = Contamination({}, {"a": path}, sampled)
    for common in (13, 20, 50):
        texts = [f"{prose(1000 + seed, 20)} {words(prose(seed), 60, common)}" for seed in range(150)]
        missed = np.mean([found is None for found in contamination.match(Words(texts), ["train"] * len(texts))])
        assert abs(missed - (7 / 8) ** (common - 12)) < 0.1


def test_switches_turn_off_suites_and_held_out_documents(tmp_path):
    path = held_out(tmp_path / "a.parquet", [("1", prose(1))], EVERY)
    for suites, kept_out in ((True, False), (False, True), (False, False)):
        chosen = Cleaning.from_json({"decontaminate": {"sample": 1, "suites": suites, "held_out": kept_out}})
        contamination = Contamination({"quiz": {"boats": [QUESTION]}}, {"a": path}, chosen)
        assert (match(contamination, QUESTION) is not None) == suites
        assert (match(contamination, prose(1)) is not None) == kept_out
    off = Contamination({"quiz": {"boats": [QUESTION]}}, {"a": path}, Cleaning.none())
    assert match(off, f"{QUESTION} {prose(1)}") is None


def test_nothing_is_held_out_of_texts_too_short_or_settings_that_do_not_ask(tmp_path):
    for text, chosen in (("a short text", EVERY), (prose(1), Cleaning.none())):
        path = held_out(tmp_path / "a.parquet", [("1", text)], chosen)
        assert match(Contamination({}, {"a": path}, EVERY), text) is None
