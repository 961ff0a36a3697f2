import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.batches import read_batch, spread_rows, train_sizes
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan

CONTEXT = 16


def test_a_batch_holds_what_the_plan_says(stores):
    sizes = train_sizes(stores, CONTEXT)
    plan = SequencePlan(sizes, Mixture(dict.fromkeys(sizes, 1.0)))
    batch = read_batch(plan, stores, CONTEXT, 100, 130)
    names, rows = list(sizes), plan.rows(100, 130)
    assert batch.shape == (30, CONTEXT + 1)
    for tokens, source, row in zip(batch, plan.sources(100, 130), rows, strict=True):
        assert np.array_equal(tokens, stores[names[source]].read("train", np.array([row]), CONTEXT)[0])


def test_batches_of_different_sizes_read_the_same_stream(stores):
    sizes = train_sizes(stores, CONTEXT)
    plan = SequencePlan(sizes, Mixture({"alpha": 1, "gamma": 2}).over(list(sizes)))
    whole = read_batch(plan, stores, CONTEXT, 0, 60)
    pieces = [read_batch(plan, stores, CONTEXT, start, start + 4) for start in range(0, 60, 4)]
    assert np.array_equal(np.concatenate(pieces), whole)


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_spread_rows_are_distinct_in_range_and_as_many_as_there_can_be(available, wanted):
    rows = spread_rows(available, wanted)
    assert len(set(rows.tolist())) == min(available, wanted)
    assert all(0 <= row < available for row in rows)
