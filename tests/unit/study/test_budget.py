import json
import re
from pathlib import Path

import pytest

from config_cases import pair_of_sources
from emulsion.fields import read_yaml
from emulsion.files import write_json
from emulsion.models import flops_per_token, parameter_count
from emulsion.spec import RunSpec
from emulsion.study.budget import (
    add_up,
    items_of_suites,
    observed_tokens,
    over_budget,
    parameters_cost,
    planned_cost,
    run_cost,
    spent,
    spent_by_stages,
    spent_on_swarms,
    swarm_cost,
    vocabulary_of,
)
from emulsion.study.check import check
from emulsion.study.experiment import Experiment
from emulsion.study.overlays import merged
from emulsion.synthetic import CAPABILITIES

TRUNK = {"mixture": "small_00", "seed": 0}
RUN = {"seconds": 60.0, "devices": 2, "tokens": 1000, "peak_memory_bytes": 5}


def test_a_jobs_time_counts_where_it_is_longer_than_its_training():
    account = spent({"a": RUN, "b": RUN}, {"a": 90.0, "b": 10.0}, {"a": 30.0, "b": 6.0})
    assert account["training_hours"] == pytest.approx((90 + 60) * 2 / 3600)
    assert account["evaluation_hours"] == pytest.approx(36 / 3600)
    assert (account["runs"], account["tokens"], account["unmeasured_jobs"]) == (2, 2000, 0)


def test_a_run_whose_measurement_was_deleted_is_charged_its_own_clock_and_said():
    account = spent({"a": RUN, "b": RUN}, {"a": 90.0}, {})
    assert account["training_hours"] == pytest.approx((90 + 60) * 2 / 3600)
    assert account["unmeasured_jobs"] == 3


def test_what_killed_tries_had_not_saved_is_charged():
    killed = {**RUN, "killed": {"tries": 2, "seconds": 40.0}}
    assert spent({"a": killed}, {"a": 90.0}, {})["training_hours"] == pytest.approx(100 * 2 / 3600)
    trunk = {**TRUNK, "tokens": 1, "seconds": 10.0, "killed": {"tries": 1, "seconds": 5.0}, "branches": {}}
    assert spent_on_swarms([{"peak_memory_bytes": 1, "runs": [trunk]}], [None])["training_hours"] * 3600 == 15


def test_a_copied_model_is_no_training():
    copied = {**RUN, "seconds": 0.0, "copied_from": "exp-a"}
    account = spent({"a": RUN, "b": copied}, {"a": 90.0, "b": 3.0}, {"a": 30.0, "b": 6.0})
    assert (account["runs"], account["tokens"], account["unmeasured_jobs"]) == (1, 1000, 0)
    assert account["training_hours"] == pytest.approx((90 + 3) * 2 / 3600)


def test_the_items_of_an_experiment_are_those_that_judge_it():
    config = read_yaml(Path("config.yaml"))
    check(config, Path("workflow/schemas/config.schema.yaml"))
    config["suites"]["world"]["synthetic"]["items_per_capability"] = 40
    assert items_of_suites(Experiment(config, "exp3")) == dict.fromkeys(CAPABILITIES, 20)
    config["experiments"]["exp3"]["evaluation"]["selection"] = False
    assert items_of_suites(Experiment(config, "exp3")) == dict.fromkeys(CAPABILITIES, 40)


def test_each_stage_over_its_limit_is_named():
    [text] = over_budget({"strategies": 4.0, "swarms": 0.2}, {"strategies": 3.0, "swarms": 0.5})
    assert text == "strategies: 4.00 hours are over the budget of 3 by 33 %."


END = {"seconds": 2.0}
FILE = {
    "peak_memory_bytes": 7,
    "runs": [
        {**TRUNK, "tokens": 100, "seconds": 10.0, "branches": {"early": {"tokens": 20, "ends": [END, END]}}},
        {**TRUNK, "seed": 1, "tokens": 100, "seconds": 9.0, "branches": {}},
    ],
}


