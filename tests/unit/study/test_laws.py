"""What an experiment asks about laws, and about matrices that are held against theirs."""

from pathlib import Path

import pytest

from config_cases import pair_of_sources
from emulsion.fields import read_yaml
from emulsion.study import experiment_paths as files
from emulsion.study.experiment import Experiment
from emulsion.study.form import fill_in
from emulsion.study.laws import Laws
from emulsion.study.overlays import merged

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


@pytest.mark.parametrize(
    ("setting", "groups", "design"),
    [
        ("methodsarxivse", "arxivse", {"kind": "grid", "count": 9}),
        ("methodsghc4", "ghc4", {"kind": "grid", "count": 9}),
        ("methodsbookse", "bookse", {"kind": "grid", "count": 9}),
        ("methodsarxivbookse", "arxivbookse", {"kind": "dirichlet", "count": 10, "concentration": 1.0}),
        ("methodsccghwiki", "ccghwiki", {"kind": "dirichlet", "count": 10, "concentration": 1.0}),
    ],
)
def test_the_published_settings_try_the_papers_mixtures(setting, groups, design):
    """Aioli (2411.05735): nine shares of two groups, ten draws of three (4.1); A of Aioli after grid search (C.2)."""
    files = ("config.yaml", "config/further_sources.yaml", "config/slimpajama.yaml")
    config = merged([read_yaml(Path(file)) for file in files])
    fill_in(config, SCHEMA)
    experiment = Experiment(config, setting)
    compared = Laws(experiment)
    assert compared.branch_points().items() >= design.items()
    assert f"{groups}_aioli_grid" in compared.methods() and f"{groups}_aioli" not in compared.methods()
    for method in ("grid", "dml", "grid_short", "dml_short"):
        swarm = experiment.swarms[experiment.entries[f"{groups}_{method}"].swarm]
        assert swarm.design.items() >= design.items()
