"""What holds for every method. A new one is a row of METHODS or of PROPOSING, and perhaps truths of its own below."""

import json
import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws.interface import TOTAL
from emulsion.methods import registry
from emulsion.methods.ado import UNIT, fit_curve
from emulsion.methods.aioli import learn_effects
from emulsion.methods.interface import OBSERVES, Evidence, Needs, Observation, Probe
from emulsion.methods.skillit import skill_graph
from emulsion.methods.stretches import opening
from emulsion.mixture import Mixture

NAMES = ["web", "code", "books", "math"]
GRAPH = {i: {j: 0.5 if i == j else 0.05 * NAMES.index(j) for j in NAMES} for i in NAMES}
EVEN = {i: dict.fromkeys(NAMES, 0.25) for i in NAMES}


def observation(number, *, equal=False, names=NAMES, **changes):
    """Round `number` of a run, in which sources differ, or do not."""
    random = np.random.default_rng(number)
    key = sorted(names)
    values = dict(zip(key, random.uniform(1, 4, len(key)).tolist(), strict=True))
    losses = {name: 3 - 0.1 * number if equal else values[name] - 0.05 * number for name in names}
    gradients = {i: {j: 1.0 if equal else values[i] * values[j] - 4.0 for j in names} for i in names}
    seen = Observation(
        step=10 * number + 10,
        steps=200,
        tokens=50_000 * (number + 1),
        losses=losses,
        counts=dict.fromkeys(names, 8),
        gradients=gradients,
        excess_losses={name: 0.1 if equal else values[name] - 2 for name in names},
        probes=[
            Probe(
                mixture=Mixture.uniform(names),
                counts={name: 5 if name == own else 1 for name in names},
                before=losses,
                after={name: losses[name] - (0.01 if equal else 0.01 * values[name] * values[own]) for name in names},
            )
            for own in sorted(names)
        ],
    )
    return replace(seen, **changes)


def without(seen, source):
    """The same round with nothing drawn from one source, and nothing learnt from training on it."""
    absent = {name: value for name, value in seen.excess_losses.items() if name != source}
    return replace(
        seen,
        counts={**seen.counts, source: 0},
        excess_losses=absent,
        gradients={i: {j: x for j, x in row.items() if j != source} for i, row in seen.gradients.items()},
        probes=[replace(probe, counts={**probe.counts, source: 0}) for probe in seen.probes],
    )


@dataclass
class Row:
    kind: str
    settings: dict = field(default_factory=dict)
    even: dict = field(default_factory=dict)  # settings under which sources do not differ
    learns: bool = False  # an online method that begins from the runs of a swarm

    def create(self, sources=NAMES, even=False, **more):
        settings = {**self.settings, **(self.even if even else {}), **more}
        method = registry.create(self.kind, sources=sources, **settings)
        if self.learns:
            method.prepare(even_evidence() if even else evidence(sources))
        return method


METHODS = {
    "skillit": Row("skillit", {"graph": GRAPH}, {"graph": EVEN}),
    "doremi": Row("doremi"),
    "doge": Row("doge"),
    "aioli": Row("aioli"),
    "aioli static": Row("aioli", {"rounds": 1, "eta": 4.0}),
    "aioli diagonal": Row("aioli", {"diagonal": True}),
    "aioli restart": Row("aioli", {"decay": 0.5}),
    "aioli cumulative": Row("aioli", {"decay": 0.5, "average": "cumulative"}),
    "odm linear": Row("odm"),
    "odm exp": Row("odm", {"variant": "smoothed_exp"}),
    "odm exp3": Row("odm", {"variant": "exp3"}),
    "ado": Row("ado"),
    "emulsion online": Row("emulsion_online", even={"dither": 0.0}, learns=True),
}


