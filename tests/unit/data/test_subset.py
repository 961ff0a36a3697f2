"""A fixed part of a source: its size, parts of parts, and that it is spread over the source."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.subset import chosen_rows
from emulsion.data.tokens import TokenStore

CONTEXT = 24


@given(st.integers(0, 3000), st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_share_has_so_many_sequences_and_what_a_smaller_one_reads_a_larger_one_reads_too(available, one, other):
    low, high = (chosen_rows("web", available, share) for share in sorted((one, other)))
    assert len(low) == min(available, max(1, round(min(one, other) * available)))
    assert (np.diff(low) > 0).all() and set(low) <= set(high) <= set(range(available))


def test_a_part_is_spread_over_its_source_and_is_not_the_same_place_in_all():
    rows = chosen_rows("web", 1999, 0.1)
    assert np.histogram(rows, bins=8, range=(0, 1999))[0].min() > 10
    assert set(rows) != set(chosen_rows("code", 1999, 0.1))


def test_so_few_sequences_that_they_say_little_are_noted(caplog):
    with caplog.at_level(logging.WARNING):
        chosen_rows("web", 2000, 0.1)
        assert not caplog.records
        chosen_rows("web", 2000, 0.01)
    assert "web: 0.01 of its 2000 sequences are 20; so few say little of the source" in caplog.text


@pytest.mark.parametrize("share", [0.1, 0.37, 1.0])
def test_a_store_of_a_share_reads_those_sequences_and_no_others(store_folders, share):
    whole, part = TokenStore.open(store_folders["alpha"]), TokenStore.open(store_folders["alpha"], share)
    count = part.count("train", CONTEXT)
    assert count == round(share * whole.count("train", CONTEXT))
    rows, numbers = chosen_rows("alpha", whole.count("train", CONTEXT), share), np.arange(count)[::-1]
    assert (part.read("train", numbers, CONTEXT) == whole.read("train", rows[numbers], CONTEXT)).all()
    assert part.count("validation", CONTEXT) == whole.count("validation", CONTEXT)
