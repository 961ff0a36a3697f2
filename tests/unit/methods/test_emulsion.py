"""The method `emulsion`: what it proposes from short runs, the set it cannot tell apart, and what it says of both."""

from dataclasses import replace

import pytest

from emulsion.errors import UserError
from emulsion.laws import misfit
from emulsion.methods import create
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture
from emulsion.world import worlds
from short_runs import WORLD, evidence


@pytest.fixture(scope="module")
def proposed():
    method = create("emulsion", WORLD.sources)
    [(until, mixture)] = method.propose(evidence())
    assert until == 1.0
    return mixture, method.record


def test_short_runs_tell_a_mixture_that_is_better_than_the_even_one(proposed):
    mixture, _ = proposed
    even = WORLD.regret(Mixture.uniform(list(WORLD.sources)))
    assert WORLD.regret(mixture) < even / 2


def test_the_record_predicts_the_loss_and_says_how_surely(proposed):
    mixture, record = proposed
    low, high = record["interval"]
    assert record["ratios"] == pytest.approx(dict(mixture))
    assert low < record["prediction"] < high and low <= WORLD.mean_loss(mixture) <= high
    assert record["uniform"]["predicted"] - record["prediction"] == pytest.approx(record["gain"]["mean"])
    assert record["hull_distance"] >= 0 and 0 <= record["share_of_the_way"] <= 1
    assert record["law"]["evaluations"] == 5 * record["law"]["runs"]
    assert not any("ends alone" in warning for warning in record["warnings"])


def test_the_set_holds_the_mixture_the_true_optimum_and_its_own_vertices(proposed):
    mixture, record = proposed
    ranges = record["set"]["ranges"]
    for source, (least, most) in ranges.items():
        assert least - 1e-9 <= mixture[source] <= most + 1e-9
        assert least - 0.05 <= WORLD.optimum[source] <= most + 0.05
        assert record["set"]["vertices"][f"least {source}"][source] == pytest.approx(least)
        assert record["set"]["vertices"][f"most {source}"][source] == pytest.approx(most)


def test_the_mixture_nearest_to_the_sizes_lies_in_the_set_and_nearer_to_them(proposed):
    mixture, record = proposed
    method = create("emulsion", WORLD.sources, choose="nearest_to_sizes")
    [(_, nearest)] = method.propose(evidence())
    sizes = Mixture(WORLD.sizes)

    def apart(one):
        return sum(abs(one[source] - sizes[source]) for source in WORLD.sources) / 2

    assert dict(nearest) == pytest.approx(record["set"]["nearest_to_sizes"])
    assert apart(nearest) <= apart(mixture) + 1e-9


def test_longer_runs_make_a_smaller_set():
    widths = []
    for length in (0.5, 0.05):
        method = create("emulsion", WORLD.sources, guard=0)
        method.propose(evidence(length=length))
        widths.append(sum(most - least for least, most in method.record["set"]["ranges"].values()))
    assert widths[0] < widths[1]


def test_a_guard_shortens_the_way_from_the_even_mixture():
    shares = []
    for guard in (0.0, 1.0, 100.0):
        method = create("emulsion", WORLD.sources, guard=guard)
        method.propose(evidence(length=0.005))
        shares.append(method.record["share_of_the_way"])
    assert shares == sorted(shares, reverse=True) and shares[0] == 1.0 and shares[2] == 0.0


def unexplained(size):
    """Full runs that end up to `size` nats from where the law of their mixtures has them, all sources alike."""
    given = evidence(length=1.0)
    off = {run: size * (-1) ** number for number, run in enumerate(given.mixtures)}
    ends = {run: {name: loss + off[run] for name, loss in given.losses[run].items()} for run in given.mixtures}
    return replace(given, losses=ends)