# Those that decide before the run.
PROPOSING = {
    "given": Row("given", {"stages": [{"until": 0.5, "weights": {"web": 1}}, {"until": 1.0, "weights": {"code": 2}}]}),
    "without": Row("without", {"stages": [{"until": 1.0, "weights": {"web": 1, "code": 3}}], "source": "web"}),
    "only": Row("only", {"source": "books"}),
    "point": Row("point", {"points": {"kind": "spread", "count": 4, "bounds": [0.0, 1.0], "seed": 0}, "number": 2}),
    "stratified": Row("stratified"),
    "proportional": Row("proportional"),
    "temperature": Row("temperature", {"tau": 2}),
    "unimax": Row("unimax"),
    "optimum": Row("optimum", {"objective": "mean_loss", "bounds": [0.05, 0.7], "resamples": 20}),
    "optimum of capabilities": Row("optimum", {"resamples": 20}),
    "grid_search": Row("grid_search"),
    "dml": Row("dml"),
    "law_optimum": Row("law_optimum", {"law": "linear"}),
    "regmix": Row("regmix", {"draws": 2000, "best": 20, "resamples": 10}),
    "olmix": Row("olmix"),
    "mixmin": Row("mixmin"),
    "emulsion": Row("emulsion"),
    "emulsion nearest to sizes": Row("emulsion", {"choose": "nearest_to_sizes"}),
    "replay": Row("replay", {"method": "aioli"}),
    "replay of the mean": Row("replay", {"method": "aioli", "average": True}),
    "direct_search": Row("direct_search", {"objective": "mean_loss", "evaluations": 9}),
}


@pytest.fixture(params=METHODS)
def row(request):
    return METHODS[request.param]


@pytest.fixture(params=PROPOSING)
def proposing(request):
    return PROPOSING[request.param]


@pytest.fixture(params=[name for name, row in PROPOSING.items() if row.create().needs.runs])
def learning(request):
    return PROPOSING[request.param]


def evidence(names=NAMES):
    """Sizes, and the runs of a swarm in a world whose losses fall with each source's own share, web's fastest."""
    random, key = np.random.default_rng(5), sorted(NAMES)
    mixtures = [Mixture(dict(zip(key, row.tolist(), strict=True))) for row in random.dirichlet(np.ones(4), 16)]
    runs = {f"run {number}": mixture.over(list(names)) for number, mixture in enumerate(mixtures)}
    runs |= {f"alone {name}": Mixture({name: 1.0}).over(list(names)) for name in key}
    losses = {run: {name: world_loss(mixture, name) for name in names} for run, mixture in runs.items()}
    return Evidence(
        sizes={name: 1000.0 * (NAMES.index(name) + 1) for name in names},
        mixtures=runs,
        losses=losses,
        sequence_losses=of_sequences(losses),
        capabilities={run: {"facts": 3 - seen["web"], "code": 3 - seen["code"]} for run, seen in losses.items()},
        trajectory=[(0.25, Mixture.uniform(list(names))), (1.0, Mixture({"web": 1, "code": 3}).over(list(names)))],
        tokens=4000,
        max_epochs=3,
    )


def even_evidence():
    """Runs in which sources do not differ, and each loss falls by its own."""
    rows = [np.full(4, 0.25), *(0.6 * np.eye(4) + 0.1)]
    runs = {f"run {number}": Mixture(dict(zip(NAMES, row.tolist(), strict=True))) for number, row in enumerate(rows)}
    losses = {run: {name: 2 + math.exp(-3 * mixture[name]) for name in NAMES} for run, mixture in runs.items()}
    return replace(evidence(), sizes=dict.fromkeys(NAMES, 5000.0), mixtures=runs, losses=losses)


def of_sequences(losses):
    """Losses of single sequences with these means."""
    return {
        run: {name: [loss - 0.3, loss - 0.1, loss, loss + 0.4] for name, loss in seen.items()}
        for run, seen in losses.items()
        if run.startswith("alone")
    }


def world_loss(mixture, name):
    return 2 + math.exp(-(4.0 if name == "web" else 1.5) * mixture[name])


def proposal(method, given):
    """What it proposes; one that trains while it searches is given the world to train in."""
    if method.needs.trainer:
        return method.search(lambda tried: -sum(world_loss(tried, name) for name in NAMES), given)
    return method.propose(given)


def run(method, rounds, **changes):
    return [method.start(), *(method.update(observation(number, **changes)) for number in rounds)]


def test_the_tables_have_every_method():
    # `follow` decides nothing by what it sees; test_follow.py is about it.
    assert {row.kind for row in [*METHODS.values(), *PROPOSING.values()]} == set(registry.names()) - {"follow"}


