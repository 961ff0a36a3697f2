"""The method `emulsion_online`: it begins where short runs say, and learns from the run that it decides."""

from dataclasses import replace

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.methods import create
from emulsion.methods.emulsion_online import _contrasts, _recent
from emulsion.methods.interface import Observation
from emulsion.mixture import Mixture
from emulsion.world import worlds
from short_runs import evidence

STEPS = 1000


def decided(world, seed=0, losses=None, given=None, **settings):
    """The mixtures of a run in a world, round by round; losses: what it sees, of what is true, or the truth."""
    method = create("emulsion_online", world.sources, **settings)
    method.prepare(given or evidence(world))
    run, mixture, mixtures, done = world.train(10**6 + seed), method.start(), [], 0
    for number in range(method.rounds):
        mixtures.append(mixture)
        step = round(STEPS * (number + 1) / method.rounds)
        run.train(world.weights(mixture), (step - done) / STEPS)
        if step == STEPS:
            break
        seen = dict(zip(world.sources, run.losses().tolist(), strict=True))
        counts = {name: round(1000 * share) for name, share in mixture.items()}
        mixture = method.update(
            Observation(
                step=step,
                steps=STEPS,
                tokens=step,
                losses=losses(seen) if losses else seen,
                counts=counts,
            )
        )
        done = step
    return mixtures, float(run.true_losses().mean()) - world.least


def test_a_run_whose_short_runs_lied_ends_better_than_by_what_they_said():
    gained = []
    for world in worlds("rank_flip", 8, seed=3):
        given = evidence(world)
        before = create("emulsion", world.sources)
        stated = world.regret(before.propose(given))
        gained.append(stated - decided(world, given=given)[1])
    assert np.mean(gained) > 0.005 and np.mean(np.array(gained) > -0.01) >= 0.75


def test_shares_go_up_and_down_a_fifth_of_the_run_each_and_rest_at_the_end():
    world = worlds("log_linear", 1, seed=4)[0]
    mixtures, _ = decided(world, guard=1e9)
    rows = np.array([[mixture[name] for name in sorted(world.sources)] for mixture in mixtures])
    # So much is taken off every gain that the plan is the even mixture; what is left is the dithering.
    logs = np.log(rows) - np.log(rows).mean(axis=1, keepdims=True)
    for number in range(4):
        assert logs[number] == pytest.approx(logs[0]) and logs[number + 4] == pytest.approx(-logs[0])
    assert np.abs(logs[0]).max() > 0.3
    assert np.abs(logs[12]).max() == pytest.approx(np.abs(logs[8]).max() / 2, rel=0.5)
    assert logs[15:] == pytest.approx(0, abs=1e-12)


def test_without_dithering_and_with_nothing_new_it_stays_where_it_began():
    world = worlds("log_linear", 1, seed=4)[0]
    given = evidence(world)
    method = create("emulsion_online", world.sources, dither=0.0)
    method.prepare(given)
    before = create("emulsion", world.sources, guard=1.0)
    [(_, mixture)] = before.propose(given)
    assert dict(method.start()) == pytest.approx(dict(mixture), abs=1e-5)


def test_a_source_is_read_no_more_often_than_it_may_be_when_its_share_would_rise():
    world = worlds("log_linear", 1, seed=4)[0]
    small = world.sources[0]
    given = evidence(world)
    sizes = {name: size if name != small else 0.02 * world.tokens for name, size in given.sizes.items()}
    mixtures, _ = decided(
        world, given=replace(given, sizes=sizes, max_epochs=2.0), weights={small: 1.0}, guard=0.0, dither=0.0
    )
    assert np.mean([mixture[small] for mixture in mixtures]) <= 2 * 0.02 + 0.01


def test_weights_say_whose_loss_counts():
    world = worlds("log_linear", 1, seed=7)[0]
    shares = [
        np.mean([mixture[name] for mixture in decided(world, weights={name: 1.0})[0]])
        - np.mean([mixture[name] for mixture in decided(world)[0]])
        for name in world.sources[:2]
    ]
    assert min(shares) >= -0.02 and max(shares) > 0.05


@pytest.mark.parametrize("m", range(2, 18))
def test_contrasts_tell_all_sources_apart(m):
    rows = _contrasts(m)
    assert set(np.unique(rows)) == {-1.0, 1.0}
    assert np.linalg.matrix_rank(rows - rows.mean(axis=1, keepdims=True)) == m - 1


def test_what_was_read_lately_is_held_against_the_run_so_far():
    # 10 rounds of .05 on the first source alone, then one on the second.
    read = np.cumsum([[0.05, 0.0]] * 10 + [[0.0, 0.05]], axis=0)
    above = _recent(read)
    assert above[:10] == pytest.approx(0, abs=1e-12)
    assert above[10, 1] == pytest.approx(1 - np.exp(-2.5) - 1 / 11) and above[10].sum() == pytest.approx(0, abs=1e-12)


def test_it_cannot_begin_without_short_runs_and_takes_no_prior():
    names = ["a", "b"]
    seen = Observation(step=1, steps=10, tokens=1, losses={"a": 1.0, "b": 1.0}, counts={"a": 1, "b": 1})
    with pytest.raises(UserError, match="emulsion_online: has no short runs to begin from"):
        create("emulsion_online", names).update(seen)
    with pytest.raises(UserError, match=r"emulsion_online.prior: is not used"):
        create("emulsion_online", names, prior=Mixture({"a": 1, "b": 2}))
    with pytest.raises(UserError, match=r"guard: should be a number, 0 or more"):
        create("emulsion_online", names, guard=-1)
    with pytest.raises(UserError, match=r"recency: should be a number from 0 to 10"):
        create("emulsion_online", names, recency=1e7)
    with pytest.raises(UserError, match=r"unknown source 'c'"):
        create("emulsion_online", names, weights={"c": 1})
