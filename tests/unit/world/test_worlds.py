"""Simulated worlds: their optimum is one, their noise is what it says, and the same seed gives the same world."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.world import KINDS, SEQUENCES, worlds
from emulsion.world.truth import Path

COUNT = 3
WORLDS = {kind: worlds(kind, COUNT, seed=5) for kind in KINDS}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def drawn(world, count, seed=0, concentration=1.0):
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.full(len(world.sources), concentration), count)
    return [Mixture(dict(zip(world.sources, row.tolist(), strict=True))) for row in rows]


def test_the_same_seed_gives_the_same_worlds_and_more_begin_with_fewer(kind):
    again = worlds(kind, COUNT + 2, seed=5)
    for one, other in zip(WORLDS[kind], again, strict=False):
        assert one.sizes == other.sizes
        assert one.losses(Mixture.uniform(list(one.sources))) == other.losses(Mixture.uniform(list(one.sources)))


def test_other_seeds_give_other_worlds(kind):
    floors = [worlds(kind, 1, seed=seed)[0].truth.floor[0] for seed in range(4)]
    assert len(set(floors)) == 4


def test_no_mixture_is_better_than_the_optimum(kind):
    for world in WORLDS[kind]:
        best = world.mean_loss(world.optimum)
        corners = [Mixture({source: 1.0}) for source in world.sources]
        tried = [*drawn(world, 60), *drawn(world, 60, seed=1, concentration=0.3), *corners]
        assert min(world.mean_loss(mixture) for mixture in tried) >= best - 1e-6


def test_no_schedule_is_better_than_the_best(kind):
    for world in WORLDS[kind]:
        assert world.least <= world.mean_loss(world.optimum) + 1e-12
        for seed in range(20):
            stages = [(0.25, drawn(world, 1, seed)[0]), (0.75, world.best[0][1]), (1.0, drawn(world, 1, seed + 99)[0])]
            assert world.regret(stages) >= -1e-4


def test_mixtures_near_the_optimum_lose_little(kind):
    for world in WORLDS[kind]:
        near = {source: 0.98 * share + 0.02 / len(world.sources) for source, share in world.optimum.items()}
        assert world.mean_loss(near) - world.mean_loss(world.optimum) < 0.05


def test_only_drifting_and_recency_worlds_have_a_best_schedule_of_stages():
    staged = {kind for kind, each in WORLDS.items() if any(len(world.best) > 1 for world in each)}
    assert staged == {"drifting", "recency"}


def test_a_schedule_may_be_a_mixture_stages_or_a_schedule(kind):
    world = WORLDS[kind][0]
    first, second = drawn(world, 2)
    stages = [(0.5, first), (1.0, second)]
    schedule = Schedule.staged(stages, SEQUENCES)
    assert world.losses(stages) == pytest.approx(world.losses(schedule))
    assert world.losses(first) == pytest.approx(world.losses(Schedule.constant(first)))
    assert world.losses([(0.3, first), (1.0, first)]) == pytest.approx(world.losses(first))


def test_more_tokens_lower_the_loss_of_an_even_mixture(kind):
    for world in WORLDS[kind]:
        even = Mixture.uniform(list(world.sources))
        falls = [world.mean_loss(even, share * world.tokens) for share in (0.01, 0.1, 1.0)]
        assert falls[0] > falls[1] > falls[2]


@given(st.integers(0, 10**6), st.sampled_from(sorted(KINDS)))
def test_losses_are_those_of_a_run_cut_anywhere(seed, kind):
    world = WORLDS[kind][seed % COUNT]
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.ones(len(world.sources)), 3)
    cuts = np.sort(random.uniform(0.05, 1.0, 2))
    run = world.train(0)
    for row, length in zip(rows, np.diff([0.0, *cuts, 1.0]), strict=True):
        run.train(row, float(length) / 2)
        run.train(row, float(length) / 2)
    whole = world.truth.losses(Path(rows[None], np.diff([0.0, *cuts, 1.0])))[0]
    assert run.true_losses() == pytest.approx(whole)
    assert run.done == pytest.approx(1.0)


def test_the_noise_of_runs_is_that_of_the_world():
    world = WORLDS["log_linear"][0]
    even = np.full(len(world.sources), 1 / len(world.sources))
    seen = []
    for seed in range(400):
        run = world.train(seed)
        run.train(even, 1.0)
        seen.append(run.losses() - run.true_losses())
    expected = np.hypot(world.noise.seed, world.noise.within)
    assert np.std(seen, axis=0) == pytest.approx(np.full(len(even), expected), rel=0.15)
    assert np.mean(seen, axis=0) == pytest.approx(0.0, abs=4 * expected / 20)
    assert np.corrcoef(np.array(seen).T)[0, 1] > 0.2  # a seed moves all sources


def test_a_seed_repeats_a_run_and_another_one_does_not():
    world = WORLDS["harmful"][0]
    even = np.full(len(world.sources), 1 / len(world.sources))

    def seen(seed):
        run = world.train(seed, 0.2)
        run.train(even, 0.2)
        return run.losses().tolist()

    assert seen(1) == seen(1) != seen(2)


def test_short_matched_runs_repeat_sources_as_a_target_run_does():
    world = WORLDS["repetition"][0]
    smallest = min(world.sources, key=lambda source: world.sizes[source])
    row = world.weights({source: 0.7 if source == smallest else 0.3 for source in world.sources})
    ends = []
    for matched in (False, True):
        run = world.train(0, 0.05, matched=matched)
        run.train(row, 0.05)
        ends.append(run.true_losses()[world.sources.index(smallest)])
    assert ends[1] > ends[0]


def test_gradients_agree_with_what_a_source_teaches():
    world = WORLDS["harmful"][1]
    run = world.train(0)
    run.train(np.full(len(world.sources), 1 / len(world.sources)), 0.3)
    mean = np.mean([run.gradients() for _ in range(300)], axis=0)
    harm = int(world.truth.effects.min(axis=0).argmin())
    others = [j for j in range(len(world.sources)) if j != harm]
    assert (mean[others, harm] < 0.1).all() and (np.diag(mean)[others] > 0).all()


def test_a_source_that_was_not_drawn_has_no_training_loss():
    world = WORLDS["linear"][0]
    run = world.train(0)
    run.train(np.full(len(world.sources), 1 / len(world.sources)), 0.1)
    drawn_of = np.array([0.0, *[50.0] * (len(world.sources) - 1)])
    assert np.isnan(run.training_losses(drawn_of)).tolist() == (drawn_of == 0).tolist()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worlds("log_liner", 1), "unknown kind of world 'log_liner'. Did you mean 'log_linear'"),
        (lambda: worlds("linear", 0), "at least 1 is needed"),
        (lambda: WORLDS["linear"][0].losses({"s0": 1.0}, 0), "a run has more than 0"),
        (lambda: WORLDS["linear"][0].train(0, -1.0), "lengths are in target runs, above 0"),
        (lambda: WORLDS["linear"][0].losses({"other": 1.0}), "names sources .'other'."),
    ],
)
def test_what_cannot_be_is_refused_in_words(call, words):
    with pytest.raises(UserError, match=words):
        call()
