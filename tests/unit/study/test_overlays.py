import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from config_cases import suite_of
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.study.check import check
from emulsion.study.overlays import as_laid, laid_over, merged
from emulsion.study.study import Study

SCHEMA = Path("workflow/schemas/config.schema.yaml")
FORM = read_yaml(SCHEMA)
CONFIG = yaml.safe_load(Path("config.yaml").read_text())


def overlaid(*overlays):
    """The shipped configuration with overlays, written as YAML, as Snakemake and then the check make it."""
    layers = [CONFIG, *map(yaml.safe_load, overlays)]
    config = copy.deepcopy(merged(layers))
    return config, check(config, SCHEMA, layers=layers)


def refused(*overlays):
    with pytest.raises(UserError) as error:
        overlaid(*overlays)
    return str(error.value)


names = st.sampled_from("abc")
trees = st.recursive(st.integers() | st.none() | st.lists(st.integers()), lambda inner: st.dictionaries(names, inner))


@given(st.lists(st.dictionaries(names, trees), min_size=1, max_size=4))
def test_without_a_schema_files_are_merged_as_snakemake_does_it(layers):
    expected = {}
    for layer in layers:
        update_config(expected, copy.deepcopy(layer))
    assert merged(layers) == expected


def test_the_ratios_of_an_overlay_replace_those_below():
    config, _ = overlaid("strategies: {equal_mix: {ratios: {magpie: 2, fineweb: 1}}}")
    assert config["strategies"]["equal_mix"] == {"ratios": {"magpie": 2, "fineweb": 1}}
    assert config["strategies"]["knowledge_heavy"] == CONFIG["strategies"]["knowledge_heavy"]


def test_the_last_overlay_that_names_ratios_counts():
    first, second = (
        "strategies: {equal_mix: {ratios: {magpie: 1}}}",
        "strategies: {equal_mix: {ratios: {fineweb: 1}}}",
    )
    config = laid_over([CONFIG, yaml.safe_load(first), yaml.safe_load(second)], FORM)
    assert config["strategies"]["equal_mix"]["ratios"] == {"fineweb": 1}


@pytest.mark.parametrize("further", [{}, {"ratios": None}])
def test_stages_take_the_place_of_ratios_and_the_model_stays(further):
    stages = [
        {"until": 0.5, "ratios": {"magpie": 1, "fineweb": 1}},
        {"until": 1, "ratios": {"magpie": 1, "fineweb": 2}},
    ]
    config, _ = overlaid(
        "strategies: {equal_mix: {model: tiny}}",
        yaml.safe_dump({"strategies": {"equal_mix": {"stages": stages, **further}}}),
    )
    assert config["strategies"]["equal_mix"] == {"model": "tiny", "stages": stages}


def test_ratios_and_stages_in_one_file_are_still_refused():
    both = "strategies: {equal_mix: {ratios: {magpie: 1}, stages: [{until: 1, ratios: {magpie: 1}}]}}"
    assert "strategies.equal_mix: needs either `ratios` or `stages`, and not both" in refused(both)


def test_a_method_of_another_kind_has_no_setting_of_the_old_one():
    config, _ = overlaid("methods: {temperature_2: {kind: unimax}}")
    assert config["methods"]["temperature_2"]["kind"] == "unimax"
    assert "tau" not in config["methods"]["temperature_2"]
    config, _ = overlaid("methods: {temperature_2: {tau: 3}}")
    assert (config["methods"]["temperature_2"]["kind"], config["methods"]["temperature_2"]["tau"]) == ("temperature", 3)


def test_an_objective_is_replaced_whole():
    first = "methods: {optimal: {objective: {losses: {magpie: 1}}}}"
    config, _ = overlaid(first, "methods: {optimal: {objective: {losses: {fineweb: 1}}}}")
    assert config["methods"]["optimal"]["objective"] == {"losses": {"fineweb": 1}}


def test_a_block_of_another_kind_than_the_file_below_says_is_not_left_unread():
    said = refused("sources: {fineweb: {local: {files: [docs]}}}")
    assert "sources.fineweb: its kind is 'synthetic' in a file below" in said and "Add `kind: local`" in said
    config, _ = overlaid("sources: {fineweb: {kind: local, schema: text, local: {files: [docs]}}}")
    assert config["sources"]["fineweb"]["kind"] == "local"
    config, _ = overlaid("sources: {fineweb: {local: {files: [docs]}}}", "sources: {fineweb: {kind: synthetic}}")
    assert config["sources"]["fineweb"]["kind"] == "synthetic"
    assert "`pretrained` would not be read" in refused("tokenizers: {demo: {pretrained: {id: a/b, vocab_size: 512}}}")


def test_points_of_another_kind_have_no_setting_of_the_old_one():
    config, _ = overlaid("swarms: {small: {points: {kind: dirichlet, count: 6}}}")
    points = config["swarms"]["small"]["points"]
    assert (points["kind"], points["count"], points["bounds"]) == ("dirichlet", 6, [0.1, 0.6])
    config = laid_over([CONFIG, {"swarms": {"small": {"points": {"kind": "corners"}}}}], FORM)
    assert config["swarms"]["small"]["points"] == {"kind": "corners"}
    assert config["swarms"]["small"]["batch"] == CONFIG["swarms"]["small"]["batch"]


def test_tokens_take_the_place_of_documents():
    hub = {"id": "a/b", "config": None, "split": "train", "revision": None, "seed": 0}
    below = {"sources": {"big": {"type": "web", "kind": "hub", "hub": {**hub, "documents": 5}}}}
    config = laid_over([below, {"sources": {"big": {"hub": {"tokens": 7}}}}], FORM)
    assert config["sources"]["big"]["hub"] == {**hub, "tokens": 7}


