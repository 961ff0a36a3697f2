"""The seeded choice of rows, and the patience of the transfer, by numbers alone."""

import httpx2
import numpy as np
import pytest
from huggingface_hub.errors import HfHubHTTPError
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.sources import network
from emulsion.data.sources.hub_draws import BYTES_PER_TOKEN, Limit, choose, order
from emulsion.errors import UserError

SEEDS = st.integers(0, 2**64 - 1)


@given(SEEDS, st.integers(0, 300))
def test_an_order_is_a_permutation_that_only_the_seed_decides(seed, count):
    assert sorted(order(seed, count)) == list(range(count))
    assert (order(seed, count) == order(seed, count)).all()


def test_an_order_is_splitmix64_of_its_authors():
    # The first outputs of SplitMix64 for the state 1234567, from the reference implementation.
    outputs = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert list(order(1234567, 5)) == sorted(range(5), key=outputs.__getitem__)


def test_every_row_is_as_likely_as_another():
    counts = np.zeros(50)
    for seed in range(4000):
        counts[order(seed * 7919, 50)[:5]] += 1
    # 4,000 draws of 5 out of 50: each row 400 times, give or take five standard deviations of 19.
    assert abs(counts - 400).max() < 95


@given(SEEDS, st.lists(st.integers(0, 1000), max_size=100), st.integers(1, 20_000))
def test_a_choice_reaches_what_is_wanted_with_its_last_row_or_takes_all(seed, sizes, wanted):
    sizes = np.array(sizes, dtype=np.int64)
    rows = choose(sizes, wanted, seed)
    assert list(rows) == sorted(set(rows))
    if sizes.sum() <= wanted:
        assert len(rows) == len(sizes)
    else:
        drawn = [row for row in order(seed, len(sizes)) if row in set(rows)]
        assert sizes[rows].sum() >= wanted
        assert sizes[drawn[:-1]].sum() < wanted


@given(SEEDS, st.integers(1, 200), st.integers(1, 200))
def test_a_choice_of_documents_is_exact_and_a_larger_one_holds_it(seed, count, wanted):
    ones = np.ones(count, dtype=np.int64)
    assert len(choose(ones, wanted, seed)) == min(wanted, count)
    assert set(choose(ones, wanted, seed)) <= set(choose(ones, wanted + 5, seed))


def test_a_limit_in_tokens_is_in_bytes_of_text():
    assert Limit.of("s", {"tokens": 10}) == Limit("bytes of text", 10 * BYTES_PER_TOKEN)
    assert Limit.of("s", {"documents": 10, "tokens": None}) == Limit("documents", 10)
    with pytest.raises(UserError, match=r"sources\.s: give either `documents` or `tokens`"):
        Limit.of("s", {})


def refused(status, **headers):
    response = httpx2.Response(status, headers=headers, request=httpx2.Request("GET", "https://hub.test/"))
    return HfHubHTTPError("refused", response=response)


def test_pauses_double_and_are_those_that_the_server_asks_for():
    assert [network.pause(httpx2.ReadError("cut"), attempt) for attempt in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert network.pause(refused(503), 3) == 4
    assert network.pause(refused(429, **{"Retry-After": "17"}), 1) == 17
    assert network.pause(refused(429, ratelimit='"api";r=0;t=55'), 1) == 56
    assert network.pause(refused(429, **{"Retry-After": "86400"}), 1) == network.LONGEST_PAUSE


@pytest.mark.parametrize("status", [400, 401, 403, 404, 416])
def test_what_cannot_pass_is_not_tried_again(status):
    assert network.pause(refused(status), 1) is None


def test_attempts_are_counted_afresh_when_something_came(monkeypatch):
    waited, came = [], []
    monkeypatch.setattr(network.time, "sleep", waited.append)

    def cut():
        came.append(1)
        if len(came) < 20:
            raise httpx2.ReadError("cut")
        return "all"

    assert network.patiently(cut, "a file", progress=lambda: len(came)) == "all"
    assert waited == [1.0] * 19


def test_without_progress_it_is_given_up(monkeypatch):
    waited = []
    monkeypatch.setattr(network.time, "sleep", waited.append)

    def cut():
        raise httpx2.ReadError("cut")

    with pytest.raises(httpx2.ReadError):
        network.patiently(cut, "a file")
    assert waited == [1, 2, 4, 8, 16, 32, 64]
