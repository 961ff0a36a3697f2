"""Which runs are left out together, and in what order runs stand."""

import numpy as np
import pytest

from emulsion.laws.table import parts, shuffled


def runs(count):
    """(mixtures, values) of so many runs."""
    random = np.random.default_rng(0)
    return random.dirichlet(np.ones(3), count), random.normal(2, 0.1, (count, 2))


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(3, None, [1] * 3), (60, None, [1] * 60), (61, None, [7] + [6] * 9), (9, 4, [3, 2, 2, 2]), (3, 4, [1] * 3)],
)
def test_every_run_is_left_out_once_alone_or_in_parts_of_one_size(count, most, sizes):
    masks = np.array(parts(*runs(count), most))
    assert masks.sum(axis=1).tolist() == sizes
    assert masks.sum(axis=0).tolist() == [1] * count


def test_the_order_of_runs_is_random_but_depends_on_no_order_of_rows_or_columns():
    mixtures, values = runs(20)
    order = shuffled(mixtures, values)
    assert sorted(order) == list(range(20)) and sorted(order) != list(order)
    rows = np.random.default_rng(1).permutation(20)
    turned = shuffled(mixtures[rows][:, [2, 0, 1]], values[rows][:, ::-1])
    assert rows[turned].tolist() == order.tolist()
    # Nor on the values, of which a part would have neighbours alone.
    ranks = values.max(axis=1)[order].argsort().argsort()
    assert abs(np.corrcoef(ranks, np.arange(20))[0, 1]) < 0.5
