"""From finished runs to optimal_mix.json: the gap closed, bounds kept, what is reported, and honest warnings."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.laws import fit_static_law, minimize_law
from emulsion.laws.region import Region
from emulsion.methods import create, design, optimise, optimise_directly
from emulsion.methods.optimum import predict
from emulsion.methods.optimum_settings import Settings
from emulsion.methods.propose import propose
from emulsion.methods.surrogates import LAWS, SURROGATES, Runs
from emulsion.world.planted import KINDS, best_and_uniform, mean_loss, noisy, planted_law, planted_power_law

QUICK = {"objective": "mean_loss", "generations": 20, "population": 5, "resamples": 20}
FAST = QUICK | {"surrogates": ["log_linear", "linear", "gaussian_process"]}  # trees take most of the time


def proxies(law, count, bounds, seed, sd, caps=None):
    """(mixtures, results) of a design's noisy trainings."""
    mixtures = design(count, law.sources, bounds, caps, seed)
    random = np.random.default_rng(seed)
    losses = noisy(law.predict(np.array([list(mixture.values()) for mixture in mixtures])), sd, random)
    named = [dict(zip(law.groups, row, strict=True)) for row in losses.tolist()]
    return mixtures, [{"run": f"proxy{n:02d}", "losses": row} for n, row in enumerate(named)]


def gap_closed(law, bounds, seed, sd):
    _, best, uniform = best_and_uniform(law, bounds)
    found = optimise(*proxies(law, 3 * len(law.sources), bounds, seed, sd), law.sources, FAST | {"bounds": bounds})
    return (uniform - mean_loss(law, found["ratios"])) / (uniform - best)


def test_default_bounds_that_so_many_sources_cannot_keep_are_named():
    with pytest.raises(UserError, match=r"sum to 1\.2, more than 1.* default of 'optimum', as `bounds` is left out"):
        create("optimum", [f"s{number}" for number in range(12)])
    create("optimum", [f"s{number}" for number in range(12)], bounds=[0.01, 0.6])


def test_three_runs_per_source_close_four_fifths_of_the_gap():
    """The small version of benchmarks/optimizer.py: 12 trials over 3 to 9 sources, sources that hurt and saturate."""
    closed = [
        gap_closed(planted_law(m, trial, KINDS[trial % 4]), (0.02, 0.6), trial, 0.005 + 0.005 * (trial % 2))
        for trial, m in enumerate((3, 3, 3, 3, 5, 5, 5, 5, 7, 7, 9, 9))
    ]
    assert sum(share >= 0.8 for share in closed) >= 11
    assert np.median(closed) > 0.95


def test_a_truth_of_another_family_is_no_obstacle():
    closed = [gap_closed(planted_power_law(5, trial), (0.02, 0.6), trial, 0.005) for trial in range(4)]
    assert np.median(closed) > 0.85


@settings(max_examples=12, deadline=None)
@given(
    st.integers(2, 6), st.integers(0, 10**6), st.floats(0, 0.1), st.floats(0.6, 1), st.sampled_from(list(SURROGATES))
)
def test_the_optimum_keeps_bounds_caps_and_sum_whatever_the_surrogate(m, seed, low, high, name):
    law = planted_law(m, seed, KINDS[seed % 4])
    caps = {"s1": 0.45}
    mixtures, results = proxies(law, 2 * m, (low, high), seed, 0.01, caps)
    chosen = QUICK | {"bounds": (low, high), "caps": caps, "surrogate": name, "surrogates": [name], "resamples": 2}
    ratios = optimise(mixtures, results, law.sources, chosen)["ratios"]
    assert list(ratios) == list(law.sources) and abs(math.fsum(ratios.values()) - 1) <= 1e-12
    assert all(low - 1e-12 <= weight <= high + 1e-12 for weight in ratios.values())
    assert ratios["s1"] <= 0.45 + 1e-12


@pytest.fixture(scope="module")
def record():
    law = planted_law(4, 3, "hurts")
    return optimise(*proxies(law, 12, (0.1, 0.6), 0, 0.005), law.sources, QUICK)


def test_the_record_is_json_with_everything_a_reader_asks_for(record):
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert set(record["surrogates"]) == {"log_linear", "lightgbm", "linear", "gaussian_process"}
    assert record["surrogate"] == min(record["surrogates"], key=lambda name: record["surrogates"][name]["loo_rmse"])
    low, high = record["interval"]
    assert low < record["prediction"] < high
    assert record["bounds"] == {f"s{j}": [0.1, 0.6] for j in range(4)}
    assert [row["run"] for row in record["observed_vs_predicted"]] == [f"proxy{n:02d}" for n in range(12)]
    assert record["objective"]["losses"] == {f"s{j}": 0.25 for j in range(4)}


