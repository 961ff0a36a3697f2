import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.assignment import assign, count
from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.plan import CHUNK, SequencePlan
from emulsion.schedule import Schedule
from plan_shapes import digest, shapes


@st.composite
def cases(draw):
    """(sizes, schedule, sequences): one to sixty sources, constant or staged weights, some zero, some tiny."""
    number = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    names = [f"s{index}" for index in range(number)]
    sequences = draw(st.integers(1, 3000))

    def mixture():
        values = rng.dirichlet(np.full(number, draw(st.sampled_from([0.05, 0.3, 1.0, 10.0])))) + 1e-300
        values[rng.random(number) < draw(st.sampled_from([0.0, 0.5]))] = 0.0
        return Mixture(dict(zip(names, values if values.any() else np.ones(number), strict=True)))

    schedule = Schedule.constant(mixture())
    for start in sorted(set(rng.integers(1, sequences + 1, size=draw(st.integers(0, 4))).tolist())):
        schedule = schedule.then(start, mixture())
    return dict(zip(names, rng.integers(1, 400, number).tolist(), strict=True)), schedule, sequences


def counts_at_every_prefix(plan, sequences):
    return np.cumsum(np.eye(len(plan.sizes), dtype=int)[plan.sources(0, sequences)], axis=0)


@settings(deadline=None, max_examples=60)
@given(cases())
def test_every_source_is_within_one_sequence_of_its_share_at_every_prefix(case):
    sizes, schedule, sequences = case
    plan = SequencePlan(sizes, schedule)
    deviation = counts_at_every_prefix(plan, sequences) - plan.targets(np.arange(1, sequences + 1))
    assert np.abs(deviation).max() < 1


@settings(deadline=None, max_examples=40)
@given(cases())
def test_no_sequence_repeats_before_all_of_its_source_were_used(case):
    sizes, schedule, sequences = case
    plan = SequencePlan(sizes, schedule, seed=3)
    sources, rows = plan.sources(0, sequences), plan.rows(0, sequences)
    for index, size in enumerate(sizes.values()):
        drawn = rows[sources == index]
        for start in range(0, len(drawn), size):
            epoch = drawn[start : start + size]
            assert len(set(epoch.tolist())) == len(epoch)
            assert epoch.min() >= 0 and epoch.max() < size


@settings(deadline=None, max_examples=30)
@given(cases(), st.data())
def test_any_stretch_can_be_asked_for_directly_and_in_any_order(case, data):
    sizes, schedule, sequences = case
    whole = SequencePlan(sizes, schedule, seed=1)
    start = data.draw(st.integers(0, sequences))
    stop = data.draw(st.integers(start, sequences))
    direct = SequencePlan(sizes, schedule, seed=1)
    assert np.array_equal(direct.rows(start, stop), whole.rows(0, sequences)[start:stop])
    assert np.array_equal(direct.sources(start, stop), whole.sources(0, sequences)[start:stop])
    assert np.array_equal(direct.counts(start), whole.counts(start))


def test_the_plan_is_the_same_read_in_batches_of_any_size_by_any_number_of_ranks():
    plan = SequencePlan({"a": 50, "b": 70}, Mixture({"a": 1, "b": 2}), seed=5)
    reference = plan.rows(0, 3 * CHUNK)
    for batch, ranks in [(8, 1), (12, 3), (64, 4)]:
        other = SequencePlan({"a": 50, "b": 70}, Mixture({"a": 1, "b": 2}), seed=5)
        share = batch // ranks
        pieces = [
            other.rows(start + rank * share, start + (rank + 1) * share)
            for start in range(0, 3 * CHUNK - batch, batch)
            for rank in range(ranks)
        ]
        joined = np.concatenate(pieces)
        assert np.array_equal(joined, reference[: len(joined)])


def test_shares_of_configured_ratios_are_exact_to_one_sequence_over_a_long_run():
    ratios = {"openhermes": 0.4, "cosmopedia": 0.2, "magpie": 0.3, "fineweb": 0.1}
    plan = SequencePlan(dict.fromkeys(ratios, 1000), Mixture(ratios))
    assert plan.counts(100_000).tolist() == [40_000, 20_000, 30_000, 10_000]


def test_the_rows_of_a_source_do_not_depend_on_the_other_sources_or_their_order():
    alone = SequencePlan({"a": 100}, Mixture({"a": 1}), seed=2)
    mixed = SequencePlan({"z": 30, "a": 100}, Mixture({"a": 1, "z": 1}), seed=2)
    from_mixed = mixed.rows(0, 400)[mixed.sources(0, 400) == 1]
    assert np.array_equal(from_mixed, alone.rows(0, 200))


@settings(deadline=None, max_examples=30)
@given(cases(), st.randoms())
def test_the_order_in_which_sources_are_given_changes_nothing_by_name(case, random):
    sizes, schedule, sequences = case
    names = list(sizes)
    random.shuffle(names)
    plans = [SequencePlan(given, schedule, seed=2) for given in (sizes, {name: sizes[name] for name in names})]
    drawn = [np.array(list(plan.sizes))[plan.sources(0, sequences)] for plan in plans]
    assert np.array_equal(*drawn)
    assert np.array_equal(*[plan.rows(0, sequences) for plan in plans])


def test_each_epoch_and_each_seed_has_an_order_of_its_own():
    plan = SequencePlan({"a": 200}, Mixture({"a": 1}), seed=0)
    first, second = plan.rows(0, 200), plan.rows(200, 400)
    assert sorted(first) == sorted(second) == list(range(200))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, SequencePlan({"a": 200}, Mixture({"a": 1}), seed=1).rows(0, 200))


