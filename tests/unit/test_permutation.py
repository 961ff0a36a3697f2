import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emulsion.permutation import permute


@given(st.integers(1, 5000), st.integers(0, 2**63))
def test_permute_is_a_permutation(size, key):
    assert np.array_equal(np.sort(permute(np.arange(size), size, key)), np.arange(size))


def test_permute_spreads_places_evenly():
    images = permute(np.tile(np.arange(5), 4000), 100, np.repeat(np.arange(4000, dtype=np.uint64), 5))
    counts = np.bincount(images, minlength=100)
    # 20,000 draws over 100 places: 200 each, standard deviation 14.
    assert counts.min() > 130 and counts.max() < 270


def test_sizes_and_keys_of_each_index_give_what_they_give_alone():
    sizes, keys = np.array([7, 100, 3, 5000]), np.array([1, 2, 3, 4], dtype=np.uint64)
    alone = [permute(np.array([2]), int(size), key)[0] for size, key in zip(sizes, keys, strict=True)]
    assert permute(np.full(4, 2), sizes, keys).tolist() == alone
