import pytest

from emulsion.data.cleaning import Cleaning
from emulsion.data.cleaning.policy import Decontaminate, Deduplicate, Near
from emulsion.errors import UserError


def test_everything_that_is_left_out_is_off():
    assert Cleaning.from_json({}) == Cleaning.none()
    assert Cleaning.from_json({"deduplicate": {}}) == Cleaning(deduplicate=Deduplicate(exact=True, near=None))


def test_a_whole_configuration_is_read():
    raw = {
        "unicode": "NFC",
        "filters": ["fineweb", "gopher_quality"],
        "words": [5, 100],
        "characters": None,
        "deduplicate": {"exact": True, "near": {"ngram": 5, "bands": 14, "rows": 8, "seed": 0}},
        "decontaminate": {"ngram": 13, "suites": True, "held_out": False},
        "keep_removed": True,
    }
    assert Cleaning.from_json(raw) == Cleaning(
        unicode="NFC",
        filters=("gopher_quality", "fineweb"),
        words=(5, 100),
        deduplicate=Deduplicate(near=Near()),
        decontaminate=Decontaminate(held_out=False),
        keep_removed=True,
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"filter": []}, ["cleaning: unknown setting 'filter'", "Did you mean 'filters'?"]),
        ({"filters": ["gopher"]}, ["cleaning.filters: unknown filter 'gopher'", "gopher_quality"]),
        ({"filters": "c4"}, ["cleaning.filters: 'c4' is not a list"]),
        ({"unicode": "nfc"}, ["cleaning.unicode: unknown form 'nfc'", "Known: NFC"]),
        ({"words": [10, 5]}, ["cleaning.words: the least, 10, is more than the most, 5"]),
        ({"words": [10]}, ["cleaning.words", "the least and the most"]),
        ({"characters": [0, "x"]}, ["cleaning.characters: 'x' is not a whole number"]),
        ({"deduplicate": True}, ["cleaning.deduplicate: True is not a mapping"]),
        ({"deduplicate": {"near": {"band": 3}}}, ["cleaning.deduplicate.near: unknown setting 'band'", "'bands'"]),
        ({"deduplicate": {"near": {"rows": 0}}}, ["cleaning.deduplicate.near.rows: 0 is not a whole number of 1"]),
        ({"decontaminate": {"suites": 1}}, ["cleaning.decontaminate.suites: 1 is neither true nor false"]),
        ({"decontaminate": {"ngram": True}}, ["cleaning.decontaminate.ngram: True is not a whole number"]),
        ({"keep_removed": None}, ["cleaning.keep_removed: None is neither true nor false"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place(raw, words):
    with pytest.raises(UserError) as error:
        Cleaning.from_json(raw)
    assert all(each in str(error.value) for each in words)