def test_a_swarm_is_charged_its_trunks_and_each_of_its_branches():
    account = spent_on_swarms([FILE], [None])
    assert (account["runs"], account["tokens"], account["peak_memory_bytes"]) == (4, 240, 7)
    assert account["training_hours"] == pytest.approx(23 / 3600) and account["unmeasured_jobs"] == 1


def test_the_states_of_one_online_run_are_one_run_in_the_account_as_in_the_plan():
    states = [
        {
            **TRUNK,
            "run": f"aioli-{step}",
            "tokens": 50,
            "seconds": 5.0,
            "branches": {step: {"tokens": 20, "ends": [END] * 3}},
        }
        for step in ("step2", "step4")
    ]
    account = spent_on_swarms([{"peak_memory_bytes": 7, "runs": states}], [None])
    assert (account["runs"], account["tokens"]) == (1 + 6, 100 + 6 * 20)


def test_a_job_that_found_its_runs_done_is_charged_what_they_took_and_one_cut_off_what_it_took():
    account = spent_on_swarms([FILE, FILE], [3.0, 60.0])
    assert account["training_hours"] == pytest.approx((23 + 60) / 3600) and account["unmeasured_jobs"] == 0


def test_an_account_adds_up_stages_swarms_and_searches_from_their_files(tmp_path):
    records = {run: tmp_path / "models" / f"exp-{run}" / "run.json" for run in ("a", "b")}
    for file in records.values():
        write_json(file, RUN)
    swarm = tmp_path / "results" / "exp" / "swarms" / "small" / "000.json"
    write_json(swarm, FILE)
    jobs = (("train", "exp-a", 90.0), ("evaluate", "exp-a", 36.0), ("train_swarm", "exp-small-000", 46.0))
    for rule, job, seconds in jobs:
        measured = tmp_path / "logs" / rule / f"{job}.benchmark.jsonl"
        measured.parent.mkdir(parents=True, exist_ok=True)
        measured.write_text(json.dumps({"s": seconds}) + "\n")
    search = tmp_path / "results" / "exp" / "direct_mix.json"
    write_json(search, {"cost": {"runs": 3, "tokens": 30, "seconds": 36.0}})
    stages = {"strategies": ["a"], "singles": ["b"]}
    took = spent_by_stages(records, stages, [swarm], [], [search], tmp_path / "logs")
    assert list(took) == ["strategies", "singles", "swarms", "searches", "total"]
    assert took["strategies"]["training_hours"] == pytest.approx(90 * 2 / 3600)
    assert took["strategies"]["evaluation_hours"] == pytest.approx(0.01)
    assert took["singles"]["unmeasured_jobs"] == 2
    assert took["swarms"]["training_hours"] == pytest.approx(46 / 3600)
    assert (took["searches"]["runs"], took["searches"]["training_hours"]) == (3, pytest.approx(0.01))
    assert (took["total"]["runs"], took["total"]["peak_memory_bytes"]) == (2 + 4 + 3, 7)
    hours = sum(took[stage]["training_hours"] for stage in took if stage != "total")
    assert took["total"]["training_hours"] == pytest.approx(hours)


def test_an_account_of_runs_alone_has_no_more_than_its_stages(tmp_path):
    write_json(tmp_path / "exp-a" / "run.json", RUN)
    took = spent_by_stages({"a": tmp_path / "exp-a" / "run.json"}, {"strategies": ["a"]}, [], [], [], tmp_path)
    assert list(took) == ["strategies", "total"] and took["total"]["unmeasured_jobs"] == 2


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


def test_the_trainings_of_a_search_are_charged_to_the_methods_besides_their_runs():
    config = read_yaml(Path("config.yaml"))
    config["methods"]["direct"] = {"kind": "direct_search", "evaluations": 5, "tokens": 104_000}
    config["experiments"]["pair"] = pair_of_sources(methods=["stratified", "direct"], tokens=480_000)
    config["methods"]["stratified"] = {"kind": "stratified"}
    check(config, Path("workflow/schemas/config.schema.yaml"))
    experiment = Experiment(config, "pair")
    runs = len(experiment.runs(experiment.methods()))
    cost = planned_cost(experiment)["methods"]
    assert (cost["runs"], cost["tokens"]) == (runs + 5, runs * 480_000 + 5 * 104_000)


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
