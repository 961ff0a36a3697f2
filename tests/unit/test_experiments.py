import copy
from pathlib import Path

import yaml

from emulsion.experiments import run_spec, source_spec, strategy_stages, suite_file
from emulsion.training.spec import RunSpec

CONFIG = yaml.safe_load(Path("config.yaml").read_text())


def test_a_run_spec_holds_what_training_needs_and_nothing_that_cannot_change_the_result():
    spec = run_spec(CONFIG, "exp3")
    assert RunSpec.from_json(spec).steps > 1
    other = copy.deepcopy(CONFIG)
    other["training"]["demo"]["micro_batch"] = 1
    other["experiments"]["exp3"]["title"] = "Something else?"
    other["experiments"]["exp3"]["evaluation"]["samples"] = 99
    assert run_spec(other, "exp3") == spec


def test_a_run_spec_changes_with_the_model_behind_its_name():
    other = copy.deepcopy(CONFIG)
    other["models"]["tiny"]["layers"] = 4
    assert run_spec(other, "exp3") != run_spec(CONFIG, "exp3")


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
