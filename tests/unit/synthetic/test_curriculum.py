"""The planted table, and the text that follows it."""

from collections import Counter
from random import Random

import pytest

from emulsion.synthetic import CAPABILITIES, PRIMARY, SOURCES, TEACHES
from emulsion.synthetic.draws import wheel, zipf
from emulsion.synthetic.native import drawn_lessons


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_of_the_table_names_all_capabilities_and_sums_to_one(source):
    assert tuple(TEACHES[source]) == CAPABILITIES
    assert sum(TEACHES[source].values()) == pytest.approx(1)


@pytest.mark.parametrize("source", SOURCES)
def test_lessons_are_drawn_in_the_planted_shares(source):
    uniform = Random(0).random
    lessons = Counter(capability for _ in range(5000) for capability in drawn_lessons(source, uniform))
    for capability, share in TEACHES[source].items():
        assert lessons[capability] / lessons.total() == pytest.approx(share, abs=0.015)


def test_every_source_has_a_primary_capability_that_it_teaches():
    assert set(PRIMARY) == set(SOURCES)
    assert all(TEACHES[source][capability] > 0 for source, capability in PRIMARY.items())


def test_zipf_weights_fall_and_sum_to_one():
    weights = zipf(10, 0.7)
    assert sum(weights) == pytest.approx(1)
    assert weights == sorted(weights, reverse=True)
    assert weights[0] / weights[9] == pytest.approx(10**0.7)


def test_a_wheel_gives_every_value_its_share_of_slots():
    slots = Counter(wheel(["a", "b", "c"], [5, 3, 2]))
    assert slots["a"] / slots.total() == pytest.approx(0.5, abs=1e-3)
    assert slots["c"] / slots.total() == pytest.approx(0.2, abs=1e-3)
