"""From an experiment's `laws` to points, trunks, branches and jobs."""

import copy
from pathlib import Path

import pytest
import yaml

from emulsion.fields import read_yaml
from emulsion.study import sweeps
from emulsion.study.form import fill_in
from emulsion.study.paths import laws, sweep, sweep_mixtures

SCHEMA = read_yaml(Path("workflow/schemas/config.schema.yaml"))


def configured(**settings):
    config = yaml.safe_load(Path("config.yaml").read_text())
    config["experiments"]["pair"] = {
        "title": "A pair",
        "sources": ["openhermes", "magpie"],
        "tokenizer": "demo",
        "model": "tiny",
        "training": "demo",
        "tokens": 104_000,
        "seeds": [3, 5],
        "budget": {"device": "cpu-core", "hours": {}},
        "laws": {"points": {"kind": "grid", "count": 3}, **settings},
    }
    fill_in(config, SCHEMA)
    return config


EARLY = {"after": 20_800, "tokens": 10_400}


def test_an_experiment_without_laws_has_no_sweep():
    config = configured()
    assert sweeps.swept(config) == ["pair"]
    assert sweeps.trunks(config, "exp3") == [] and sweeps.batches(config, "exp3") == {}


def test_every_point_is_a_trunk_of_every_seed_the_first_seed_first():
    assert [trunk["run"] for trunk in sweeps.trunks(configured(), "pair")] == [
        "sweep_00",
        "sweep_01",
        "sweep_02",
        "sweep_00-seed5",
        "sweep_01-seed5",
        "sweep_02-seed5",
    ]
    assert [trunk["seed"] for trunk in sweeps.trunks(configured(), "pair")] == [3, 3, 3, 5, 5, 5]


def test_branches_of_the_first_seed_leave_other_seeds_alone():
    config = configured(branches={"early": EARLY})
    assert [trunk["branches"] for trunk in sweeps.trunks(config, "pair")] == [["early"]] * 3 + [[]] * 3
    config = configured(branches={"early": {**EARLY, "seeds": "all"}})
    assert all(trunk["branches"] == ["early"] for trunk in sweeps.trunks(config, "pair"))


def test_a_number_of_parents_means_the_first_points():
    config = configured(branches={"early": {**EARLY, "parents": 2}})
    assert [trunk["branches"] for trunk in sweeps.trunks(config, "pair")][:3] == [["early"], ["early"], []]


def test_a_stratified_parent_is_a_trunk_of_its_own_that_is_not_finished():
    config = configured(branches={"even": {**EARLY, "parents": "stratified"}})
    trunks = sweeps.trunks(config, "pair")
    assert len(trunks) == 7
    assert trunks[3] == {"run": "stratified", "mixture": "stratified", "seed": 3, "finish": False, "branches": ["even"]}
    assert all(trunk["finish"] and not trunk["branches"] for trunk in trunks if trunk["mixture"] != "stratified")


def test_branches_are_visited_in_order_of_time_whatever_their_names():
    config = configured(branches={"a": {**EARLY, "after": 52_000}, "b": EARLY})
    assert sweeps.trunks(config, "pair")[0]["branches"] == ["b", "a"]


def test_jobs_share_trunks_by_the_batch_and_leave_none_out():
    config = configured(batch=4, branches={"early": EARLY})
    batches = sweeps.batches(config, "pair")
    assert [len(batch) for batch in batches.values()] == [4, 2] and list(batches) == ["000", "001"]
    assert [trunk for batch in batches.values() for trunk in batch] == sweeps.trunks(config, "pair")
    assert sweep(config, "pair") == ["law_results/pair/sweep/000.json", "law_results/pair/sweep/001.json"]


def test_a_job_reads_only_the_mixtures_it_draws_from():
    config = configured(batch=3, branches={"early": {**EARLY, "corners": True}})
    mixtures = ["sweep_00", "sweep_01", "sweep_02"]
    assert sweeps.mixtures_of_batch(config, "pair", "000") == [*mixtures, "only_openhermes", "only_magpie"]
    assert sweep_mixtures(config, "pair", "001") == [f"mixtures/pair/{name}.json" for name in mixtures]
    assert sweeps.branches_of_batch(config, "pair", "001") == {}


def test_settings_of_a_dirichlet_decide_nothing_of_a_grid():
    config = configured()
    other = copy.deepcopy(config)
    other["experiments"]["pair"]["laws"]["points"]["seed"] = 9
    assert sweeps.point_spec(config, "pair") == sweeps.point_spec(other, "pair") == {"kind": "grid", "count": 3}


@pytest.mark.parametrize(("tokens", "found"), [(52_000, ["pair"]), (51_000, [])])
def test_greed_is_judged_where_branches_end_with_the_run(tokens, found):
    config = configured(branches={"rest": {"after": 52_000, "tokens": tokens}})
    assert sweeps.to_the_end(config) == found
    assert bool(laws(config, "pair")["greedy"]) == bool(found)


def test_every_token_of_trunks_and_branches_is_charged():
    config = configured(
        branches={
            "early": {**EARLY, "corners": True},
            "even": {"after": 52_000, "tokens": 10_400, "parents": "stratified"},
        }
    )
    trunks, early, even = 6 * 104_000, 3 * 5 * 10_400, 52_000 + 3 * 10_400
    assert sum(sweeps.trained_tokens(config, "pair")) == trunks + early + even
    assert len(sweeps.trained_tokens(config, "pair")) == 6 + 15 + 1 + 3


def test_losses_are_taken_where_branches_start_and_end_and_twice_where_runs_do():
    config = configured(branches={"early": {**EARLY, "corners": True}, "rest": {"after": 52_000, "tokens": 52_000}})
    finished, starts, early, rest = 6 * 2, 3 * 2, 3 * 5, 3 * 3 * 2
    assert sweeps.measurements(config, "pair") == finished + starts + early + rest


def test_branches_that_round_to_the_end_of_the_run_end_with_it():
    config = configured(branches={"rest": {"after": 51_900, "tokens": 52_100}})
    config["experiments"]["pair"]["tokens"] = 104_300  # 100 steps and a bit
    assert sweeps.to_the_end(config) == ["pair"]