def test_a_proposal_is_a_schedule_of_mixtures_in_the_order_of_the_sources(proposing):
    method = proposing.create()
    stages = proposal(method, evidence())
    assert stages[-1][0] == 1.0 and [until for until, _ in stages] == sorted(until for until, _ in stages)
    for _, mixture in stages:
        assert list(mixture) == NAMES
        assert math.fsum(mixture.values()) == pytest.approx(1) and min(mixture.values()) >= 0
    assert method.record is None or json.loads(json.dumps(method.record, allow_nan=False)) == method.record


def test_the_order_of_sources_changes_no_proposal(proposing):
    shuffled = NAMES[::-1]
    first = proposal(proposing.create(), evidence())
    second = proposal(proposing.create(shuffled), evidence(shuffled))
    for (_, one), (_, other) in zip(first, second, strict=True):
        assert dict(one) == pytest.approx(dict(other), abs=1e-9)


def test_a_method_that_learns_from_runs_gives_more_to_what_helps_more(learning):
    # Two sources alike but for this: the loss on code falls, that on books is what it is.
    given = evidence()
    losses = {run: {**seen, "books": 2.5, "web": 2.5, "math": 2.5} for run, seen in given.losses.items()}
    scores = {run: {"code": 3 - seen["code"]} for run, seen in losses.items()}
    given = replace(given, losses=losses, capabilities=scores, sequence_losses=of_sequences(losses))
    [(_, mixture)] = learning.create().propose(given)
    assert mixture["code"] == max(mixture.values())


def test_a_method_without_its_runs_says_so(learning):
    with pytest.raises(UserError, match=f"{learning.kind}: learns from the runs of a swarm, and there are none"):
        learning.create().propose(Evidence(sizes=evidence().sizes))


def test_an_unknown_setting_is_named_with_the_nearest(proposing):
    with pytest.raises(UserError, match=rf"{proposing.kind}: unknown (setting|field) 'objektive'"):
        proposing.create(objektive="mean_loss")


def test_one_source_is_all_of_the_mixture():
    alone = Evidence(sizes={"web": 1000.0}, tokens=100, max_epochs=4)
    for kind, settings in (("stratified", {}), ("proportional", {}), ("temperature", {"tau": 2}), ("unimax", {})):
        assert registry.create(kind, sources=["web"], **settings).propose(alone) == [(1.0, {"web": 1.0})]


def test_a_method_says_what_it_observes_and_needs_and_a_training_can_begin_with_it(row):
    method = row.create()
    assert method.observes in OBSERVES and isinstance(method.needs, Needs) and method.rounds >= 1
    assert all(set(mixture) == set(NAMES) for mixture in opening(method))
    assert method.effects is None


def test_every_mixture_is_on_the_simplex_in_the_order_of_the_sources(row):
    for mixture in run(row.create(), range(12)):
        assert list(mixture) == NAMES
        assert math.fsum(mixture.values()) == pytest.approx(1)
        assert all(math.isfinite(weight) and weight >= 0 for weight in mixture.values())


def test_effects_are_named_rows_evaluated_and_columns_trained(row):
    method = row.create()
    run(method, range(8))
    if method.effects is not None:
        assert set(method.effects) == set(NAMES) and all(
            set(effects) == set(NAMES) for effects in method.effects.values()
        )


def test_the_order_of_sources_changes_nothing(row):
    shuffled = NAMES[::-1]
    first, second = run(row.create(), range(9)), run(row.create(shuffled), range(9), names=shuffled)
    assert [dict(mixture) for mixture in first] == [dict(mixture) for mixture in second]
    assert list(second[0]) == shuffled


@pytest.mark.parametrize("rounds", [0, 1, 7])
def test_a_restored_method_goes_on_identically(row, rounds):
    method, again = row.create(), row.create()
    run(method, range(rounds))
    again.restore(json.loads(json.dumps(method.state(), allow_nan=False)))
    for number in range(rounds, rounds + 8):
        assert dict(method.update(observation(number))) == dict(again.update(observation(number)))
        assert method.effects == again.effects
    assert method.state() == again.state()


def test_a_state_of_other_sources_is_refused(row):
    state = row.create().state()
    with pytest.raises(UserError, match="the state is of method"):
        registry.create("odm", sources=["a", "b"]).restore(state)


def test_equal_sources_get_equal_weights(row):
    for mixture in run(row.create(even=True), range(10), equal=True):
        assert dict(mixture) == pytest.approx(dict.fromkeys(NAMES, 0.25), abs=1e-12)


