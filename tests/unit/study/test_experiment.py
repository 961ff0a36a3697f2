import copy
from pathlib import Path

import pytest

from emulsion.fields import read_yaml
from emulsion.spec import RunSpec
from emulsion.study import experiment_paths as files
from emulsion.study.catalogue import source_spec
from emulsion.study.experiment import Experiment
from emulsion.study.form import fill_in
from emulsion.study.paths import suite_file
from emulsion.study.strategies import strategy_stages
from emulsion.study.study import Study

CONFIG = read_yaml(Path("config.yaml"))
fill_in(CONFIG, read_yaml(Path("workflow/schemas/config.schema.yaml")))


def exp3(config=CONFIG):
    return Experiment(config, "exp3")


def run_spec(config, run):
    return exp3(config).spec(run)


def test_a_run_spec_holds_what_training_needs_and_nothing_that_cannot_change_the_result():
    spec = run_spec(CONFIG, "equal_mix")
    assert RunSpec.from_json(spec).steps > 1
    other = copy.deepcopy(CONFIG)
    other["training"]["demo"]["micro_batch"] = 1
    other["experiments"]["exp3"]["title"] = "Something else?"
    other["experiments"]["exp3"]["evaluation"]["samples"] = 99
    assert run_spec(other, "equal_mix") == spec


def test_a_run_spec_changes_with_the_model_behind_its_name():
    other = copy.deepcopy(CONFIG)
    other["models"]["tiny"]["layers"] = 4
    assert run_spec(other, "equal_mix") != run_spec(CONFIG, "equal_mix")


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


def with_settings(more_methods=None, **settings):
    other = copy.deepcopy(CONFIG)
    other["experiments"]["exp3"].update(settings)
    other["methods"].update(more_methods or {})
    return other


def test_an_analysis_that_is_turned_off_has_no_mixtures():
    everything = set(exp3().trained())
    off = exp3(with_settings(ablations=None, methods=[], singles=False, repeat=False))
    assert off.trained() == CONFIG["experiments"]["exp3"]["strategies"]
    assert {"only_magpie", "without_magpie", "unimax", "temperature_2", "optimal", "optimal-again"} <= everything
    assert off.swarms == {} and off.points() == []


def test_a_further_seed_adds_runs_and_renames_none():
    one, two = (with_settings(seeds=seeds) for seeds in ([0], [0, 7]))
    one, two = (set(exp3(config).names(exp3(config).trained())) for config in (one, two))
    assert two - one == {f"{run}-seed7" for run in one if run != "optimal-again"}
    assert one <= two


def test_a_run_knows_its_mixture_and_its_seed():
    experiment = exp3(with_settings(seeds=[3, 11]))
    first, second = experiment.runs(["equal_mix"])
    assert (first.name, first.seed, second.name, second.seed) == ("equal_mix", 3, "equal_mix-seed11", 11)
    assert experiment.run("equal_mix-seed11").entry is experiment.entries["equal_mix"]
    assert (experiment.spec("equal_mix")["seed"], experiment.spec("equal_mix-seed11")["seed"]) == (3, 11)


def test_a_name_with_a_hyphen_and_a_number_is_not_taken_for_a_run_of_another_mixture():
    config = with_settings(strategies=["equal-seed7"], ablations=None, methods=[])
    config["strategies"]["equal-seed7"] = {"ratios": {"magpie": 1}}
    assert exp3(config).run("equal-seed7").seed == 0
    assert files.mixture_file(exp3(config), "equal-seed7") == "mixtures/exp3/equal-seed7.json"


def test_the_points_of_a_swarm_have_the_size_that_it_gives_them_and_are_no_part_of_the_comparison():
    config = with_settings()
    config["swarms"]["small"]["tokens"] = 50_000
    assert run_spec(config, "small_03")["tokens"] == 50_000
    assert run_spec(config, "optimal")["tokens"] == CONFIG["experiments"]["exp3"]["tokens"]
    assert exp3(config).points()[0] == "small_00" and not set(exp3(config).points()) & set(exp3(config).trained())


