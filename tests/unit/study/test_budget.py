import re
from pathlib import Path

import pytest

from config_cases import pair_of_sources
from emulsion.fields import read_yaml
from emulsion.models import flops_per_token, parameter_count
from emulsion.spec import RunSpec
from emulsion.study.account import add_up
from emulsion.study.budget import (
    observed_tokens,
    over_budget,
    parameters_cost,
    planned_cost,
    run_cost,
    swarm_cost,
    vocabulary_of,
)
from emulsion.study.check import check
from emulsion.study.experiment import Experiment
from emulsion.study.overlays import merged


def test_each_stage_over_its_limit_is_named():
    [text] = over_budget({"strategies": 4.0, "swarms": 0.2}, {"strategies": 3.0, "swarms": 0.5})
    assert text == "strategies: 4.00 hours are over the budget of 3 by 33%."


def test_every_shipped_experiment_has_a_plan():
    config = read_yaml(Path("config.yaml"))
    check(config, Path("workflow/schemas/config.schema.yaml"))
    for name in config["experiments"]:
        assert planned_cost(Experiment(config, name))["total"]["hours"] > 0


@pytest.fixture(scope="module")
def published_settings():
    """{experiment: its planned cost} of config/slimpajama.yaml, and the configuration."""
    files = ("config.yaml", "config/further_sources.yaml", "config/slimpajama.yaml")
    config = merged([read_yaml(Path(file)) for file in files])
    check(config, Path("workflow/schemas/config.schema.yaml"))
    return {name: planned_cost(Experiment(config, name)) for name in config["only"]}, config


def test_the_published_settings_keep_their_own_budgets(published_settings):
    costs, config = published_settings
    for name, stages in costs.items():
        hours = {stage: cost["hours"] for stage, cost in stages.items()}
        assert not over_budget(hours, config["experiments"][name]["budget"]["hours"]), name


def test_the_published_settings_say_what_they_cost(published_settings):
    costs, _ = published_settings
    said = re.findall(r"([\d,]+) runs +([\d.]+) +billion tokens +(\d+) h", Path("config/slimpajama.yaml").read_text())
    for line, compares in ((said[-2], False), (said[-1], True)):
        total = add_up([stages["total"] for name, stages in costs.items() if name.startswith("methods") == compares])
        assert line == (f"{total['runs']:,}", f"{total['tokens'] / 1e9:.1f}", f"{total['hours']:.0f}")


def test_the_study_on_real_data_says_by_how_much_it_exceeds_its_budget():
    config = merged([read_yaml(Path(file)) for file in ("config.yaml", "config/full.yaml")])
    check(config, Path("workflow/schemas/config.schema.yaml"))
    hours = {stage: cost["hours"] for stage, cost in planned_cost(Experiment(config, "exp3")).items()}
    others = hours["total"] - hours["strategies"] - hours["swarms"]
    assert len(over_budget(hours, config["experiments"]["exp3"]["budget"]["hours"])) == 3
    said = f"take {hours['strategies']:.0f}, the swarm {hours['swarms']:.1f}, and methods, single sources and ablations"
    assert f"{said} {others:.0f} more" in Path("config/full.yaml").read_text()


def test_hours_are_those_of_operations_at_the_speed_of_the_device_and_of_what_is_around_them():
    config = read_yaml(Path("config.yaml"))
    device = {"teraflops": 2.0, "utilisation": 0.25, "seconds_per_run": 10, "seconds_per_evaluation": 20}
    config["devices"]["mine"] = device
    config["swarms"]["alone"] = {"points": {"kind": "corners"}}
    config["methods"]["skillit"] = {"kind": "skillit", "swarm": "alone", "rounds": 4}
    settings = {"tokens": 480_000, "budget": {"device": "mine", "hours": {}}}
    config["experiments"]["pair"] = pair_of_sources(methods=["skillit"], **settings)
    check(config, Path("workflow/schemas/config.schema.yaml"))
    experiment = Experiment(config, "pair")
    size = experiment.entries["skillit"].size
    spec = RunSpec.from_json(experiment.spec_of(size))
    each = flops_per_token(spec.model, vocabulary_of(experiment, experiment.spec_of(size)))
    run, observing = run_cost(experiment, size), run_cost(experiment, size, 300.0)
    assert run["flops"] == pytest.approx(480_000 * each) and run["hours"] * 3600 == pytest.approx(
        run["flops"] / 0.5e12 + 30
    )
    assert run["disk_bytes"] == 4 * parameter_count(spec.model, vocabulary_of(experiment, experiment.spec_of(size)))
    assert observing["flops"] - run["flops"] == pytest.approx(300 * each)
    swarm = experiment.swarms["alone"]
    cost = swarm_cost(experiment, swarm)
    # Two trunks; losses on two sources where they begin, and of two splits where they end.
    read = 2 * (1 + 2) * 2 * spec.validation_sequences * spec.context
    assert cost["flops"] == pytest.approx((2 * 480_000 + read / 3) * each)
    assert cost["hours"] * 3600 == pytest.approx(cost["flops"] / 0.5e12 + 10 * len(swarm.batches))