def test_equal_sources_keep_a_prior(row):
    if row.kind in ("odm", "doremi"):
        pytest.skip("explores, or is smoothed, towards the uniform mixture")
    prior = {"web": 0.4, "code": 0.3, "books": 0.2, "math": 0.1}
    if row.learns:
        pytest.skip("begins where the runs of a swarm say")
    method = row.create(even=True, prior=prior)
    mixtures = run(method, range(4), equal=True)
    assert dict(mixtures[-1]) == pytest.approx(prior, abs=1e-12)


def test_sources_that_differ_get_weights_that_differ(row):
    mixtures = run(row.create(), range(12))
    assert np.ptp(list(mixtures[-1].values())) > 1e-3


def test_an_exhausted_source_stops_nothing(row):
    method = row.create()
    method.start()
    for number in range(8):
        mixture = method.update(without(observation(number), "books"))
        assert math.fsum(mixture.values()) == pytest.approx(1) and all(map(math.isfinite, mixture.values()))
    assert mixture["books"] > 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_refused_and_changes_nothing(row, value):
    method = row.create()
    run(method, range(3))
    state = json.dumps(method.state())
    seen = observation(3)
    with pytest.raises(UserError, match=rf"losses.code: {value} is not a finite number"):
        method.update(replace(seen, losses={**seen.losses, "code": value}))
    spoilt = [replace(seen.probes[0], after={**seen.losses, "code": value}), *seen.probes[1:]]
    broken = {
        "losses": {},
        "excess_losses": {"excess_losses": {**seen.excess_losses, "code": value}},
        "gradients": {"gradients": {**seen.gradients, "web": {"code": value}}},
        "probes": {"probes": spoilt},
    }[method.observes]
    if broken:
        with pytest.raises(UserError, match=f"code: {value} is not a finite number"):
            method.update(replace(seen, **broken))
    assert json.dumps(method.state()) == state


def test_what_is_not_observed_is_missed_in_words(row):
    method = row.create()
    if method.observes != "losses":
        with pytest.raises(UserError, match=f"observes {method.observes}, but was given none"):
            method.update(observation(0, **{method.observes: None}))


def test_a_source_unknown_to_the_method_is_named_with_the_nearest(row):
    seen = observation(0)
    with pytest.raises(UserError, match=r"unknown source 'bools'. Did you mean 'books'"):
        row.create().update(replace(seen, losses={**seen.losses, "bools": 1.0}))


@pytest.mark.parametrize(
    ("sources", "settings", "words"),
    [
        (["web"], {}, "nothing to mix"),
        (["web", "web"], {}, "listed twice"),
        (NAMES, {"prior": {"web": 1, "code": 1, "books": 1, "math": 0}}, "prior.math: the weight is 0"),
        (NAMES, {"prior": {"web": 1, "code": 1, "books": 1}}, "prior.math: the weight is 0"),
        (NAMES, {"prior": {"web": 1, "codes": 1}}, "Did you mean 'code'"),
        (NAMES, {"prior": {"web": -1, "code": 1}}, "prior.web: the weight -1 is negative"),
        (NAMES, {"round": 3}, "unknown field 'round'. Did you mean 'rounds'"),
        (NAMES, {"rounds": 0}, "rounds: should be a whole number, 1 or more, but is 0"),
    ],
)
def test_bad_settings_are_refused_with_the_key_the_value_and_what_is_allowed(row, sources, settings, words):
    with pytest.raises(UserError, match=words):
        registry.create(row.kind, sources=sources, **settings)


def test_unknown_methods_and_names_are_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown method 'aiolli'. Did you mean 'aioli'"):
        registry.create("aiolli", sources=NAMES)
    with pytest.raises(UserError, match=r"odm.variant: unknown variant 'exp4'. Did you mean 'exp3'"):
        registry.create("odm", sources=NAMES, variant="exp4")
    with pytest.raises(UserError, match="should be below high"):
        registry.create("doge", sources=NAMES, low=6.0)


# Replays


def test_a_replay_has_the_stages_of_the_run_or_their_mean_by_share():
    stages = evidence().trajectory
    assert registry.create("replay", sources=NAMES, method="aioli").propose(evidence()) == stages
    [(until, mean)] = registry.create("replay", sources=NAMES, method="aioli", average=True).propose(evidence())
    assert until == 1.0
    expected = {"web": 0.0625 + 0.1875, "code": 0.0625 + 0.5625, "books": 0.0625, "math": 0.0625}
    assert dict(mean) == pytest.approx(expected)