def test_the_best_sampled_run_and_the_uniform_mixture_stand_beside_the_optimum(record):
    top = min(record["observed_vs_predicted"], key=lambda row: row["observed"])
    assert (record["best_sampled"]["run"], record["best_sampled"]["observed"]) == (top["run"], top["observed"])
    assert 0 < record["prediction"] <= min(record["best_sampled"]["predicted"], record["uniform"]["predicted"])
    assert record["history"][-1] == record["history"][-1] | {"mixture": record["ratios"], "loss": record["prediction"]}
    assert [entry["generation"] for entry in record["history"]] == sorted(e["generation"] for e in record["history"])


def test_the_interval_covers_a_new_run_as_often_as_it_says():
    hits = []
    for seed in range(20):
        law = planted_law(3, seed, KINDS[seed % 4])
        chosen = QUICK | {"surrogates": ["log_linear"], "surrogate": "log_linear", "bounds": (0.02, 0.6)}
        found = optimise(*proxies(law, 12, (0.02, 0.6), seed, 0.01), law.sources, chosen)
        row = np.array([list(found["ratios"].values())])
        fresh = noisy(law.predict(row), 0.01, np.random.default_rng(1000 + seed)).mean()
        low, high = found["interval"]
        hits.append(low <= fresh <= high)
    assert np.mean(hits) >= 0.8  # of 20 at .95: fewer is 1 in 400 by chance


def test_the_order_of_names_does_not_matter():
    law = planted_law(3, 1)
    mixtures, results = proxies(law, 9, (0.1, 0.6), 0, 0.003)
    turned = [dict(reversed(list(mixture.items()))) for mixture in mixtures]
    plain = optimise(mixtures, results, law.sources, QUICK | {"surrogates": ["log_linear"]})
    assert optimise(turned, results, law.sources, QUICK | {"surrogates": ["log_linear"]}) == plain
    moved = optimise(mixtures, results, law.sources[::-1], QUICK | {"surrogates": ["log_linear"]})
    assert moved["ratios"] == pytest.approx(plain["ratios"], abs=0.02)


def test_capabilities_are_made_large():
    mixtures = design(12, ["a", "b", "c"], (0.1, 0.6))
    results = [
        {"capabilities": {"x": 1 - math.exp(-3 * m["b"]), "y": 0.2 + 0.3 * m["b"] - 0.1 * m["a"]}} for m in mixtures
    ]
    found = optimise(mixtures, results, ["a", "b", "c"], QUICK | {"objective": "mean_capability"})
    assert found["ratios"] == pytest.approx({"a": 0.1, "b": 0.6, "c": 0.3}, abs=0.02)


def test_a_strong_pull_holds_the_prior_and_is_reported():
    law = planted_law(3, 1)
    chosen = QUICK | {"kl": {"strength": 100.0, "prior": {"s0": 0.2, "s1": 0.5, "s2": 0.3}}}
    found = optimise(*proxies(law, 9, (0.1, 0.6), 0, 0.005), law.sources, chosen)
    assert found["ratios"] == pytest.approx({"s0": 0.2, "s1": 0.5, "s2": 0.3}, abs=0.02)
    assert found["kl"]["strength"] == 100.0 and 0 <= found["kl"]["divergence"] < 0.01