def test_a_configuration_that_did_not_come_of_the_files_stays_as_it_is():
    config = {"strategies": {"mine": {"ratios": {"a": 1, "b": 1}}}}
    assert as_laid(config, [CONFIG, {"held_out": 0.1}], FORM) == config
    assert as_laid(config, [], FORM) == config


def test_a_figure_of_the_shipped_list_goes_with_what_it_shows_and_one_that_was_asked_for_is_refused():
    config, notes = overlaid("experiments: {exp3: {ablations: null, methods: [proportional]}}")
    assert {"exp3_contributions", "exp3_optimizer"}.isdisjoint(config["figures"])
    assert notes == [
        "figures: 'exp3_contributions' is left out; it needs experiments.exp3.ablations.",
        "figures: 'exp3_optimizer' is left out; it needs a method of kind optimum or direct_search in "
        "experiments.exp3.methods.",
    ]
    asked = refused("experiments: {exp3: {ablations: null}}\nfigures: [exp3_contributions]")
    assert "figures: 'exp3_contributions' needs experiments.exp3.ablations; set that, or take" in asked


def test_a_radar_needs_three_capabilities(tmp_path):
    overlay = {
        "experiments": {"exp3": {"suites": ["two"], "methods": ["proportional"], "evaluation": {"selection": False}}},
        "suites": {"two": suite_of(tmp_path, "two.yaml", "two", "left", "right")},
    }
    config, notes = overlaid(yaml.safe_dump(overlay))
    assert "exp3_capability_radar" not in config["figures"]
    assert "it needs 3 capabilities or more, and the suites of experiments.exp3 test 2" in " ".join(notes)
    overlay["figures"] = ["exp3_capability_radar"]
    assert "'exp3_capability_radar' needs 3 capabilities or more" in refused(yaml.safe_dump(overlay))


def test_an_overlay_says_what_it_is_about():
    config, _ = overlaid(Path("config/curriculum.yaml").read_text())
    study = Study(config)
    assert list(study) == ["exp3", "curriculum"]
    assert list(study.planned()) == ["curriculum"]
    assert study.planned().figures() == config["figures"]
    assert "only: unknown experiment 'exp4'. Did you mean 'exp3'?" in refused("only: [exp4]")


def test_a_figure_that_two_experiments_would_draw_is_refused():
    pair = {"title": "More", "sources": ["openhermes", "magpie"], "tokens": 104_000}
    methods = {"strategies": [], "methods": ["even", "proportional"]}
    overlay = {
        "experiments": {"a": {**pair, **methods}, "a_cost": pair},
        "methods": {"even": {"kind": "stratified"}},
        "figures": ["a_cost_pareto"],
    }
    assert "figures: 'a_cost_pareto' could be of 'a' or 'a_cost'; rename one" in refused(yaml.safe_dump(overlay))


def test_a_comparison_of_settings_has_a_figure_where_one_of_them_has_stratified_sampling():
    pair = {"title": "More", "sources": ["openhermes", "magpie"], "tokens": 104_000}
    overlay = {
        "experiments": {"a": {**pair, "strategies": [], "methods": ["proportional", "unimax"]}},
        "methods": {"unimax": {"kind": "unimax"}},
        "method_studies": {"both": {"title": "Which?", "settings": {"A": "a", "B": "exp3"}}},
        "figures": ["both_settings", "proving_ground"],
    }
    config, _ = overlaid(yaml.safe_dump(overlay))
    assert {"both_settings", "proving_ground"} <= set(Study(config).figures())
    alone = Study(config, ["a"]).figures()
    assert "proving_ground" in alone and "both_settings" not in alone
    overlay["method_studies"]["both"]["settings"] = {"A": "a"}
    need = "an experiment with a method of kind stratified, and others, in method_studies.both.settings"
    assert f"figures: 'both_settings' needs {need}" in refused(yaml.safe_dump(overlay))


def test_an_overlay_without_experiments_of_its_own_is_about_none(tmp_path):
    overlay = Path("config/regmix.yaml").read_text().replace("texts/regmix/", f"{tmp_path}/")
    said = refused(overlay)
    assert f"replays.regmix: 4 of 4 tables are not there: {tmp_path}/train_mixture_1m.csv, " in said
    assert "They come from https://github.com/sail-sg/regmix, folder data/" in said and "SWEEP=folder" in said
    for name in ("train_mixture_1m", "train_pile_loss_1m", "test_mixture_1m", "test_pile_loss_1m"):
        (tmp_path / f"{name}.csv").touch()
    config, _ = overlaid(overlay)
    assert list(Study(config).planned()) == []
    assert Study(config).planned().figures() == []


def test_a_figure_is_of_the_experiment_that_draws_it_however_others_are_called():
    more = {"title": "More", "sources": ["openhermes", "magpie"], "tokens": 104_000}
    experiments = {"exp3_more": more, "exp3_capability": more}
    figures = ["exp3_losses", "exp3_more_losses", "exp3_capability_heatmap"]
    config, _ = overlaid(yaml.safe_dump({"only": ["exp3"], "experiments": experiments, "figures": figures}))
    assert Study(config).planned().figures() == ["exp3_losses", "exp3_capability_heatmap"]


@pytest.mark.parametrize("overlay", sorted(Path("config").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_overlays_with_experiments_of_their_own_say_so(overlay):
    written = yaml.safe_load(overlay.read_text())
    own = [name for name in written.get("experiments", {}) if name not in CONFIG["experiments"]]
    assert written.get("only", []) == own