def test_a_replay_without_a_method_or_a_trajectory_is_refused():
    with pytest.raises(UserError, match=r"replay.method: should be the name of an online method, but is None"):
        registry.create("replay", sources=NAMES)
    with pytest.raises(UserError, match=r"replay.average: should be true or false, but is 3"):
        registry.create("replay", sources=NAMES, method="aioli", average=3)
    with pytest.raises(UserError, match="there is no trajectory of 'aioli'"):
        registry.create("replay", sources=NAMES, method="aioli").propose(Evidence())


# MixMin


def mixed_likelihood(given, weights, names=NAMES):
    """Mean over sources and sequences of -log of the probability under the mixed models, by the definition."""
    total = 0.0
    for evaluated in names:
        rows = np.array([given.sequence_losses[f"alone {trained}"][evaluated] for trained in names])
        total -= np.log(np.array([weights[name] for name in names]) @ np.exp(-rows)).mean() / len(names)
    return total


def sequences(seed, count=30):
    random = np.random.default_rng(seed)
    return {f"alone {name}": {other: random.gamma(4.0, 0.5, count).tolist() for other in NAMES} for name in NAMES}


@pytest.mark.parametrize("seed", range(4))
def test_mixmin_finds_what_exponentiated_gradient_descent_finds(seed):
    given = replace(evidence(), sequence_losses=sequences(seed), tokens=0)
    method = registry.create("mixmin", sources=NAMES)
    [(_, mixture)] = method.propose(given)
    probabilities = np.exp(
        -np.array([np.concatenate(list(given.sequence_losses[f"alone {name}"].values())) for name in NAMES])
    )
    weights = np.full(4, 0.25)
    for _ in range(3000):  # the authors' rate of 1
        slope = -(probabilities / (weights @ probabilities)).mean(axis=1)
        weights = weights * np.exp(-slope)
        weights /= weights.sum()
    # Each iterate is a mixture, so none is better; the last is close.
    found, descended = mixed_likelihood(given, mixture), mixed_likelihood(given, dict(zip(NAMES, weights, strict=True)))
    assert found <= descended + 1e-9
    assert found == pytest.approx(descended, abs=1e-4)
    assert np.mean(list(method.record["mixed_losses"].values())) == pytest.approx(found)
    assert method.record["gap"] < 1e-9


def test_mixmin_keeps_bounds_and_weighs_the_sources_of_its_objective():
    given = replace(evidence(), sequence_losses=sequences(7), tokens=0)
    [(_, bounded)] = registry.create("mixmin", sources=NAMES, bounds=[0.2, 0.4]).propose(given)
    assert min(bounded.values()) >= 0.2 and max(bounded.values()) <= 0.4
    own = {f"alone {name}": {other: [1.0 if other == name else 4.0] * 3 for other in NAMES} for name in NAMES}
    chosen = registry.create("mixmin", sources=NAMES, objective={"losses": {"code": 3, "math": 1}})
    [(_, mixture)] = chosen.propose(replace(given, sequence_losses=own))
    # Nearly separate models: each source gets the share of the text that only it explains.
    assert mixture["code"] == pytest.approx(0.75, abs=0.05) and mixture["math"] == pytest.approx(0.25, abs=0.05)
    assert mixture["web"] == pytest.approx(0, abs=1e-6)


def test_mixmin_says_whose_sequences_are_missing():
    given = evidence()
    losses = {run: seen for run, seen in given.sequence_losses.items() if run != "alone books"}
    with pytest.raises(UserError, match="of a run on 'books' alone, and there are none"):
        registry.create("mixmin", sources=NAMES).propose(replace(given, sequence_losses=losses))


# Aioli


@pytest.mark.parametrize("m", range(2, 10))
@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_aioli_recovers_a_linear_world_from_what_was_drawn(m, batch):
    random = np.random.default_rng(100 * m + batch)
    names = [f"s{index}" for index in range(m)]
    truth, losses = random.normal(size=(m, m)), random.uniform(2, 4, m)
    method = registry.create("aioli", sources=names)
    probes = []
    for mixture in method.probe_mixtures():
        counts = random.multinomial(batch, list(mixture.values()))  # leaves sources out, as small batches do
        after = losses - truth @ (counts / batch)
        named = (dict(zip(names, values.tolist(), strict=True)) for values in (counts, losses, after))
        probes.append(dict(zip(("counts", "before", "after"), named, strict=True)))
        losses = after
    shares = np.array([list(probe["counts"].values()) for probe in probes]) / batch
    if np.linalg.matrix_rank(shares) < m:
        pytest.skip("the draws of this seed do not tell sources apart")
    method.update(observation(0, names=names, probes=probes))
    assert np.array([[method.effects[i][j] for j in names] for i in names]) == pytest.approx(truth, abs=1e-9)


