"""Checks on strategies and experiments: names, files, and what is said of runs without refusing them."""

import copy
from pathlib import Path

import pytest
import yaml

from config_cases import CONFIG, SCHEMA, changed, problems
from emulsion.study.check import check
from emulsion.study.experiment import Experiment


def test_a_strategy_may_not_take_the_name_of_another_mixture():
    config = changed("strategies/optimal", {"ratios": {"magpie": 1}})
    assert "methods.optimal: a strategy has this name too; choose another" in problems(config)
    config = changed("strategies/only_magpie", {"ratios": {"magpie": 1}})
    config["experiments"]["exp3"]["strategies"].append("only_magpie")
    assert "experiments.exp3: 'only_magpie' is the name of two of its mixtures or runs" in problems(config)


def test_experiments_whose_files_could_be_taken_for_one_anothers_are_refused():
    config = changed("experiments/exp3-equal", copy.deepcopy(CONFIG["experiments"]["exp3"]))
    config["strategies"]["equal-mix"] = {"ratios": {"magpie": 1, "fineweb": 1}}
    config["strategies"]["mix"] = {"ratios": {"magpie": 1, "fineweb": 2}}
    config["experiments"]["exp3"]["strategies"] += ["equal-mix"]
    config["experiments"]["exp3-equal"]["strategies"] += ["mix"]
    message = problems(config)
    assert "'exp3' and 'exp3-equal' are not told apart in models/{experiment}-{run}, where 'exp3-equal-mix'" in message


def test_names_that_differ_in_capitals_alone_are_refused():
    config = changed("experiments/EXP3", copy.deepcopy(CONFIG["experiments"]["exp3"]))
    assert "experiments: 'exp3' and 'EXP3' differ in capitals alone" in problems(config)


def test_names_that_files_or_tables_have_for_something_else_are_refused():
    config = copy.deepcopy(CONFIG)
    config["experiments"]["proving_ground"] = copy.deepcopy(config["experiments"]["exp3"])
    config["sources"]["mean"] = copy.deepcopy(config["sources"]["fineweb"])
    said = problems(config)
    assert "experiments.proving_ground: results/proving_ground/ is for" in said and "sources.mean: tables call" in said


def test_names_that_no_file_can_have_are_refused():
    long = "".join(map(str, range(60)))
    config = changed(f"strategies/{long}", {"ratios": {"magpie": 1}})
    assert f"strategies: '{long}'" in problems(config)
    config = changed("strategies/m" + "0" * 20, {"ratios": {"magpie": 1}})
    assert "strategies.m00000000000000000000: it ends in 20 repetitions" in problems(config)


def test_mixtures_that_differ_in_capitals_alone_are_refused():
    config = copy.deepcopy(CONFIG)
    config["strategies"]["Equal_Mix"] = {"ratios": {"fineweb": 1.0}}
    config["experiments"]["exp3"]["strategies"].append("Equal_Mix")
    assert "experiments.exp3: 'equal_mix' and 'Equal_Mix' differ in capitals alone" in problems(config)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("suites/World", CONFIG["suites"]["world"], "suites: 'world' and 'World'"),
        ("tokenizers/Demo", CONFIG["tokenizers"]["demo"], "tokenizers: 'demo' and 'Demo'"),
        ("swarms/Small", CONFIG["swarms"]["small"], "experiments.exp3: swarms: 'small' and 'Small'"),
    ],
)
def test_what_lies_in_files_whose_names_differ_in_capitals_alone_is_refused(path, value, said):
    config = changed(path, copy.deepcopy(value))
    config["methods"]["other"] = {**config["methods"]["optimal"], "swarm": "Small"}
    config["swarms"].setdefault("Small", config["swarms"]["small"])
    config["experiments"]["exp3"]["methods"].append("other")
    assert f"{said} differ in capitals alone" in problems(config)


RECIPES = {"stages": [{"recipe": f"resources/recipes/smollm3/stage{number}.yaml"} for number in (1, 2, 3)]}


def test_the_many_unknown_sources_of_a_recipe_are_one_line():
    said = problems(changed("strategies/as_smollm3", RECIPES)).splitlines()
    assert (
        len(said) == 2 and "strategies.as_smollm3: 72 of its sources are not under `sources`: fineweb_edu," in said[1]
    )


def test_the_many_sources_of_a_recipe_that_an_experiment_lacks_are_one_line():
    config = changed("strategies/equal_mix", RECIPES)
    for source in yaml.safe_load(Path("config/smollm3.yaml").read_text())["experiments"]["smollm3"]["sources"]:
        config["sources"][source] = CONFIG["sources"]["fineweb"]
    said = problems(config).splitlines()
    lacks = "72 of its sources are not the experiment's. Add them there: fineweb_edu, dclm"
    assert len(said) == 2 and f"experiments.exp3: strategy 'equal_mix': {lacks}" in said[1]


