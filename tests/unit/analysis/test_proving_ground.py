"""Methods in simulated worlds: every protocol is served, costs are charged, and what is known to be good is good."""

import numpy as np
import pytest
import yaml

from emulsion.analysis.proving_ground import ENTRANTS, Bill, trial
from emulsion.analysis.regret import by_gain, page, summary
from emulsion.errors import UserError
from emulsion.methods import names
from emulsion.world import KINDS, worlds

# What these kinds are about is no part of a simulated world, or they decide nothing of their own.
ABSENT = {"mixmin", "replay", "follow", "given", "without", "only", "point"}
SLOW = {"optimum", "optimum_ten", "regmix", "regmix_ten", "ado", "epochs", "epochs_tenth", "epochs_ten"}
WORLD = worlds("harmful", 1, seed=3)[0]


def test_every_method_that_a_world_can_serve_takes_part():
    assert {entrant.kind for entrant in ENTRANTS.values()} == set(names()) - ABSENT


def test_the_configuration_has_all_of_them_by_default(request):
    schema = yaml.safe_load((request.config.rootpath / "workflow/schemas/config.schema.yaml").read_text())
    assert schema["properties"]["proving_ground"]["properties"]["methods"]["default"] == list(ENTRANTS)


@pytest.mark.parametrize("name", [name for name in ENTRANTS if name not in SLOW])
def test_a_trial_has_a_regret_and_a_cost_and_is_repeatable(name):
    row = trial(WORLD, ENTRANTS[name])
    assert row["regret"] >= -1e-4 and np.isfinite(row["regret"])
    assert row["cost"] >= 1 + ENTRANTS[name].extra - 1e-9
    assert row == trial(WORLD, ENTRANTS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SLOW))
def test_the_dear_ones_do_too(name):
    row = trial(WORLD, ENTRANTS[name])
    assert row["regret"] >= -1e-4 and row["cost"] >= 1


def test_what_costs_nothing_costs_one_target_run_and_probes_are_charged():
    cost = {name: trial(WORLD, ENTRANTS[name])["cost"] for name in ("stratified", "odm", "aioli", "doge")}
    assert cost["stratified"] == cost["odm"] == 1.0
    m = len(WORLD.sources)
    assert cost["aioli"] == pytest.approx(1 + 20 * (4 * m + 1) * m * 32 / 40_000 / 3)
    assert cost["doge"] == pytest.approx(1.5 + 19 * (m + 1) * 32 / 40_000)


def test_swarms_guides_and_searches_cost_what_is_trained_and_each_look_at_all_sources():
    m = len(WORLD.sources)
    look = m * 32 / 40_000 / 3
    curve = len(ENTRANTS["emulsion"].evaluated)
    counted = {
        "grid_search": (0.5, min(2 * m + 2, 12)),
        "grid_search_ten": (10, 10),
        "direct_search": (0.5, 10),
        "emulsion_tenth": (0.1, (m + 2) * curve),
        "skillit": (0.5, m + 9),  # a run of each source, and ten rounds but the first
        "doremi": (0.5, 1 + 19),  # half for the reference, half for the guide and its twenty rounds
    }
    for name, (trained, looks) in counted.items():
        assert trial(WORLD, ENTRANTS[name])["cost"] == pytest.approx(1 + trained + looks * look), name


def test_a_bill_adds_up():
    bill = Bill(trained=0.5)
    bill.evaluation(3)
    assert bill.total == pytest.approx(1.5 + 3 * 32 / 40_000 / 3)


def test_a_law_of_the_world_s_own_family_finds_its_optimum():
    regrets, even = [], []
    for world in worlds("log_linear", 6, seed=2):
        regrets.append(trial(world, ENTRANTS["dml"])["regret"])
        even.append(trial(world, ENTRANTS["stratified"])["regret"])
    assert np.median(regrets) < np.median(even)


def rows(name, regret, cost=1.0):
    regrets = [regret + 0.001 * number for number in range(9)]
    return [{"kind": kind, "world": n, "regret": r, "cost": cost} for kind in KINDS for n, r in enumerate(regrets)]


def test_a_summary_has_medians_percentiles_and_differences_paired_by_world():
    found = summary({"stratified": rows("stratified", 0.05), "good": rows("good", 0.01, 1.5)}, list(KINDS))
    best = found[0]
    assert (best["method"], best["kind"], best["worlds"]) == ("good", "all", 9 * len(KINDS))
    assert best["median"] == pytest.approx(0.014) and best["cost"] == 1.5 and best["worse"] == 0
    assert best["difference"] == pytest.approx(-0.04) == pytest.approx(best["difference_interval"][0])
    low, high = best["median_interval"]
    assert low <= best["median"] <= high
    text = page(found, [], list(KINDS), 0)
    assert "| good | 1.50 | 14.0 [" in text and text.count("\n| good") == 2


def test_worlds_are_parted_by_what_there_is_to_gain_whatever_the_order_of_rows():
    trials = {"stratified": rows("stratified", 0.005), "bold": rows("bold", 0.03)[::-1]}  # gains of .005 to .013
    little, more = by_gain(trials)
    assert (little["part"], little["worlds"]) == ("at most 12.5", 8 * len(KINDS))
    assert (more["part"], more["worlds"]) == ("12.5 to 50", len(KINDS))
    assert little["difference"] == pytest.approx(0.025) and little["worse"] == 1
    assert little["difference_interval"] == pytest.approx([0.025, 0.025])
    assert by_gain({"bold": rows("bold", 0.03)}) == []
    text = page(summary(trials, list(KINDS)), [little, more], list(KINDS), 0)
    assert "| bold | +25.0 [+25.0, +25.0], 100 % | +25.0 [" in text


def test_one_world_has_no_interval():
    trials = {name: rows(name, regret)[:1] for name, regret in (("stratified", 0.1), ("good", 0.05))}
    found = summary(trials, list(KINDS))
    assert {row[f"{key}_interval"] for row in found for key in ("median", "p90", "difference")} == {None}
    text = page(found, by_gain(trials), list(KINDS), 0)
    assert "| good | 1.00 | 50.0 | 50.0 | -50.0 | 0 % |" in text and "| good | -50.0, 0 % |" in text


@pytest.mark.parametrize(
    "worlds_each, median, p90", [(5, False, False), (6, True, False), (35, True, False), (36, True, True)]
)
def test_a_quantile_of_few_worlds_has_no_interval(worlds_each, median, p90):
    regrets = [{"kind": "linear", "world": n, "regret": 0.001 * n, "cost": 1.0} for n in range(worlds_each)]
    [row] = [row for row in summary({"stratified": regrets}, list(KINDS)) if row["kind"] == "all"]
    assert (row["median_interval"] is not None, row["p90_interval"] is not None) == (median, p90)


def test_methods_that_met_different_worlds_are_not_compared():
    with pytest.raises(UserError, match="'good' and 'stratified' met different worlds"):
        summary({"stratified": rows("stratified", 0.05), "good": rows("good", 0.01)[1:]}, list(KINDS))