def test_aioli_takes_a_source_that_no_probe_drew_for_an_average_one():
    shares = np.array([[0.8, 0.2, 0.0], [0.2, 0.8, 0.0], [0.5, 0.5, 0.0]])
    effects = learn_effects(shares, shares @ np.array([[1.0, 3.0, 7.0], [2.0, 0.0, 7.0], [4.0, 4.0, 7.0]]).T)
    assert effects == pytest.approx(np.array([[1, 3, 2], [2, 0, 1], [4, 4, 4]]), abs=1e-12)


def _probes(truth, shares, names):
    start = dict.fromkeys(names, 3.0)
    return [
        {
            "counts": dict(zip(names, (share * 40).tolist(), strict=True)),
            "before": start,
            "after": {name: 3.0 - truth[i] @ share for i, name in enumerate(names)},
        }
        for share in shares
    ]


def test_aioli_steps_by_hand_and_its_average_restarts_or_accumulates():
    names, truth = ["a", "b"], np.array([[0.3, 0.1], [0.0, 0.1]])  # column sums .6 and .4 of their sum
    seen = observation(0, names=names, probes=_probes(truth, np.array([[0.75, 0.25], [0.25, 0.75]]), names))
    odds = {}
    for name, settings in (
        ("none", {}),
        ("restart", {"decay": 0.5}),
        ("cumulative", {"decay": 0.5, "average": "cumulative"}),
    ):
        method = registry.create("aioli", sources=names, eta=0.2, **settings)
        odds[name] = [math.log(mixture["a"] / mixture["b"]) for mixture in (method.update(seen), method.update(seen))]
    assert odds["none"] == pytest.approx([0.04, 0.08]) and odds["cumulative"] == pytest.approx([0.04, 0.08])
    assert odds["restart"] == pytest.approx([0.04, 0.04])


def test_aioli_diagonal_divides_each_fall_by_the_share_that_was_drawn():
    names, truth = ["a", "b"], np.diag([0.4, 0.1])
    seen = observation(0, names=names, probes=_probes(truth, np.array([[0.6, 0.4], [0.3, 0.7]]), names))
    method = registry.create("aioli", sources=names, diagonal=True)
    method.update(seen)
    assert method.effects["a"] == pytest.approx({"a": 0.4, "b": 0}) and method.effects["b"] == pytest.approx(
        {"a": 0, "b": 0.1}
    )


# DoReMi


def test_doremi_raises_the_worst_source_and_keeps_the_score_of_an_absent_one():
    method = registry.create("doremi", sources=["a", "b", "c"], smoothing=0.0)
    method.start()
    seen = observation(0, names=["a", "b", "c"])
    first = method.update(replace(seen, excess_losses={"a": 0.5, "b": 0.1, "c": -0.2}))
    assert first["a"] > first["b"] > first["c"]
    assert math.log(first["a"] / first["c"]) == pytest.approx(0.5) and method.effects["c"]["c"] == -0.2
    second = method.update(replace(seen, excess_losses={"b": 0.1, "c": 0.0}))
    assert math.log(second["a"] / second["b"]) == pytest.approx(0.8)  # .5 once more, though it was not measured
    assert dict(method.average) == pytest.approx({name: (first[name] + second[name]) / 2 for name in "abc"})


def test_doremi_smooths_every_mixture_and_refuses_excess_that_should_have_been_cut():
    method = registry.create("doremi", sources=["a", "b"], eta=50.0, smoothing=0.01)
    seen = observation(0, names=["a", "b"])
    for _ in range(30):
        mixture = method.update(replace(seen, excess_losses={"a": 3.0, "b": 0.0}))
    assert mixture["b"] == pytest.approx(0.005)
    with pytest.raises(UserError, match=r"excess_losses.b: -1 is negative, though clip is 'token'"):
        registry.create("doremi", sources=["a", "b"], clip="token").update(
            replace(seen, excess_losses={"a": 1.0, "b": -1.0})
        )


