"""What an experiment asks about laws, and about matrices that are held against theirs."""

from pathlib import Path

import pytest

from config_cases import pair_of_sources
from emulsion.fields import read_yaml
from emulsion.study import experiment_paths as files
from emulsion.study.experiment import Experiment
from emulsion.study.form import fill_in
from emulsion.study.laws import Laws

SCHEMA = read_yaml(Path("workflow/schemas/config.schema.yaml"))
REST = {"after": 52_000, "tokens": 52_000}


def pair(tokens=104_000, branches=None, **settings):
    """An experiment of two sources and two seeds that trains Aioli."""
    config = read_yaml(Path("config.yaml"))
    config["methods"]["aioli"] = {"kind": "aioli", "rounds": 5}
    config["swarms"]["sweep"] = {"points": {"kind": "grid", "count": 3}, "branches": branches or {}}
    config["experiments"]["pair"] = pair_of_sources(tokens=tokens, seeds=[3, 5], methods=["aioli"], **settings)
    fill_in(config, SCHEMA)
    return Experiment(config, "pair")


def test_an_experiment_without_laws_asks_nothing():
    laws = Laws(pair())
    assert laws.swarm is None and not laws.branched and not laws.compare_greedy()
    assert laws.matrices() == {} and laws.methods() == laws.all_branched_runs() == []


@pytest.mark.parametrize(
    ("tokens", "branch", "found"),
    [
        (104_000, REST, True),
        (104_000, {**REST, "tokens": 51_000}, False),
        (104_300, {"after": 51_900, "tokens": 52_100}, True),  # they round to the end: 100 steps and a bit
    ],
)
def test_greed_is_judged_where_branches_end_with_the_run(tokens, branch, found):
    experiment = pair(tokens, {"rest": branch}, laws={"swarm": "sweep"})
    assert Laws(experiment).compare_greedy() is found
    assert bool(files.laws(experiment)["greedy"]) is found


@pytest.mark.parametrize(("branches", "found"), [({}, False), ({"rest": REST}, True)])
def test_the_dynamic_law_needs_branches(branches, found):
    experiment = pair(branches=branches, laws={"swarm": "sweep"})
    assert Laws(experiment).branched is found
    assert bool(files.laws(experiment)["dynamic_law"]) is found


@pytest.mark.parametrize(("seeds", "runs"), [("first", ["aioli"]), ("all", ["aioli", "aioli-seed5"])])
def test_branches_leave_the_runs_in_which_a_method_decided(seeds, runs):
    asked = {"methods": ["aioli"], "shares": [0.5], "tokens": 960, "seeds": seeds}
    laws = Laws(pair(parameters=asked))
    assert laws.all_branched_runs() == [run.name for run in laws.branched_runs("aioli")] == runs
    assert laws.own_matrix("aioli")["kind"] == "aioli"


def test_points_of_branches_have_the_settings_of_their_kind_alone():
    points = {"kind": "grid", "count": 3, "bounds": [0.1, 0.9]}
    laws = Laws(pair(parameters={"methods": ["aioli"], "shares": [0.5], "tokens": 960, "points": points}))
    assert laws.branch_points() == {"kind": "grid", "count": 3}