def test_a_swarm_is_trained_again_for_no_setting_of_an_evaluation_that_its_scores_do_not_depend_on():
    config = with_settings()
    before = exp3(config).judging_of_swarm("small")
    config["experiments"]["exp3"]["evaluation"] |= {"batch": 8, "resamples": 500, "test_sequences": 50}
    assert exp3(config).judging_of_swarm("small") == before
    config["experiments"]["exp3"]["evaluation"]["samples"] = 2
    assert exp3(config).judging_of_swarm("small") != before
    config["swarms"]["small"]["measure"] = ["losses"]
    assert exp3(config).judging_of_swarm("small") == {}


def test_an_ablation_leaves_one_source_out_and_keeps_the_name_of_it():
    entry = exp3().entries["without_magpie"]
    assert entry.method == {
        "kind": "without",
        "stages": strategy_stages(CONFIG["strategies"]["equal_mix"]),
        "source": "magpie",
    }
    assert exp3().left_out() == {"equal_mix": None, **{f"without_{source}": source for source in exp3().sources}}
    assert exp3().entries["only_magpie"].method == {"kind": "only", "source": "magpie"}


def with_own_model(strategy="knowledge_heavy", model="small", **settings):
    other = with_settings(**settings)
    other["models"]["small"] = {**CONFIG["models"]["tiny"], "layers": 3}
    other["strategies"][strategy]["model"] = model
    return other


def test_a_strategy_may_have_a_model_of_its_own_in_all_its_runs():
    config = with_own_model(seeds=[0, 7])
    layers = {
        run: run_spec(config, run)["model"]["layers"]
        for run in ("knowledge_heavy", "knowledge_heavy-seed7", "equal_mix", "proportional", "optimal", "small_00")
    }
    assert [run for run, count in layers.items() if count == 3] == ["knowledge_heavy", "knowledge_heavy-seed7"]


def test_what_is_left_out_of_a_strategy_is_left_out_of_its_model():
    config = with_own_model("equal_mix")
    assert run_spec(config, "without_magpie") == run_spec(config, "equal_mix")
    assert run_spec(config, "without_magpie") != run_spec(config, "only_magpie")


def test_an_optimum_learns_besides_its_swarm_only_from_constant_mixtures_of_the_swarm_s_size():
    further = exp3().further_runs("optimal")
    assert further == [*exp3().strategies(), "proportional", "temperature_2", "unimax"]
    assert set(further) - set(exp3(with_own_model()).further_runs("optimal")) == {"knowledge_heavy"}
    smaller = with_settings()
    smaller["swarms"]["small"]["tokens"] = 50_000
    assert exp3(smaller).further_runs("optimal") == []
    staged = with_settings()
    half = {"until": 0.5, "ratios": {"magpie": 1}}
    staged["strategies"]["equal_mix"] = {"stages": [half, {"until": 1.0, "ratios": {"openhermes": 1}}]}
    assert set(further) - set(exp3(staged).further_runs("optimal")) == {"equal_mix"}


def test_the_conclusions_are_told_where_models_differ_and_what_a_prediction_can_be_held_against():
    assert exp3().groups()["models"] == {}
    models = exp3(with_own_model()).groups()["models"]
    assert (models["knowledge_heavy"], models["equal_mix"]) == ("small", "tiny")
    assert (exp3().groups()["optimum"], exp3().groups()["predicted"]) == ("optimal", "capabilities")
    smaller = with_settings()
    smaller["swarms"]["small"]["tokens"] = 50_000
    assert exp3(smaller).groups()["predicted"] is None


METHODS = {
    "aioli": {"kind": "aioli", "rounds": 5},
    "doremi": {"kind": "doremi", "swarm": "reference", "tokens": 104_000},
    "skillit": {"kind": "skillit", "swarm": "alone"},
    "direct": {"kind": "direct_search", "evaluations": 5, "tokens": 104_000},
    "dml": {"kind": "dml", "swarm": "small"},
}