def test_branches_of_methods_own_runs_are_charged_with_the_way_to_the_last_state_and_what_is_measured():
    config = read_yaml(Path("config.yaml"))
    config["devices"]["mine"] = {"teraflops": 2.0, "utilisation": 0.25, "seconds_per_run": 10}
    config["devices"]["mine"]["seconds_per_evaluation"] = 20
    config["methods"]["aioli"] = {"kind": "aioli", "rounds": 4, "sweeps": 1}
    points = {"kind": "grid", "count": 3}
    compared = {"methods": ["aioli"], "shares": [0.3, 0.6], "tokens": 48_000, "points": points, "seeds": "all"}
    settings = {"methods": ["aioli"], "seeds": [0, 1], "parameters": compared, "tokens": 480_000}
    config["experiments"]["pair"] = pair_of_sources(**settings, budget={"device": "mine", "hours": {}})
    check(config, Path("workflow/schemas/config.schema.yaml"))
    experiment = Experiment(config, "pair")
    values = experiment.spec_of(experiment.entries["aioli"].size)
    spec = RunSpec.from_json(values)
    # Two runs to 60 % of their tokens, each with three branches from two states.
    tokens = 2 * (288_000 + 6 * 48_000)
    # Losses on two sources of each state and each branch, and what the method itself looks at.
    read = 2 * (2 + 6) * 2 * spec.validation_sequences * spec.context / 3
    read += 2 * observed_tokens(experiment, "aioli", 0.6)
    each = flops_per_token(spec.model, vocabulary_of(experiment, values))
    cost = parameters_cost(experiment)
    assert (cost["runs"], cost["tokens"], cost["disk_bytes"]) == (2 * (1 + 6), tokens, 0)
    assert cost["flops"] == pytest.approx((tokens + read) * each)
    assert cost["hours"] * 3600 == pytest.approx(cost["flops"] / 0.5e12 + 2 * 10)
    assert planned_cost(experiment)["parameters"] == cost


def test_the_trainings_of_a_search_are_a_stage_of_their_own_as_in_the_account():
    config = read_yaml(Path("config.yaml"))
    config["methods"]["direct"] = {"kind": "direct_search", "evaluations": 5, "tokens": 104_000}
    config["experiments"]["pair"] = pair_of_sources(methods=["stratified", "direct"], tokens=480_000)
    config["methods"]["stratified"] = {"kind": "stratified"}
    check(config, Path("workflow/schemas/config.schema.yaml"))
    experiment = Experiment(config, "pair")
    costs = planned_cost(experiment)
    runs = len(experiment.runs(experiment.methods()))
    assert (costs["methods"]["runs"], costs["methods"]["tokens"]) == (runs, runs * 480_000)
    assert (costs["searches"]["runs"], costs["searches"]["tokens"]) == (5, 5 * 104_000)
    assert costs["searches"]["disk_bytes"] == 0


@pytest.mark.parametrize(
    ("method", "observed"),
    [
        ({"kind": "odm", "rounds": 4}, 0),
        ({"kind": "ado", "rounds": 4}, 0),
        ({"kind": "aioli", "rounds": 4, "sweeps": 1}, 4 * 3 * 2 / 3),
        ({"kind": "aioli", "rounds": 4, "sweeps": 1, "after": {"method": "stratified", "share": 0.25}}, 4 * 3 * 2 / 3),
        ({"kind": "skillit", "swarm": "alone", "rounds": 4}, 3 * 2 / 3),
        ({"kind": "doge", "rounds": 4}, 3 * 3),
    ],
)
def test_the_plan_charges_what_online_methods_observe(method, observed):
    """Of two sources, as the sequences that it reads of one: forward passes are a third, gradients a whole."""
    config = read_yaml(Path("config.yaml"))
    config["methods"]["mine"] = method
    config["swarms"]["alone"] = {"points": {"kind": "corners"}}
    config["experiments"]["pair"] = pair_of_sources(methods=["stratified", "mine"], tokens=480_000)
    config["methods"]["stratified"] = {"kind": "stratified"}
    check(config, Path("workflow/schemas/config.schema.yaml"))
    experiment = Experiment(config, "pair")
    [deciding] = experiment.deciding()
    spec = experiment.spec_of(experiment.entries[deciding].size)
    assert observed_tokens(experiment, deciding) == pytest.approx(
        observed * spec["validation_sequences"] * spec["model"]["context"]
    )
    assert observed_tokens(experiment, "stratified") == 0
    trained = [
        run_cost(experiment, run.entry.size)["flops"]
        for run in experiment.runs([*experiment.methods(), *experiment.guides()])
    ]
    assert (planned_cost(experiment)["methods"]["flops"] > sum(trained)) is bool(observed)
