import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion import assignment
from emulsion.assignment import Shares, assign, counts_at
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from plan_shapes import names, weights

KINDS = ("equal", "mixed", "zipf", "steep", "gaps", "tiny")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_counts_far_into_a_run_are_those_of_assigning_it_from_the_start(data):
    number = data.draw(st.sampled_from([1, 2, 3, 7, 40]))
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    schedule = Schedule.constant(weights(kinds[0], number))
    for turn, kind in enumerate(kinds[1:], start=1):
        schedule = schedule.then(4000 * turn, weights(kind, number, turn))
    shares = Shares.of(schedule, sorted(names(number)))
    position = data.draw(st.integers(3000, 12_000))
    drawn = np.bincount(assign(shares, np.zeros(number, dtype=np.int64), 0, position), minlength=number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "CHUNK", 64)  # so that it goes back a few hundred sequences, not thousands
        assert np.array_equal(counts_at(shares, position), drawn)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 8), st.integers(1, 60), st.sampled_from([1, 2, 7]), st.integers(0, 10**6))
def test_assigning_in_pieces_after_a_change_that_nobody_foresaw_is_assigning_at_once(number, start, piece, seed):
    def drawn_by(shares, counts, start, stop):
        sources = assign(shares, counts, start, stop)
        return sources, counts + np.bincount(sources, minlength=number)

    rng, sources = np.random.default_rng(seed), names(number)
    draw = lambda: Mixture(dict(zip(sources, rng.dirichlet(np.full(number, 0.3)) + 1e-6, strict=True)))  # noqa: E731
    shares = Shares.of(Schedule.constant(draw()), sources)
    _, counts = drawn_by(shares, np.zeros(number, dtype=np.int64), 0, start)
    shares = shares.then(start, draw(), sources)
    whole, _ = drawn_by(shares, counts, start, start + 70)
    pieces = []
    for first in range(start, start + 70, piece):
        part, counts = drawn_by(shares, counts, first, first + piece)
        pieces.append(part)
    assert np.concatenate(pieces).tolist() == whole.tolist()


def test_a_source_is_drawn_where_rounding_delays_all_releases():
    # Due after 30,000,005 sequences are 9,000,001.5 and 21,000,003.5, less what rounding takes.
    mixture, start = Mixture({"a": 0.3, "b": 0.7}), 30_000_004
    shares = Shares.of(Schedule.constant(mixture).then(start, mixture), ["a", "b"])
    counts = np.array([9_000_001, 21_000_003])
    for position, source in enumerate(assign(shares, counts, start, start + 50), start=start + 1):
        counts[source] += 1
        assert np.abs(counts - shares.due(position)).max() < 1


@pytest.mark.parametrize("share", [1e-320, 1e-300, 5e-324])
@pytest.mark.filterwarnings("error")
def test_a_share_that_comes_to_nothing_draws_nothing_without_a_warning(share):
    shares = Shares.of(Schedule.constant(Mixture({"a": share, "b": 1.0})), ["a", "b"])
    assert assign(shares, np.zeros(2, dtype=np.int64), 0, 100).tolist() == [1] * 100


def test_positions_of_most_mixtures_are_reached_without_going_back_to_the_start(monkeypatch):
    reached = []
    monkeypatch.setattr(assignment, "count", lambda shares, counts, start, stop: reached.append(start) or counts)
    for kind in ("equal", "mixed", "zipf", "gaps"):
        counts_at(Shares.of(Schedule.constant(weights(kind, 300)), names(300)), 10**9)
    assert min(reached) > 10**9 - 10**6
