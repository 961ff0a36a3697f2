"""From a swarm of the configuration to points, trunks, branches and jobs."""

from pathlib import Path

import pytest

from config_cases import pair_of_sources
from emulsion.fields import read_yaml
from emulsion.spec import RunSpec
from emulsion.study import experiment_paths as files
from emulsion.study.experiment import Experiment
from emulsion.study.form import fill_in

SCHEMA = read_yaml(Path("workflow/schemas/config.schema.yaml"))


def pair(tokens=104_000, **settings):
    """An experiment of two sources and two seeds, whose laws have a swarm of three points."""
    config = read_yaml(Path("config.yaml"))
    config["experiments"]["pair"] = pair_of_sources(tokens=tokens, seeds=[3, 5], laws={"swarm": "sweep"})
    config["swarms"]["sweep"] = {"points": {"kind": "grid", "count": 3}, "seeds": "all", **settings}
    fill_in(config, SCHEMA)
    return Experiment(config, "pair")


def sweep(**settings):
    return pair(**settings).swarms["sweep"]


def spec_of(experiment):
    return RunSpec.from_json(experiment.spec_of(experiment.size_of_swarm("sweep")))


EARLY = {"after": 20_800, "tokens": 10_400}


def test_every_point_is_a_trunk_of_every_seed_the_first_seed_first():
    assert [trunk["run"] for trunk in sweep().trunks] == [
        "sweep_00",
        "sweep_01",
        "sweep_02",
        "sweep_00-seed5",
        "sweep_01-seed5",
        "sweep_02-seed5",
    ]
    assert [trunk["seed"] for trunk in sweep().trunks] == [3, 3, 3, 5, 5, 5]


def test_branches_of_the_first_seed_leave_other_seeds_alone():
    assert [trunk["branches"] for trunk in sweep(branches={"early": EARLY}).trunks] == [["early"]] * 3 + [[]] * 3
    of_all = sweep(branches={"early": {**EARLY, "seeds": "all"}})
    assert all(trunk["branches"] == ["early"] for trunk in of_all.trunks)


def test_a_number_of_parents_means_the_first_points():
    assert [trunk["branches"] for trunk in sweep(branches={"early": {**EARLY, "parents": 2}}).trunks][:3] == [
        ["early"],
        ["early"],
        [],
    ]


def test_a_stratified_parent_is_a_trunk_of_its_own_that_is_not_finished():
    trunks = sweep(branches={"even": {**EARLY, "parents": "stratified"}}).trunks
    assert len(trunks) == 7
    assert trunks[3] == {"run": "stratified", "mixture": "stratified", "seed": 3, "finish": False, "branches": ["even"]}
    assert all(trunk["finish"] and not trunk["branches"] for trunk in trunks if trunk["mixture"] != "stratified")


def test_branches_are_visited_in_order_of_time_whatever_their_names():
    assert sweep(branches={"a": {**EARLY, "after": 52_000}, "b": EARLY}).trunks[0]["branches"] == ["b", "a"]


def test_jobs_share_trunks_by_the_batch_and_leave_none_out():
    experiment = pair(batch=4, branches={"early": EARLY})
    batches = experiment.swarms["sweep"].batches
    assert [len(batch) for batch in batches.values()] == [4, 2] and list(batches) == ["000", "001"]
    assert [trunk for batch in batches.values() for trunk in batch] == experiment.swarms["sweep"].trunks
    assert files.swarm_of_laws(experiment) == [f"results/pair/swarms/sweep/00{batch}.json" for batch in (0, 1)]


def test_a_job_has_the_branches_of_its_own_trunks():
    swarm = sweep(batch=3, branches={"early": {**EARLY, "corners": True}})
    found = swarm.branches_of_batch("000")["early"]
    assert found["mixtures"] == ["sweep_00", "sweep_01", "sweep_02"]
    assert found["corners"] == ["only_openhermes", "only_magpie"]
    assert swarm.branches_of_batch("001") == {}


def test_settings_of_a_dirichlet_decide_nothing_of_a_grid():
    other = sweep(points={"kind": "grid", "count": 3, "seed": 9})
    assert sweep().design == other.design == {"kind": "grid", "count": 3}


def test_a_swarm_of_the_first_seed_has_no_runs_of_others():
    assert [trunk["seed"] for trunk in sweep(seeds="first").trunks] == [3, 3, 3]


def test_runs_on_one_source_each_are_named_by_it():
    assert sweep(points={"kind": "corners"}).points == ["sweep_openhermes", "sweep_magpie"]
    assert sweep(points={"kind": "uniform"}).points == ["sweep_00"]


