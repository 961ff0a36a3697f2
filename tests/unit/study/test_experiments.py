import copy
from pathlib import Path

import yaml
from emulsion.study.experiments import mixture_stages, run_spec

from emulsion.spec import RunSpec
from emulsion.study import experiments
from emulsion.study.catalogue import source_spec
from emulsion.study.paths import suite_file
from emulsion.study.strategies import strategy_stages

CONFIG = yaml.safe_load(Path("config.yaml").read_text())


def test_a_run_spec_holds_what_training_needs_and_nothing_that_cannot_change_the_result():
    spec = run_spec(CONFIG, "exp3", "equal_mix")
    assert RunSpec.from_json(spec).steps > 1
    other = copy.deepcopy(CONFIG)
    other["training"]["demo"]["micro_batch"] = 1
    other["experiments"]["exp3"]["title"] = "Something else?"
    other["experiments"]["exp3"]["evaluation"]["samples"] = 99
    assert run_spec(other, "exp3", "equal_mix") == spec


def test_a_run_spec_changes_with_the_model_behind_its_name():
    other = copy.deepcopy(CONFIG)
    other["models"]["tiny"]["layers"] = 4
    assert run_spec(other, "exp3", "equal_mix") != run_spec(CONFIG, "exp3", "equal_mix")


def test_constant_ratios_are_one_stage_and_stages_keep_their_order():
    assert strategy_stages({"ratios": {"a": 1}}) == [{"until": 1.0, "weights": {"a": 1}}]
    stages = [{"until": 0.5, "ratios": {"a": 1}}, {"until": 1, "ratios": {"b": 1}}]
    assert [stage["until"] for stage in strategy_stages({"stages": stages})] == [0.5, 1.0]


def test_a_source_is_specified_by_the_block_its_kind_selects_alone():
    other = copy.deepcopy(CONFIG)
    other["sources"]["magpie"]["local"] = {"files": ["a.jsonl"]}
    assert source_spec(other, "magpie") == source_spec(CONFIG, "magpie")


def test_a_written_suite_is_read_where_it_lies_and_a_generated_one_where_the_workflow_puts_it():
    assert suite_file(CONFIG, "experiment3") == "resources/suites/experiment3.yaml"
    assert suite_file(CONFIG, "world") == "data/suites/world.json"


def with_settings(**settings):
    other = copy.deepcopy(CONFIG)
    other["experiments"]["exp3"].update(settings)
    return other


def test_an_analysis_that_is_turned_off_has_no_mixtures():
    everything = set(experiments.trained(CONFIG, "exp3"))
    none = {"single": False, "proportional": False, "temperatures": [], "unimax": False}
    off = with_settings(ablations=None, optimize=None, baselines=none, repeat=False)
    assert experiments.trained(off, "exp3") == CONFIG["experiments"]["exp3"]["strategies"]
    assert {"only_magpie", "without_magpie", "unimax", "temperature_2", "proxy_000", "optimal"} <= everything


def test_a_further_seed_adds_runs_and_renames_none():
    one, two = (experiments.runs(with_settings(seeds=seeds), "exp3") for seeds in ([0], [0, 7]))
    assert set(two) - set(one) == {
        f"{run}-seed7" for run in one if not run.startswith("proxy_") and run != "optimal-again"
    }
    assert set(one) <= set(two)


def test_a_run_knows_its_mixture_and_its_seed():
    config = with_settings(seeds=[3, 11])
    assert experiments.mixture_of("equal_mix-seed11") == experiments.mixture_of("equal_mix") == "equal_mix"
    assert run_spec(config, "exp3", "equal_mix")["seed"] == 3
    assert run_spec(config, "exp3", "equal_mix-seed11")["seed"] == 11


def test_values_of_runs_are_grouped_by_mixture_and_seed():
    grouped = experiments.by_mixture(["a", "a-seed7", "b"], [1, 2, 3], first_seed=5)
    assert grouped == {"a": {5: 1, 7: 2}, "b": {5: 3}}


def test_a_proxy_has_the_size_the_optimiser_gives_it():
    tokens = CONFIG["experiments"]["exp3"]["optimize"]["tokens"]
    assert run_spec(CONFIG, "exp3", "proxy_003")["tokens"] == tokens
    assert run_spec(CONFIG, "exp3", "optimal")["tokens"] == CONFIG["experiments"]["exp3"]["tokens"]


def test_an_ablation_leaves_one_source_out_and_rescales_the_rest():
    [stage] = mixture_stages(CONFIG, "exp3", "without_magpie")
    assert stage["weights"]["magpie"] == 0
    assert abs(stage["weights"]["fineweb"] - 1 / 3) < 1e-12
    assert mixture_stages(CONFIG, "exp3", "only_magpie") == [{"until": 1.0, "weights": {"magpie": 1.0}}]


def test_proxies_are_no_part_of_the_comparison():
    assert not any(name.startswith("proxy_") for name in experiments.compared(CONFIG, "exp3"))


def with_own_model(strategy="knowledge_heavy", model="small"):
    other = copy.deepcopy(CONFIG)
    other["models"]["small"] = {**CONFIG["models"]["tiny"], "layers": 3}
    other["strategies"][strategy]["model"] = model
    return other


def test_a_strategy_may_have_a_model_of_its_own_in_all_its_runs():
    config = with_own_model()
    layers = {
        run: run_spec(config, "exp3", run)["model"]["layers"]
        for run in ("knowledge_heavy", "knowledge_heavy-seed7", "equal_mix", "proportional", "optimal", "proxy_000")
    }
    assert [run for run, count in layers.items() if count == 3] == ["knowledge_heavy", "knowledge_heavy-seed7"]


def test_what_is_left_out_of_a_strategy_is_left_out_of_its_model():
    config = with_own_model("equal_mix")
    assert run_spec(config, "exp3", "without_magpie") == run_spec(config, "exp3", "equal_mix")
    assert run_spec(config, "exp3", "without_magpie") != run_spec(config, "exp3", "only_magpie")


def test_the_optimiser_learns_only_from_runs_of_its_own_model():
    config = with_own_model()
    assert "knowledge_heavy" in experiments.informing(CONFIG, "exp3")
    assert set(experiments.informing(CONFIG, "exp3")) - set(experiments.informing(config, "exp3")) == {
        "knowledge_heavy"
    }


def test_the_conclusions_are_told_where_models_differ():
    assert experiments.groups(CONFIG, "exp3")["models"] == {}
    models = experiments.groups(with_own_model(), "exp3")["models"]
    assert (models["knowledge_heavy"], models["equal_mix"]) == ("small", "tiny")