def test_a_change_of_mixture_keeps_the_past_and_steers_the_future():
    plan = SequencePlan({"a": 100, "b": 100}, Mixture({"a": 1, "b": 1}), seed=4)
    before_sources, before_rows = plan.sources(0, 1000).copy(), plan.rows(0, 1000).copy()
    plan.change(300, Mixture({"a": 9, "b": 1}))
    assert np.array_equal(plan.sources(0, 300), before_sources[:300])
    assert np.array_equal(plan.rows(0, 300), before_rows[:300])
    assert plan.counts(1300).tolist() == [150 + 900, 150 + 100]


@pytest.mark.parametrize("start", [1, 256, 300, 5000])
def test_what_was_read_before_a_change_decides_nothing_after_it(start):
    read, unread = (SequencePlan({"a": 100, "b": 100}, Mixture({"a": 1, "b": 1}), seed=4) for _ in range(2))
    read.counts(8000)
    read.rows(0, 9000)
    for plan in (read, unread):
        plan.change(start, Mixture({"a": 1, "b": 9}))
    # Chunks of a plan begin at powers of two.
    for position in (512, 1024, 2048, 4096, 8000):
        assert np.array_equal(read.counts(position), unread.counts(position))
    assert np.array_equal(read.sources(4096, 9000), unread.sources(4096, 9000))
    assert np.array_equal(read.rows(0, 9000), unread.rows(0, 9000))


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 8), st.lists(st.integers(1, 700), min_size=1, max_size=8), st.integers(0, 10**6))
def test_rounds_of_changing_weights_stay_near_the_shares_owed(number, lengths, seed):
    rng = np.random.default_rng(seed)
    names = [f"s{index}" for index in range(number)]
    draw = lambda: Mixture(dict(zip(names, rng.dirichlet(np.ones(number)), strict=True)))  # noqa: E731
    plan = SequencePlan(dict.fromkeys(names, 50), draw())
    position = 0
    for length in lengths:
        position += length
        plan.change(position, draw())
    deviation = counts_at_every_prefix(plan, position + 500) - plan.targets(np.arange(1, position + 501))
    assert np.abs(deviation).max() < 2
    assert np.abs(deviation[-1]).max() < 1


def test_a_mixture_cannot_change_in_the_past():
    plan = SequencePlan({"a": 10, "b": 10}, Mixture({"a": 1, "b": 1}))
    plan.change(100, Mixture({"a": 1, "b": 3}))
    with pytest.raises(UserError, match="at 50"):
        plan.change(50, Mixture({"a": 1, "b": 1}))


def test_a_source_without_sequences_cannot_be_drawn():
    with pytest.raises(UserError, match="'b'"):
        SequencePlan({"a": 10, "b": 0}, Mixture({"a": 1, "b": 1}))
    with pytest.raises(UserError, match="'c'"):
        SequencePlan({"a": 10}, Mixture({"a": 1, "c": 1}))


def test_a_source_without_sequences_may_stand_by_with_weight_zero():
    plan = SequencePlan({"a": 10, "b": 0}, Mixture({"a": 1, "b": 0}))
    assert plan.counts(25).tolist() == [25, 0]


def test_bytes_of_plans_of_many_shapes_are_those_recorded():
    recorded = json.loads((Path(__file__).parent / "plan_digests.json").read_text(encoding="utf-8"))
    assert {name: digest(plan) for name, plan in shapes()} == recorded


def test_a_far_position_needs_neither_memory_nor_what_comes_before():
    names = [f"s{number}" for number in range(200)]
    plan = SequencePlan(dict.fromkeys(names, 1000), Mixture({name: 1 + i for i, name in enumerate(names)}))
    tracemalloc.start()
    for position in (10**9, 3, 10**11):
        sources = plan.sources(position, position + 500)
        counts = plan.counts(position) + np.cumsum(np.eye(200, dtype=int)[sources], axis=0)
        assert np.abs(counts - plan.targets(np.arange(position + 1, position + 501))).max() < 1
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


def test_memory_does_not_grow_while_a_plan_is_read():
    plan = SequencePlan({"a": 50, "b": 70}, Mixture({"a": 1, "b": 2}))
    plan.rows(0, CHUNK)
    tracemalloc.start()
    for start in range(0, 20 * CHUNK, CHUNK // 2):
        plan.rows(start, start + CHUNK // 2)
    assert tracemalloc.get_traced_memory()[0] < 16 * 8 * CHUNK
    tracemalloc.stop()


def test_a_checkpoint_says_what_was_drawn_so_that_changes_are_not_assigned_again(monkeypatch):
    sizes, first, then = {"b": 50, "a": 70}, Mixture({"a": 1, "b": 2}), Mixture({"a": 3, "b": 1})
    plan = SequencePlan(sizes, first)
    plan.change(10_000, then)
    expected, drawn, at_step = plan.rows(20_000, 20_100), plan.counts(10_000), plan.counts(20_000)
    restored = SequencePlan(sizes, first)
    restored.change(10_000, then, drawn)
    restored.go_to(20_000, at_step)
    assigned = []
    monkeypatch.setattr("emulsion.plan.assign", lambda *given: assigned.append(given[2:]) or assign(*given))
    monkeypatch.setattr("emulsion.plan.count", lambda *given: assigned.append(given[2:]) or count(*given))
    assert np.array_equal(restored.rows(20_000, 20_100), expected)
    assert assigned and all(start >= 20_000 for start, _ in assigned)


def test_a_sequence_before_the_first_is_refused():
    with pytest.raises(UserError, match="no sequence -5"):
        SequencePlan({"a": 4}, Mixture({"a": 1})).sources(-5, 2)