def test_every_token_of_trunks_and_branches_is_charged():
    swarm = sweep(
        branches={
            "early": {**EARLY, "corners": True},
            "even": {"after": 52_000, "tokens": 10_400, "parents": "stratified"},
        }
    )
    trunks, early, even = 6 * 104_000, 3 * 5 * 10_400, 52_000 + 3 * 10_400
    assert sum(swarm.trained_tokens(104_000)) == trunks + early + even
    assert len(swarm.trained_tokens(104_000)) == 6 + 15 + 1 + 3


def test_losses_are_taken_where_branches_start_and_end_and_twice_where_runs_do():
    experiment = pair(branches={"early": {**EARLY, "corners": True}, "rest": {"after": 52_000, "tokens": 52_000}})
    finished, starts, early, rest = 6 * 2, 3 * 2, 3 * 5, 3 * 3 * 2
    assert experiment.swarms["sweep"].measurements(spec_of(experiment)) == finished + starts + early + rest


def test_losses_that_several_branches_start_from_are_taken_once():
    one = pair(branches={"early": EARLY})
    two = pair(branches={"early": EARLY, "longer": {**EARLY, "tokens": 2 * EARLY["tokens"]}})
    each, both = (found.swarms["sweep"].measurements(spec_of(found)) for found in (one, two))
    finished, starts = 6 * 2, 3
    assert both - finished - starts == 2 * (each - finished - starts)


@pytest.mark.parametrize(("measure", "taken"), [(["losses"], 1 + 2), (["losses", "curve"], 2 + 4)])
def test_runs_on_one_source_are_measured_before_their_first_step_too(measure, taken):
    experiment = pair(points={"kind": "corners"}, seeds="first", measure=measure)
    assert experiment.swarms["sweep"].measurements(spec_of(experiment)) == 2 * taken


def test_a_swarm_that_measures_curves_asks_its_runs_for_them_and_counts_them():
    plain, curved = pair(), pair(measure=["losses", "curve"])
    assert all("curve" not in trunk for trunk in plain.swarms["sweep"].trunks)
    assert all(trunk["curve"] == trunk["finish"] for trunk in curved.swarms["sweep"].trunks if trunk["finish"])
    more = curved.swarms["sweep"].measurements(spec_of(curved)) - plain.swarms["sweep"].measurements(spec_of(plain))
    assert more == 4 * sum(trunk["finish"] for trunk in plain.swarms["sweep"].trunks)


@pytest.mark.parametrize(("matched", "share"), [({}, 1 / 2), ({"tokens": 520_000}, 1 / 10), ({"tokens": 52_000}, None)])
def test_a_swarm_that_stands_for_longer_runs_reads_a_part_of_its_sources(matched, share):
    experiment = pair(tokens=104_000)
    size = experiment.size.of_swarm({"tokens": 52_000, "match_epochs_of": matched})
    assert experiment.spec_of(size).get("part") == (share and pytest.approx(share))
    assert "part" not in experiment.spec_of(experiment.size)
    assert spec_of(pair(match_epochs_of={"tokens": 1_040_000})).part == pytest.approx(1 / 10)


@pytest.mark.parametrize(("matched", "tokens"), [(None, 104_000), ({}, 104_000), ({"tokens": 520_000}, 520_000)])
def test_points_are_bounded_by_the_epochs_of_the_run_that_they_stand_for(matched, tokens):
    matching = {} if matched is None else {"match_epochs_of": matched}
    experiment = pair(104_000, points={"kind": "spread"}, **matching)
    assert files.tokens_of_swarm(experiment, "sweep") == ["--tokens", str(tokens)]
    assert files.limit_of_swarm(experiment, "sweep") == experiment.max_epochs


def test_points_that_go_by_no_sizes_are_the_same_whatever_run_they_stand_for():
    experiment = pair(104_000, match_epochs_of={"tokens": 520_000})
    assert files.tokens_of_swarm(experiment, "sweep") == [] and files.limit_of_swarm(experiment, "sweep") is None


def test_a_setting_of_a_method_called_learning_rate_is_not_that_of_its_runs():
    size = pair().size
    assert size.changed_by({"kind": "doge", "learning_rate": 5e-4}) == size


def test_a_swarm_that_stands_for_runs_of_its_own_length_has_runs_like_any():
    experiment = pair(match_epochs_of={})
    assert experiment.size_of_swarm("sweep") == experiment.size


def test_a_swarm_may_have_a_learning_rate_of_its_own_whose_end_changes_alike():
    experiment = pair(learning_rate=1e-5)
    usual, own = experiment.spec_of(experiment.size), experiment.spec_of(experiment.size_of_swarm("sweep"))
    assert own["learning_rate"] == 1e-5
    ratio = 1e-5 / usual["learning_rate"]
    assert own["final_learning_rate"] == pytest.approx(usual["final_learning_rate"] * ratio)
    rest = ("learning_rate", "final_learning_rate")
    assert {**own, **{key: usual[key] for key in rest}} == usual