@pytest.mark.parametrize("strength", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("m", [2, 7])
def test_the_optimum_of_the_law_is_exact_with_and_without_a_pull(m, strength):
    law = planted_law(m, m, "both")
    prior = dict(zip(law.sources, np.geomspace(1, 1000, m).tolist(), strict=True))
    mixtures, results = proxies(law, 2 * m, (0.0, 1.0), 0, 0.005)
    bounds, names = {"s0": (0.0, 0.3)}, {"surrogate": "log_linear", "surrogates": ["log_linear"]}
    # An evolution of one generation finds nothing, which leaves what is computed.
    quick = {"objective": "mean_loss", "generations": 1, "population": 1, "resamples": 1}
    pulled = {"strength": strength, "prior": prior}
    found = optimise(mixtures, results, law.sources, {**quick, **names, "bounds": bounds, "kl": pulled})["ratios"]
    losses = [list(result["losses"].values()) for result in results]
    fitted = fit_static_law(
        [list(mixture.values()) for mixture in mixtures], losses, sources=law.sources, groups=law.groups
    )
    best = minimize_law(fitted, bounds, prior=prior, strength=strength)
    assert found == pytest.approx(dict(best), abs=1e-6)


@pytest.mark.parametrize("kl", [{}, {"strength": 0.05}])
@pytest.mark.parametrize("name", ["gaussian_process", "linear", "ridge"])
@pytest.mark.parametrize(("m", "bounds"), [(2, None), (20, None), (20, (0.0, 0.2))])
def test_no_step_between_two_sources_betters_the_optimum(m, bounds, name, kl):
    law, random = planted_law(m, 0), np.random.default_rng(0)
    rows = random.dirichlet(np.full(m, 0.5), 3 * m)
    runs = Runs(law.sources, rows, noisy(law.predict(rows), 0.005, random), np.full(m, 1 / m), groups=law.groups)
    surrogate, region = LAWS[name](runs), Region.of(law.sources, bounds)
    chosen = Settings.of(QUICK | {"surrogate": name, "surrogates": (name,), "bounds": bounds, "kl": kl})
    pull = chosen.pull(law.sources)
    best, _ = propose(surrogate, region, chosen, pull)
    assert region.contains(best)
    steps = np.eye(m)[:, None] - np.eye(m)
    near = np.concatenate([best + size * steps.reshape(-1, m) for size in (1e-3, 1e-2)])
    near = np.vstack([best, near[(near >= region.low).all(axis=1) & (near <= region.high).all(axis=1)]])
    scores = surrogate.predict(near) - (0.0 if pull is None else pull.penalty(near, region.sources))
    assert scores.max() - scores[0] < 1e-4 * np.ptp(runs.scores)


def test_runs_that_tell_nothing_apart_are_reported_as_such():
    mixtures = design(9, ["a", "b", "c"])
    random = np.random.default_rng(2)
    results = [{"capabilities": {"x": 0.5 + 0.02 * random.normal()}} for _ in mixtures]
    found = optimise(mixtures, results, ["a", "b", "c"], QUICK | {"objective": "mean_capability"})
    assert found["surrogates"][found["surrogate"]]["loo_r2"] < 0.25
    assert any("do not tell mixtures apart" in warning for warning in found["warnings"])


def test_runs_that_the_law_sets_aside_are_named():
    law = planted_law(3, 1)
    mixtures, results = proxies(law, 12, None, 0, 0.002)
    only = QUICK | {"surrogates": ["log_linear"]}
    assert not any("sets aside" in warning for warning in optimise(mixtures, results, law.sources, only)["warnings"])
    results[4]["losses"] = {group: loss + 3 for group, loss in results[4]["losses"].items()}
    found = optimise(mixtures, results, law.sources, only)["warnings"]
    assert any(warning.startswith("The law sets aside proxy04, ") for warning in found)


def test_a_run_that_the_law_sets_aside_changes_neither_the_optimum_nor_its_set():
    law = planted_law(3, 1)
    mixtures, results = proxies(law, 12, None, 0, 0.002)
    plain = optimise(mixtures, results, law.sources, FAST)
    results[4]["losses"] = {group: loss + 3 for group, loss in results[4]["losses"].items()}
    found = optimise(mixtures, results, law.sources, FAST)
    assert found["ratios"] == pytest.approx(plain["ratios"], abs=0.01)
    for source, ends in plain["set"]["ranges"].items():
        assert found["set"]["ranges"][source] == pytest.approx(ends, abs=0.02)
    # The run that diverged counts as missed, by 3 nats, and as no other.
    assert found["surrogates"]["log_linear"]["loo_rmse"] == pytest.approx(3 / 12**0.5, abs=0.02)


def test_an_optimum_far_from_all_that_was_tried_is_reported_as_an_extrapolation():
    law = planted_law(3, 1)
    mixtures, results = proxies(law, 9, {"s0": (0.3, 0.4), "s1": (0.3, 0.4), "s2": (0.2, 0.4)}, 0, 0.002)
    near, far = (optimise(mixtures, results, law.sources, FAST | {"bounds": {"s0": (low, low)}}) for low in (0.33, 0.9))
    assert far["hull_distance"] == pytest.approx(0.5, abs=0.05) and far["ratios"]["s0"] == pytest.approx(0.9)
    assert any("extrapolation" in warning for warning in far["warnings"])
    assert near["hull_distance"] < 0.4 and far["uncertainty"]["sd"] > near["uncertainty"]["sd"]


@pytest.mark.parametrize(("count", "leans"), [(5, True), (6, True), (7, False)])
def test_fewer_runs_than_parameters_are_reported(count, leans):
    law = planted_law(6, 1)
    found = optimise(*proxies(law, count, (0.0, 0.6), 0, 0.005), law.sources, FAST)
    text = f"{count} runs for the 7 parameters of a law: the fit leans on its ridge; 3 per source are advised."
    assert (text in found["warnings"]) == leans
    assert all(np.isfinite(found["interval"]))


def test_predictions_of_other_mixtures_are_losses_and_know_which_runs_were_fitted():
    law = planted_law(3, 1)
    mixtures, results = proxies(law, 9, (0.1, 0.6), 0, 0.005)
    chosen = QUICK | {"surrogates": ["linear"], "surrogate": "linear"}
    seen = optimise(mixtures, results, law.sources, chosen)["observed_vs_predicted"][4]["predicted"]
    other = {"s0": 0.11, "s1": 0.44, "s2": 0.45}
    candidates = {"run": mixtures[4], "other": other}
    found = predict(mixtures, results, law.sources, Settings.of(chosen), "linear", candidates)
    assert found["run"]["prediction"] == pytest.approx(seen)
    assert {name: each["fitted"] for name, each in found.items()} == {"run": True, "other": False}
    assert found["other"]["ratios"] == other and found["other"]["interval"][0] < found["other"]["interval"][1]


def test_scores_that_are_all_alike_do_not_crash():
    mixtures = design(6, ["a", "b", "c"])
    found = optimise(mixtures, [{"losses": {"x": 2.0}}] * 6, ["a", "b", "c"], QUICK)
    assert found["surrogates"]["linear"]["loo_spearman"] is None
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bound": (0, 1)}, "unknown setting 'bound'.*'bounds'"),
        ({"surrogate": "loglinear"}, "unknown surrogate 'loglinear'.*'log_linear'"),
        ({"surrogates": ["linnear"], "surrogate": "auto"}, "unknown surrogate 'linnear'"),
        ({"kl": {"strenght": 1}}, "'strength'"),
        ({"level": 0.9}, "unknown setting 'level'"),
        ({"generations": 0}, "generations: should be a whole number, 1 or more, but is 0"),
        ({"population": 1.5}, "population: should be a whole number"),
        ({"evaluations": -5}, "evaluations: should be a whole number"),
        ({"surrogate": ["log_linear"]}, "surrogate: should be text"),
        ({"surrogates": "log_linear"}, "surrogates: should be a list"),
        ({"kl": 0.1}, "kl: should be {strength"),
        ({"bounds": 0.5}, r"bounds: 0\.5 must be \[low, high\]"),
        ({"bounds": ["a", "b"]}, r"must be \[low, high\]"),
        ({"objective": 5}, "objective: should be mean_capability"),
    ],
)
def test_wrong_settings_are_refused_in_words(change, words):
    law = planted_law(3, 1)
    with pytest.raises(UserError, match=words):
        optimise(*proxies(law, 9, (0.1, 0.6), 0, 0.005), law.sources, QUICK | change)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("grid_search", "objective"),
        ("mixmin", "objective"),
        ("dml", "objective"),
        ("law_optimum", "law"),
        ("regmix", "draws"),
        ("olmix", "strength"),
        ("direct_search", "evaluations"),
    ],
)
def test_null_stands_for_the_default_of_a_setting(kind, setting):
    named, left_out = create(kind, ["a", "b"], **{setting: None}), create(kind, ["a", "b"])
    assert (named.settings, named.chosen) == (left_out.settings, left_out.chosen)
    assert create("optimum", ["a", "b"], bounds=None).bounds is None


def test_too_few_or_unmatched_runs_are_refused():
    law = planted_law(3, 1)
    mixtures, results = proxies(law, 9, (0.1, 0.6), 0, 0.005)
    with pytest.raises(UserError, match="3 runs are too few"):
        optimise(mixtures[:3], results[:3], law.sources, QUICK)
    with pytest.raises(UserError, match="9 mixtures but 8 results"):
        optimise(mixtures, results[:8], law.sources, QUICK)


def test_the_direct_method_has_the_same_keys_and_keeps_every_training(record):
    law = planted_law(4, 3, "hurts")
    found = optimise_directly(lambda m: -mean_loss(law, m), law.sources, QUICK | {"evaluations": 40})
    assert set(found) == set(record) and json.loads(json.dumps(found)) == found
    assert len(found["history"]) == 40 and found["prediction"] == min(entry["loss"] for entry in found["history"])
    sampled = found["history"][int(found["best_sampled"]["run"])]
    assert (sampled["mixture"], sampled["loss"]) == (found["best_sampled"]["ratios"], found["prediction"])
    assert found["best_sampled"]["observed"] == found["prediction"]