# DoGE


def test_doge_is_its_formula_by_brute_force():
    random, names, lr, mu = np.random.default_rng(3), ["a", "b", "c"], 5e-4, 0.01
    method = registry.create("doge", sources=names)
    weights = np.full(3, 1 / 3)
    for _ in range(5):
        gradients = random.normal(size=(3, 10)) + 0.3
        table = {i: {j: float(gradients[a] @ gradients[b]) for b, j in enumerate(names)} for a, i in enumerate(names)}
        norm = sum(math.sqrt(sum(x * x for x in gradients[j])) for j in range(3)) / 3
        for j in range(3):
            score = lr * sum(float(gradients[i] @ gradients[j]) for i in range(3)) / (norm + 1e-6)
            weights[j] *= math.exp(min(max(score, 0.0), 5 * lr) / mu)
        weights = weights / weights.sum()
        mixture = method.update(observation(0, names=names, gradients=table))
        assert list(mixture.values()) == pytest.approx(weights.tolist())
        assert method.effects == table


def test_doge_needs_the_sums_of_products_alone_and_the_norms():
    table = observation(3).gradients
    sums = {trained: math.fsum(table[evaluated][trained] for evaluated in NAMES) for trained in NAMES}
    norms = {name: math.sqrt(max(table[name][name], 0.0)) for name in NAMES}
    whole, summed = (registry.create("doge", sources=NAMES) for _ in range(2))
    expected = whole.update(observation(3))
    assert summed.update(observation(3, gradients={TOTAL: sums}, norms=norms)) == pytest.approx(expected)
    assert summed.effects == {TOTAL: pytest.approx(sums)}
    with pytest.raises(UserError, match="observes norms, but was given none"):
        summed.update(observation(3, gradients={TOTAL: sums}))


def test_doge_cuts_harm_and_scores_an_absent_source_0():
    names = ["a", "b", "c"]
    harm = {i: {"a": 1.0, "b": -9.0} for i in names}
    mixture = registry.create("doge", sources=names).update(observation(0, names=names, gradients=harm))
    assert mixture["a"] > mixture["b"] == mixture["c"]


# Skill-It


def test_skillit_is_its_update_by_hand():
    graph = {"a": {"a": 0.5, "b": 0.1}, "b": {"a": 0.3, "b": 0.4}}
    method = registry.create("skillit", sources=["a", "b"], graph=graph, eta=0.2, window=2)
    assert math.log(method.start()["a"] / method.start()["b"]) == pytest.approx(0.2 * ((0.5 + 0.3) - (0.1 + 0.4)))
    losses = [{"a": 3.0, "b": 2.0}, {"a": 2.0, "b": 2.0}, {"a": 1.0, "b": 2.0}]
    for number, (low, high) in enumerate([(0, 1), (0, 2), (1, 3)]):
        mixture = method.update(observation(0, names=["a", "b"], losses=losses[number]))
        a, b = (sum(each[name] for each in losses[low:high]) for name in ("a", "b"))
        assert math.log(mixture["a"] / mixture["b"]) == pytest.approx(0.2 * (0.5 * a + 0.3 * b - 0.1 * a - 0.4 * b))
    assert method.effects == {"a": {"a": 0.5, "b": 0.1}, "b": {"a": 0.6, "b": 0.8}}


def test_skillit_learns_its_graph_from_runs_on_each_source_alone():
    start = {"a": 4.0, "b": 2.0}
    alone = {
        "a": {"before": start, "after": {"a": 2.0, "b": 1.8}},
        "b": {"before": start, "after": {"a": 4.4, "b": 1.0}},
    }
    graph = skill_graph(alone)
    assert graph["a"] == pytest.approx({"a": 0.5, "b": -0.1}) and graph["b"] == pytest.approx({"a": 0.1, "b": 0.5})
    with pytest.raises(UserError, match="graph: is missing; it comes from one run per source"):
        registry.create("skillit", sources=["a", "b"]).start()
    with pytest.raises(UserError, match=r"graph.b.b: is missing"):
        registry.create("skillit", sources=["a", "b"], graph={"a": {"a": 1, "b": 1}, "b": {"a": 1}})


# ODM