@pytest.fixture(scope="module")
def learned():
    config = with_settings(METHODS, seeds=[0, 1])
    config["experiments"]["exp3"]["methods"] = ["stratified", *METHODS]
    config["methods"]["stratified"] = {"kind": "stratified"}
    config["swarms"]["alone"] = {**config["swarms"]["small"], "points": {"kind": "corners"}}
    config["swarms"]["reference"] = {**config["swarms"]["small"], "points": {"kind": "uniform"}}
    return exp3(config)


def test_every_mixture_comes_from_one_rule_by_what_decides_it(learned):
    assert learned.proposed() == ["dml"] and learned.searched() == ["direct"]
    assert learned.decided_online() == ["aioli", "doremi", "skillit"]
    others = [*learned.strategies(), "stratified", *learned.singles(), *learned.ablations(), *learned.points()]
    assert set(learned.fixed()) == set(others)


def test_a_run_is_trained_on_a_mixture_or_by_an_online_method(learned):
    online = learned.trained_online()
    assert online == ["aioli", "aioli-seed1", "skillit", "skillit-seed1", "doremi-guide"]
    assert {"doremi", "doremi-seed1", "dml", "direct-seed1", "equal_mix"} <= set(learned.trained_fixed())
    assert set(online).isdisjoint(learned.trained_fixed())
    assert set(online) | set(learned.trained_fixed()) == set(learned.all_runs())


def test_an_answer_is_trained_at_full_size_on_what_its_guide_decided(learned):
    assert (learned.spec("doremi-guide")["tokens"], learned.spec("doremi")["tokens"]) == (104_000, 900_000)
    assert files.deciding_run(learned, "doremi") == "models/exp3-doremi-guide/run.json"
    assert files.deciding_run(learned, "aioli") == "models/exp3-aioli/run.json"
    assert "doremi-guide" in learned.trained() and "doremi-guide" not in learned.compared()


def test_a_method_reads_the_swarm_that_it_names(learned):
    assert list(learned.swarms) == ["small", "alone", "reference"]
    assert files.swarm_of_mixture(learned, "dml") == [f"results/exp3/swarms/small/00{batch}.json" for batch in (0, 1)]
    assert files.swarm_of_run(learned, "skillit-seed1") == ["results/exp3/swarms/alone/000.json"]
    assert files.swarm_of_run(learned, "aioli") == []


def test_names_that_stand_for_two_things_are_found():
    config = with_settings()
    config["strategies"]["only_magpie"] = {"ratios": {"magpie": 1}}
    config["experiments"]["exp3"]["strategies"].append("only_magpie")
    assert exp3(config).twice() == ["only_magpie"]
    assert exp3().twice() == []


def test_a_study_asks_its_experiments():
    study = Study(CONFIG)
    assert list(study) == ["exp3"] and study.comparing() == ["exp3"] and study.with_laws() == []
    assert study.sources() == CONFIG["experiments"]["exp3"]["sources"]
    assert study.with_setting("ablations") == ["exp3"] and study.with_setting("downstream") == []


AIOLI, DOGE = {"kind": "aioli", "rounds": 5}, {"kind": "doge", "rounds": 5, "tokens": 90_000}


@pytest.mark.parametrize(
    ("strategies", "methods", "singles", "again"),
    [
        (["equal_mix"], ["unimax", "optimal"], True, "optimal"),
        (["equal_mix"], ["aioli"], True, "equal_mix"),
        ([], ["aioli", "unimax"], True, "unimax"),
        ([], ["aioli", "doge"], False, "doge"),  # trained on what its guide answers
        ([], ["aioli", "replayed"], False, "replayed"),
        ([], ["aioli"], True, "only_openhermes"),
        ([], [], True, "only_openhermes"),
        ([], ["aioli"], False, None),
    ],
)
def test_what_is_trained_again_is_a_run_on_a_mixture_file(strategies, methods, singles, again):
    more = {"aioli": AIOLI, "doge": DOGE, "replayed": {"kind": "replay", "method": "aioli"}}
    changes = {"strategies": strategies, "methods": methods, "singles": singles, "ablations": None}
    experiment = exp3(with_settings(more, **changes))
    assert experiment.repeated_pair() == ([again, f"{again}-again"] if again else [])
    assert set(experiment.names(experiment.repeated_pair())) <= set(experiment.trained_fixed())
