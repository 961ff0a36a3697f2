"""A fixed part of the documents: its size, whole documents, and parts of parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.subset import rows_of_documents
from emulsion.data.tokens import TokenStore

CONTEXT = 24


def starts_of(lengths):
    return np.cumsum([0, *lengths[:-1]]).astype(np.int64)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.floats(0.001, 1))
def test_a_share_has_so_many_sequences_of_whole_documents_but_for_the_last(lengths, share):
    available = max(1, (sum(lengths) - 1) // CONTEXT)
    starts = starts_of(lengths)
    rows = rows_of_documents(starts, available, CONTEXT, share)
    assert len(rows) == max(1, round(share * available))
    assert (np.diff(rows) > 0).all() and rows[0] >= 0 and rows[-1] < available
    owners = np.searchsorted(starts, np.arange(available) * CONTEXT, side="right") - 1
    cut = [owner for owner in set(owners[rows]) if (owners == owner).sum() > (owners[rows] == owner).sum()]
    assert len(cut) <= 1


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.floats(0.001, 1), st.floats(0.001, 1))
def test_what_a_smaller_share_reads_a_larger_one_reads_too(lengths, one, other):
    available = max(1, (sum(lengths) - 1) // CONTEXT)
    low, high = (rows_of_documents(starts_of(lengths), available, CONTEXT, share) for share in sorted((one, other)))
    assert set(low) <= set(high)


def test_the_documents_are_spread_over_the_source():
    rows = rows_of_documents(starts_of([48] * 1000), 1999, CONTEXT, 0.1)
    assert len(rows) == 200
    assert np.histogram(rows, bins=4, range=(0, 1999))[0].min() > 30


@pytest.mark.parametrize("share", [0.1, 0.37, 1.0])
def test_a_store_of_a_share_reads_those_sequences_and_no_others(store_folders, share):
    whole, part = TokenStore.open(store_folders["alpha"]), TokenStore.open(store_folders["alpha"], share)
    count = part.count("train", CONTEXT)
    assert count == round(share * whole.count("train", CONTEXT))
    documents = whole.documents().to_pylist()
    starts = np.array([row["start"] for row in documents if row["split"] == "train"])
    rows = rows_of_documents(starts, whole.count("train", CONTEXT), CONTEXT, share)
    numbers = np.arange(count)[::-1]
    assert (part.read("train", numbers, CONTEXT) == whole.read("train", rows[numbers], CONTEXT)).all()
    assert part.count("validation", CONTEXT) == whole.count("validation", CONTEXT)