def _exploration(turn, count=2):
    return min(1 / count, math.sqrt(math.log(count) / (count * turn))) if turn else 1 / count


@pytest.mark.parametrize("variant", ["smoothed_linear", "smoothed_exp", "exp3"])
def test_odm_is_its_steps_by_hand(variant):
    method = registry.create("odm", sources=["a", "b"], variant=variant)
    rewards, weights = [0.0, 0.0], [0.5, 0.5]
    rounds = [((2.0, 1.0), (4, 4)), ((1.5, 3.0), (8, 0)), ((1.0, 2.0), (2, 6)), ((0.5, 2.5), (1, 7))]
    for turn, (losses, counts) in enumerate(rounds, start=1):
        for j in range(2):
            if counts[j]:
                if variant == "exp3":
                    rewards[j] += losses[j] / 10 / weights[j]
                else:
                    rewards[j] = 0.9 * rewards[j] + 0.1 * math.exp(losses[j])
        powers = rewards
        if variant != "smoothed_linear":
            powers = [math.exp(_exploration(turn - 1) * reward) for reward in rewards]
        explore = _exploration(turn)
        weights = [(1 - 2 * explore) * power / sum(powers) + explore for power in powers]
        named = {
            what: dict(zip("ab", values, strict=True)) for what, values in (("losses", losses), ("counts", counts))
        }
        assert list(method.update(observation(0, names=["a", "b"], **named)).values()) == pytest.approx(weights)


def test_odm_survives_huge_losses_and_leaves_its_warm_up_alone():
    seen = observation(0, names=["a", "b"], losses={"a": 9000.0, "b": 1.0})
    for variant in ("smoothed_linear", "smoothed_exp", "exp3"):
        method = registry.create("odm", sources=["a", "b"], variant=variant)
        for _ in range(20):
            mixture = method.update(seen)
        assert math.isfinite(mixture["a"]) and mixture["a"] > mixture["b"] > 0
    assert registry.create("odm", sources=["a", "b"], warmup=0.5).update(seen)["a"] == 0.5


# ADO


@pytest.mark.parametrize(
    ("eps", "beta", "alpha"), [(1.5, 6.0, 0.4), (0.4, 3.0, 0.15), (2.2, 20.0, 0.7), (1.0, 0.5, 0.3)]
)
def test_ado_recovers_planted_curves(eps, beta, alpha):
    n = np.geomspace(50, 20_000, 60)
    curve = fit_curve(n, eps + beta * n**-alpha)
    assert [math.exp(curve.ln_eps), math.exp(curve.ln_beta), curve.alpha] == pytest.approx([eps, beta, alpha], rel=1e-3)


def test_ado_is_not_bent_by_an_outlier_and_takes_flat_and_rising_losses():
    n = np.geomspace(50, 20_000, 60)
    losses = 1.5 + 6 * n**-0.4
    losses[30] *= 1.5
    assert fit_curve(n, losses).alpha == pytest.approx(0.4, abs=0.03)
    for flat in (np.full(60, 2.0), 2 + 1e-5 * n):
        curve = fit_curve(n, flat)
        assert all(map(math.isfinite, (curve.ln_eps, curve.ln_beta, curve.alpha)))


def test_ado_steps_by_hand_towards_the_source_whose_loss_falls_fastest():
    planted = {"a": (1.0, 6.0, 0.4), "b": (2.0, 2.0, 0.3)}
    method = registry.create("ado", sources=["a", "b"], ignored=0.0, refit=0.0)
    method.start()
    mean, history = np.full(2, 0.5), np.full(2, 0.5)
    for number in range(8):
        n = 200.0 * (number + 1)
        losses = {name: eps + beta * n**-alpha for name, (eps, beta, alpha) in planted.items()}
        seen = observation(number, names=["a", "b"], losses=losses, tokens=int(n * UNIT))
        weights = list(method.update(seen).values())
        if number >= 4:  # five points make a curve
            falls = np.array([alpha * beta * n**-alpha / n for _, beta, alpha in planted.values()])
            rho = falls * 0.5 * np.sqrt(history)
            expected = 0.9 * mean + 0.1 * rho / rho.sum()
            assert weights == pytest.approx(expected.tolist(), rel=1e-3)
        mean, history = mean + (np.array(weights) - mean) / (number + 2), 0.9 * history + 0.1 * np.array(weights)
    assert weights[0] > 0.5