@pytest.mark.parametrize(
    ("key", "name", "other"), [("strategies", "unimax", "methods"), ("methods", "equal_mix", "strategies")]
)
def test_a_name_in_the_other_list_is_told_where_it_belongs(key, name, other):
    said = problems(changed(f"experiments/exp3/{key}", [name]))
    assert f"experiments.exp3.{key}: '{name}' stands under `{other}`; list it in experiments.exp3.{other}." in said


def test_sources_are_left_out_of_a_strategy():
    said = problems(changed("experiments/exp3/ablations", {"base": "unimax"}))
    assert "ablations.base: 'unimax' stands under `methods`; sources are left out of a strategy." in said


def test_files_that_an_experiment_names_are_read_before_any_job(tmp_path):
    (tmp_path / "published.yaml").write_text("caveat: none\nmodels: [{name: A}]\n")
    limits = {"perplexity": 5, "coherent": 0.8, "spread": 0.05}
    config = changed("experiments/exp3/metrics", {**limits, "published": str(tmp_path / "published.yaml")})
    config["experiments"]["exp3"]["downstream"] = {"tasks": ["arc_easy"], "task_files": str(tmp_path / "none")}
    said = problems(config)
    assert f"{tmp_path}/published.yaml: models[0].parameters: is missing." in said
    assert f"experiments.exp3.downstream.task_files: {tmp_path}/none: no such folder." in said


@pytest.mark.parametrize(
    ("tokens", "batch", "notes"),
    [
        (900, 480, ["a run of 900 tokens ends after 1 step(s) of 480 and has learnt next to nothing."]),
        (5_000, 480, ["a run of 5,000 tokens ends after 10 whole steps of 480, at 4,800."]),
        (900_000, 500, ["a step of 500 tokens holds 6 sequence(s) of 80, so that it is one of 480."]),
        (900_300, 480, []),
    ],
)
def test_what_whole_steps_leave_out_is_said(tokens, batch, notes):
    config = changed("training/demo/batch_tokens", batch)
    config["experiments"]["exp3"]["tokens"] = tokens
    said = [note for note in check(config, SCHEMA) if "swarm" not in note]
    assert said == [f"experiments.exp3: {note}" for note in notes]


def test_a_run_that_decides_its_mixture_cannot_be_trained_again():
    config = copy.deepcopy(CONFIG)
    config["methods"]["aioli"] = {"kind": "aioli", "rounds": 5}
    nothing_else = {"strategies": [], "ablations": None, "singles": False, "methods": ["aioli"]}
    config["experiments"]["exp3"] |= nothing_else
    config["figures"] = []
    assert "experiments.exp3.repeat: its methods all decide while they train" in problems(config)
    config["experiments"]["exp3"]["singles"] = True
    check(config, SCHEMA)


def test_limits_are_for_strategies():
    config = copy.deepcopy(CONFIG)
    limits = {"perplexity": 20, "coherent": 0.9, "spread": 0.05}
    config["experiments"]["exp3"] |= {"metrics": limits, "strategies": [], "ablations": None, "repeat": False}
    config["figures"] = []
    assert "experiments.exp3.metrics: limits are for the runs of strategies" in problems(config)


def test_one_source_alone_may_be_trained_again():
    config = copy.deepcopy(CONFIG)
    settings = {"title": "T", "sources": ["magpie"], "tokens": 96_000, "repeat": True, "seeds": [0]}
    config["experiments"], config["figures"] = {"x": settings}, []
    check(config, SCHEMA)
    assert Experiment(config, "x").repeated_pair() == ["only_magpie", "only_magpie-again"]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("experiments/exp3/tokens", 300, "tokens 300 is less than one batch of 480 tokens."),
        ("training/demo/batch_tokens", 64, "batch_tokens 64 is less than one sequence of 80."),
    ],
)
@pytest.mark.parametrize("asks", ["rounds", "branches"])
def test_runs_without_a_step_are_refused_with_their_place_whatever_asks_for_steps(path, value, fault, asks):
    config = changed(path, value)
    if asks == "rounds":
        config["methods"]["unimax"] = {"kind": "odm"}
    else:
        config["swarms"]["small"]["branches"] = {"early": {"after": 4800, "tokens": 4800}}
    places = ("experiments.exp3", "experiments.exp3: swarm 'small'")
    assert problems(config).splitlines()[1:] == [f"  - {place}: run spec: {fault}" for place in places]