def test_runs_that_the_law_does_not_explain_keep_the_mixture_even(monkeypatch):
    method = create("emulsion", WORLD.sources)
    [(_, mixture)] = method.propose(unexplained(0.15))
    record = method.record
    assert dict(mixture) == pytest.approx(dict.fromkeys(WORLD.sources, 1 / len(WORLD.sources)))
    assert record["share_of_the_way"] == 0 and record["misfit"]["left_out_error"] > 0.1
    # The posterior knows the noise of runs and not how wrong its curves are: alone it is sure of a gain.
    monkeypatch.setattr(misfit, "_SDS", (0.0,))
    method.propose(unexplained(0.15))
    assert method.record["share_of_the_way"] > 0


def test_runs_longer_than_the_target_run_show_as_much_of_what_the_law_misses():
    method, given = create("emulsion", WORLD.sources), unexplained(0.15)
    method.propose(replace(given, tokens=given.tokens / 3))
    assert method.record["share_of_the_way"] == 0 and method.record["misfit"]["carried"] == 1


def test_no_more_mixtures_than_sources_are_refused_for_the_law_would_fit_them_all():
    given, fewest = evidence(), len(WORLD.sources) + 1
    kept = dict(list(given.mixtures.items())[:fewest])
    create("emulsion", WORLD.sources).propose(replace(given, mixtures=kept))
    again = {**kept, next(iter(kept)): list(kept.values())[1]}
    for few in (again, dict(list(kept.items())[1:])):
        with pytest.raises(UserError, match=f"runs on {fewest - 1} different mixtures are not enough for {fewest - 1}"):
            create("emulsion", WORLD.sources).propose(replace(given, mixtures=few))


def test_runs_that_the_law_explains_move_the_mixture_by_a_calibrated_gain():
    world = worlds("repetition", 1, seed=4)[0]
    method = create("emulsion", world.sources)
    [(_, mixture)] = method.propose(evidence(world, length=1.0))
    gain = method.record["gain"]
    real = world.mean_loss(Mixture.uniform(list(world.sources))) - world.mean_loss(mixture)
    assert real > 0.02 and method.record["share_of_the_way"] == 1
    assert abs(gain["mean"] - real) < 3 * gain["sd"] and gain["sd"] >= gain["sd_of_parameters"] > 0
    assert method.record["misfit"]["left_out_error"] < real


def test_bounds_and_weights_are_kept():
    first = WORLD.sources[0]
    method = create("emulsion", WORLD.sources, bounds=[0.1, 0.7], weights={first: 1.0}, guard=0.0)
    [(_, mixture)] = method.propose(evidence())
    assert min(mixture.values()) >= 0.1 - 1e-9 and max(mixture.values()) <= 0.7 + 1e-9
    every = create("emulsion", WORLD.sources, bounds=[0.1, 0.7], guard=0.0)
    [(_, even)] = every.propose(evidence())
    assert mixture[first] >= even[first] - 1e-6


def test_runs_without_curves_are_enough_and_said():
    method = create("emulsion", WORLD.sources)
    method.propose(evidence(curves=False))
    assert any("evaluated at their ends alone" in warning for warning in method.record["warnings"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"choose": "nearest"}, "unknown choice 'nearest'. Did you mean 'nearest_to_sizes'"),
        ({"guard": -1}, "guard: should be a number, 0 or more"),
        ({"bounds": [0.6, 0.1]}, "must be .low, high."),
        ({"weights": {"s9": 1.0}}, "unknown source 's9'"),
        ({"gard": 1}, "unknown field 'gard'. Did you mean 'guard'"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, words):
    with pytest.raises(UserError, match=words):
        create("emulsion", WORLD.sources, **settings)


def test_one_evaluation_is_too_little():
    given = evidence(curves=False)
    one = next(iter(given.mixtures))
    alone = Evidence(
        sizes=given.sizes, tokens=given.tokens, mixtures={one: given.mixtures[one]}, losses={one: given.losses[one]}
    )
    with pytest.raises(UserError, match="1 evaluation is not enough"):
        create("emulsion", WORLD.sources).propose(alone)
