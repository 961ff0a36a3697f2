"""What holds for every method: a new one is a row of METHODS or of PROPOSING."""

import json
import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.methods import registry
from emulsion.methods.interface import OBSERVES, Evidence, Needs
from emulsion.methods.optimum_settings import Settings
from emulsion.methods.stretches import opening
from emulsion.mixture import Mixture
from method_cases import EVEN, GRAPH, NAMES, even_evidence, evidence, observation, of_sequences, without, world_loss


@dataclass
class Row:
    kind: str
    settings: dict = field(default_factory=dict)
    even: dict = field(default_factory=dict)  # settings under which sources do not differ
    learns: bool = False  # an online method that begins from the runs of a swarm
    explores: bool = False  # an online method that explores, or is smoothed, towards the uniform mixture

    def create(self, sources=NAMES, even=False, **more):
        settings = {**self.settings, **(self.even if even else {}), **more}
        method = registry.create(self.kind, sources=sources, **settings)
        if self.learns:
            method.prepare(even_evidence() if even else evidence(sources))
        return method


METHODS = {
    "skillit": Row("skillit", {"graph": GRAPH}, {"graph": EVEN}),
    "doremi": Row("doremi", explores=True),
    "doge": Row("doge"),
    "aioli": Row("aioli"),
    "aioli static": Row("aioli", {"rounds": 1, "eta": 4.0}),
    "aioli diagonal": Row("aioli", {"diagonal": True}),
    "aioli restart": Row("aioli", {"decay": 0.5}),
    "aioli cumulative": Row("aioli", {"decay": 0.5, "average": "cumulative"}),
    "odm linear": Row("odm", explores=True),
    "odm exp": Row("odm", {"variant": "smoothed_exp"}, explores=True),
    "odm exp3": Row("odm", {"variant": "exp3"}, explores=True),
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
    "optimum of capabilities": Row("optimum", {"surrogates": ["linear", "log_linear"], "resamples": 20}),
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


def proposal(method, given):
    """What it proposes; one that trains while it searches is given the world to train in."""
    if method.needs.trainer:
        return method.search(lambda tried: -sum(world_loss(tried, name) for name in NAMES), given)
    return method.propose(given)


@pytest.fixture(scope="session")
def proposed():
    """{row of PROPOSING: what its method proposes, the method}, worked out once."""
    found = {}

    def propose(row):
        if id(row) not in found:
            method = row.create()
            found[id(row)] = proposal(method, evidence()), method
        return found[id(row)]

    return propose


def run(method, rounds, **changes):
    return [method.start(), *(method.update(observation(number, **changes)) for number in rounds)]


def test_the_tables_have_every_method():
    # `follow` decides nothing by what it sees; test_follow.py is about it.
    assert {row.kind for row in [*METHODS.values(), *PROPOSING.values()]} == set(registry.names()) - {"follow"}


def test_a_proposal_is_a_schedule_of_mixtures_in_the_order_of_the_sources(proposing, proposed):
    stages, method = proposed(proposing)
    assert stages[-1][0] == 1.0 and [until for until, _ in stages] == sorted(until for until, _ in stages)
    for _, mixture in stages:
        assert list(mixture) == NAMES
        assert math.fsum(mixture.values()) == pytest.approx(1) and min(mixture.values()) >= 0
    assert method.record is None or json.loads(json.dumps(method.record, allow_nan=False)) == method.record


def test_the_order_of_sources_changes_no_proposal(proposing, proposed):
    shuffled = NAMES[::-1]
    first, _ = proposed(proposing)
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


def test_the_best_run_is_found_among_those_of_many_sources():
    # A tenth for each, the default bound of `optimum`, would be more than there is.
    names = [f"s{number:02d}" for number in range(12)]
    runs = {name: Mixture({each: float(each == name) for each in names}) for name in names}
    losses = {run: dict.fromkeys(names, 2.0 + (run != "s03")) for run in names}
    [(_, mixture)] = registry.create("grid_search", sources=names).propose(Evidence(mixtures=runs, losses=losses))
    assert mixture["s03"] == 1


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
    if row.explores or row.learns:
        pytest.skip("explores, or begins where the runs of a swarm say")
    prior = {"web": 0.4, "code": 0.3, "books": 0.2, "math": 0.1}
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


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("aioli", {"rounds": 5.0, "sweeps": 4.0}),
        ("odm", {"rounds": 1.0e2}),
        ("skillit", {"window": 3.0}),
        ("dml", {"resamples": 200.0}),
        ("optimum", {"generations": 100.0, "population": 12.0}),
        ("regmix", {"draws": 1.0e3, "best": 10.0}),
    ],
)
def test_a_whole_number_with_a_point_is_a_whole_number(kind, settings):
    method = registry.create(kind, sources=NAMES, **settings)
    offline = isinstance(method.settings, dict)
    taken = vars(Settings.of(method.settings) if offline else method.settings) | getattr(method, "chosen", {})
    assert {name: taken[name] for name in settings} == settings
    assert all(type(taken[name]) is int for name in settings)


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("dml", {"kl": {"strength": 10**400}}, "kl.strength: should be a number, 0 or more"),
        ("dml", {"kl": {"strength": 0.1, "prior": "proportional"}}, "kl.prior: should be {source: weight}"),
        ("dml", {"kl": {"strength": 0.1, "prior": [0.5, 0.5]}}, "kl.prior: should be {source: weight}"),
        ("dml", {"seed": "1"}, "seed: should be a whole number, 0 or more, but is '1'"),
        ("optimum", {"seed": -1}, "seed: should be a whole number, 0 or more, but is -1"),
        ("regmix", {"draws": 10**13}, "draws: should be 10,000,000 at most, but is 10,000,000,000,000"),
    ],
)
def test_settings_of_another_form_are_refused_before_anything_is_learned(kind, settings, words):
    with pytest.raises(UserError, match=words):
        registry.create(kind, sources=NAMES, **settings)


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("aioli", {"average": "cumulative"}, "aioli.average: there is no moving average without `decay`"),
        ("odm", {"scale": 5}, "odm.scale: variant 'smoothed_linear' does not read it"),
        ("odm", {"variant": "exp3", "smoothing": 0.5}, "odm.smoothing: variant 'exp3' does not read it"),
        ("doremi", {"rounds": 1}, "doremi.rounds: 1 should be 2 or more"),
        ("doge", {"rounds": 1}, "doge.rounds: 1 should be 2 or more"),
    ],
)
def test_settings_without_effect_are_refused(kind, settings, words):
    with pytest.raises(UserError, match=words):
        registry.create(kind, NAMES, **settings)


def test_settings_that_have_their_effect_are_taken():
    registry.create("aioli", NAMES, average="cumulative", decay=0.5)
    registry.create("odm", NAMES, variant="exp3", scale=5)
    registry.create("odm", NAMES, variant="smoothed_exp", smoothing=0.5)


def test_a_kind_is_found_in_the_module_that_registers_it():
    assert registry.module_of("dml").name == registry.module_of("olmix").name == "offline.py"
    assert registry.module_of("emulsion").name == "emulsion.py"
