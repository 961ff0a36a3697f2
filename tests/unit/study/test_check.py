import copy
import math
from pathlib import Path

import pytest
import yaml

from config_cases import CONFIG, SCHEMA, changed, problems
from emulsion.errors import UserError
from emulsion.study.check import check, keys


def merge(base, changes):
    """As Snakemake lays one configuration file over another: mappings merge, all else is replaced."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value
    return base


def test_the_configuration_that_comes_with_the_project_is_good():
    check(copy.deepcopy(CONFIG), SCHEMA)


# Overlays that stand on another one.
STANDS_ON = {
    "slimpajama.yaml": "further_sources.yaml",
    "methods_study.yaml": "local.yaml",
    "proxies.yaml": "local.yaml",
    "washout.yaml": "methods_study.yaml",
}


def below(name):
    """What an overlay is laid over, undermost first."""
    return [*below(STANDS_ON[name]), STANDS_ON[name]] if name in STANDS_ON else []


@pytest.mark.parametrize("overlay", sorted(Path("config").glob("*.yaml")), ids=lambda path: path.name)
def test_every_overlay_makes_a_good_configuration(overlay, monkeypatch):
    is_file = Path.is_file  # the tables of replays do not come with the project
    monkeypatch.setattr(Path, "is_file", lambda path: path.match("texts/*/*.csv") or is_file(path))
    config = copy.deepcopy(CONFIG)
    for other in below(overlay.name):
        config = merge(config, yaml.safe_load(overlay.with_name(other).read_text()))
    check(merge(config, yaml.safe_load(overlay.read_text())), SCHEMA)


STRATEGY = "strategies/equal_mix"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("trian", {}, "top level: unknown key 'trian'. Did you mean 'training'?"),
        ("experiments/exp3/tokns", 5, "experiments.exp3: unknown key 'tokns'. Did you mean 'tokens'?"),
        (f"{STRATEGY}/ratios/cosmopedia", -0.1, "strategies.equal_mix.ratios.cosmopedia: -0.1 is less than"),
        (f"{STRATEGY}/ratios", {"magpie": 0, "fineweb": 0}, "strategies.equal_mix: the weights"),
        (f"{STRATEGY}/ratios", {"magpi": 1}, "strategies.equal_mix: unknown source 'magpi'. Did you mean 'magpie'?"),
        (STRATEGY, {}, "strategies.equal_mix: needs either `ratios` or `stages`"),
        (STRATEGY, {"stages": [{"until": 0.5, "ratios": {"magpie": 1}}]}, "strategies.equal_mix: schedule: stages end"),
        (f"{STRATEGY}/model", "tinny", "strategies.equal_mix.model: unknown model 'tinny'. Did you mean 'tiny'?"),
        (STRATEGY, {"stages": [{"recipe": "none.yaml"}]}, "strategies.equal_mix: none.yaml: no such file"),
        (STRATEGY, {"stages": [{"until": 1}]}, "equal_mix.stages.0: needs either `ratios` or `recipe`"),
        (
            STRATEGY,
            {"stages": [{"ratios": {"magpie": 1}}]},
            "equal_mix.stages.0: 'until' is missing, which 'ratios' needs",
        ),
        (
            "strategies",
            {"_5M": {"ratios": {"magpie": 1}}},
            "strategies: '_5M' cannot be a name here. Such a name has letters",
        ),
        ("experiments/exp3/smoke", {"steps": 5}, "experiments.exp3.smoke: 'least_fall' is missing"),
        ("experiments/exp3/metrics", {"perplexty": 5}, "exp3.metrics: unknown key 'perplexty'. Did you mean"),
        ("experiments/exp3/model", "tinny", "experiments.exp3.model: unknown model 'tinny'. Did you mean 'tiny'?"),
        ("experiments/exp3/model", "gpt5", "experiments.exp3.model: unknown model 'gpt5'."),
        ("experiments/exp3/tokens", 300, "experiments.exp3: run spec: tokens 300 is less than one batch"),
        ("experiments/exp3/strategies", ["equal"], "unknown strategy 'equal'. Did you mean 'equal_mix'?"),
        (
            "experiments/exp3/sources",
            ["magpie"],
            "strategy 'equal_mix': source 'openhermes' is not one of the experiment's: magpie. Add it there",
        ),
        ("experiments/exp3/suites", ["word"], "unknown suite 'word'. Did you mean 'world'?"),
        ("training/demo/learning_rate", "3e-3", "a number has a point and a sign: 3.0e-4"),
        ("training/demo/batch_tokens", 64, "batch_tokens 64 is less than one sequence"),
        ("models/tiny/heads", 5, "models.tiny: hidden_size 64 does not divide by 5 heads"),
        ("models/tiny/vocab_size", 300, "has a vocabulary of 300, but tokenizer 'demo' has 512 tokens"),
        ("sources/magpie/kind", "hub", "sources.magpie: kind is 'hub', but there is no block `hub`"),
        (
            "sources/magpie/kind",
            "webb",
            "sources.magpie.kind: unknown value 'webb'. Did you mean 'web'? Known: synthetic, local",
        ),
        ("sources/magpie/cleaning", "proze", "sources.magpie.cleaning: unknown cleaning 'proze'. Did you mean"),
        ("cleaning/prose/filters", ["gofer"], "cleaning.prose.filters.0: unknown value 'gofer'. Known: gopher_quality"),
        ("cleaning/prose/words", [9, 1], "cleaning.prose.words: the least, 9, is more than the most, 1"),
        ("precedence", ["magpy"], "precedence: unknown source 'magpy'"),
        ("precedence", ["magpie"], "precedence: its sources must be cleaned with the same `deduplicate`"),
        ("tokenizers/demo/bpe/sources", ["magpies"], "tokenizers.demo.bpe.sources: unknown source 'magpies'"),
        (
            "sources/magpie",
            {"type": "a", "kind": "hub", "hub": {"id": "https://huggingface.co/datasets/a/b", "documents": 9}},
            "sources.magpie.hub.id: 'https://huggingface.co/datasets/a/b' cannot be the id of a dataset, which is "
            "owner/name. Write 'a/b'.",
        ),
        (
            "sources/magpie",
            {"kind": "hub", "hub": {"id": "\N{CYRILLIC SMALL LETTER A}/b", "documents": 9}},
            "sources.magpie.hub.id: '\N{CYRILLIC SMALL LETTER A}/b' cannot be the id of a dataset",
        ),
        (
            "tokenizers/demo",
            {"kind": "pretrained", "pretrained": {"id": "./none", "vocab_size": 300}},
            "tokenizers.demo.pretrained.id: './none': no such folder.",
        ),
        ("training/demo/epsilon", 1e-300, "training.demo.epsilon: 1e-300 is less than the minimum of 1.2e-38"),
        ("training/demo/clip", 1e-300, "training.demo.clip: 1e-300 is less than the minimum of 1.2e-38"),
        (
            "cleaning/prose/deduplicate/near",
            {"bands": 100_000, "rows": 8},
            "cleaning.prose.deduplicate.near.bands: 100000 is greater than the maximum of 500",
        ),
        ("training/demo/clip", math.inf, "Where there should be no limit, write a large number"),
        ("experiments/exp3/optimize", {}, "unknown key 'optimize'. What decides mixtures is an entry of `methods`."),
        (
            "strategies/equal_mix",
            {"stages": [{"ratios": {"magpie": 1}}, {"until": 1, "ratios": {"fineweb": 1}}]},
            "strategies.equal_mix.stages.0: 'until' is missing, which 'ratios' needs.",
        ),
        ("figures", ["exp3_heatmap"], "figures: unknown figure 'exp3_heatmap'. Did you mean"),
        ("suites/experiment3/file", "nothing.yaml", "nothing.yaml"),
        ("experiments/exp3/ablations", {"base": "equal"}, "experiments.exp3.ablations.base: unknown strategy 'equal'"),
        ("experiments/exp3/methods", ["optimall"], "unknown method 'optimall'. Did you mean 'optimal'?"),
        (
            "methods/optimal/kind",
            "optimun",
            "unknown kind of method 'optimun'. Did you mean 'optimum'",
        ),
        ("methods/optimal/kind", "dlm", "unknown kind of method 'dlm'. Did you mean 'dml'?"),
        ("methods/optimal/kind", "given", "'given' is no kind to choose; see `strategies`"),
        ("methods/optimal/boundz", [0.1, 0.6], "optimum: unknown setting 'boundz'. Did you mean 'bounds'?"),
        ("methods/optimal/bounds", [0.3, 0.6], "methods.optimal (of experiments.exp3): bounds"),
        ("methods/optimal/swarm", "smal", "methods.optimal.swarm: unknown swarm 'smal'. Did you mean 'small'?"),
        (
            "methods/proportional/swarm",
            "small",
            "kind 'proportional' learns from no runs with these settings; leave it out",
        ),
        ("methods/temperature_2", {"kind": "temperature"}, "temperature.tau: is missing"),
        ("methods/unimax", {"kind": "skillit"}, "kind 'skillit' needs one run per source: a swarm of points corners"),
        ("methods/unimax", {"kind": "doremi", "swarm": "small"}, "needs one reference run, and the points of 'small'"),
        ("methods/unimax/after", {"method": "optimal", "share": 0.5}, "kind 'unimax' decides before the run"),
        (
            "methods/unimax",
            {"kind": "emulsion_online", "swarm": "small", "after": {"method": "optimal", "share": 0.5}},
            "kind 'emulsion_online' goes by all that its run has read",
        ),
        ("methods/unimax", {"kind": "odm", "after": {"method": "optimall", "share": 0.5}}, "Did you mean 'optimal'?"),
        ("swarms/small/measure", ["losses"], "add `capabilities` to swarms.small.measure"),
        ("swarms/small/points/bounds", [0.3, 0.6], "no mixture of 4 sources has every share in [0.3, 0.6]"),
        ("swarms/small/model", "tinny", "swarms.small.model: unknown model 'tinny'"),
        (
            "swarms/small/match_epochs_of",
            {"tokens": 999},
            "match_epochs_of.tokens (of experiments.exp3): 999, but the swarm's",
        ),
        (
            "method_studies",
            {"all": {"title": "T", "settings": {"x": "exp3", "y": "exp3"}}},
            "method_studies.all: 'y' is experiment 'exp3', and so is 'x'; it would count twice",
        ),
        (
            "method_studies",
            {"exp3": {"title": "T", "settings": {"x": "exp3"}}},
            "method_studies.exp3: an experiment has this",
        ),
        (
            "method_studies",
            {"all": {"title": "T", "settings": {"x": "exp"}}},
            "method_studies.all: 'x': unknown experiment",
        ),
        (
            "method_studies",
            {"all": {"title": "T", "settings": {"x": "exp3"}, "prefixes": {"exp3": "none_"}}},
            "method_studies.all.prefixes.exp3: no method of the experiment begins with 'none_'.",
        ),
        (
            "method_studies",
            {"all": {"title": "T", "settings": {"x": "exp3"}, "prefixes": {"exp4": "none_"}}},
            "method_studies.all.prefixes: unknown experiment 'exp4'. Did you mean 'exp3'?",
        ),
        (
            "experiments/exp3/evaluation/samples",
            5,
            "evaluation.samples: 5 replies to a prompt are one and the same at temperature 0",
        ),
        ("swarms/small/tokens", 9, "experiments.exp3: swarm 'small': run spec: tokens 9 is less than one batch"),
        ("methods/optimal/objective", {"capabilities": {"reasonning": 1}}, "Did you mean 'reasoning'?"),
        (
            "methods/optimal/kl",
            {"strength": 0.1, "prior": {"magpi": 1}},
            "methods.optimal (of exp",
        ),
        ("methods/optimal/kl", {"strength": 0.1, "prior": {"magpie": 1}}, "the prior must give every source a weight"),
        ("experiments/exp3/budget/device", "h10", "experiments.exp3.budget.device: unknown device 'h10'"),
        ("strategies/equal_mix", {"ratios": {"magpie": 1}}, "stage 1 of 'equal_mix' draws from 'magpie' alone"),
        ("held_out", 0.7, "held_out: 0.7 is greater than"),
        ("models/tiny/kv_heads", 2, "models.tiny.kv_heads: is a setting of llama; gpt2 has none. Leave it out."),
        (
            "models/tiny/architecture",
            "GPTneox",
            "unknown value 'GPTneox'. Did you mean 'gpt_neox'? Known: gpt2, gpt_neox, llama",
        ),
        ("experiments/exp3/budget/hours", {"strategy": 1}, "hours: unknown key 'strategy'. Did you mean 'strategies'?"),
        ("sources/magpie/type", False, "should be text, but is false."),
        (
            "experiments/exp3/title",
            2024,
            "(YAML reads no, yes, on, off, numbers and dates as such; write text in quotes.)",
        ),
        (
            "experiments/exp3/tokens",
            "50000",
            "(It is text, as what is nested in --config always is, and what is in quotes.)",
        ),
        ("strategies/equal_mix", None, "strategies.equal_mix: should be a mapping of keys to values, but is null."),
        (
            "experiments/exp33",
            {"tokens": 1},
            "experiments.exp33: 'title' is missing. Or did you mean 'exp3', which is there?",
        ),
        (
            "experiments/exp3/strategies",
            ["equal_mx"],
            "exp3.strategies: unknown strategy 'equal_mx'. Did you mean 'equal_mix'?",
        ),
        ("experiments/exp3/strategies", ["unlike"], "exp3.strategies: unknown strategy 'unlike'."),
        (
            "experiments/exp3/strategies",
            ["knowledge_heavy"],
            "ablations.base: strategy 'equal_mix' is not one of the experiment's: knowledge_heavy. Add it there",
        ),
        ("training/demo/final_learning_rate", 1.0, "final_learning_rate: 1 is above the peak, learning_rate 0.008"),
        ("methods/optimal/objective", "mean_capabilty", "objective: unknown objective 'mean_capabilty'. Did you mean"),
        ("methods/optimal/objective", {"capabilites": {}}, "objective: unknown group 'capabilites'. Did you mean"),
        ("methods/optimal/bounds", [0.25, 0.25], "bounds: [0.25, 0.25] leave room for one mixture of 4 sources alone"),
        ("methods/optimal/kl", {"strength": 0, "prior": {"magpi": 1}}, "methods.optimal (of experiments.exp3): "),
        ("methods/optimal/kl", {"strength": "much"}, "kl.strength: should be a number, 0 or more, but is 'much'"),
        (
            "tokenizers/gpt2/pretrained/id",
            "https://huggingface.co/openai-community/gpt2",
            "tokenizers.gpt2.pretrained.id: 'https://huggingface.co/openai-community/gpt2' is an address; write owner/",
        ),
        (
            "models/tiny/weights",
            {"id": "https://huggingface.co/a/b"},
            "models.tiny.weights.id: 'https://huggingface.co/a",
        ),
        (
            "sources/fineweb",
            {"type": "web", "kind": "web", "web": {"files": ["https://a.org/b.txt"], "sha256": ["0" * 64, "1" * 64]}},
            "sources.fineweb.web.sha256: 2 checksum(s) for 1 file(s)",
        ),
        (
            "swarms/small/points/concentration",
            2,
            "points of kind 'spread' have no such setting; this kind has count, bo",
        ),
        ("swarms/small/points", {"kind": "corners", "count": 4}, "points.count: points of kind 'corners' have no such"),
        (
            "swarms/small/points",
            {"kind": "dirichlet", "count": 4, "concentration": 1e-9},
            "swarms.small.points.concentration: 1e-09 is less than the minimum of 0.05",
        ),
        (
            "sources/fineweb",
            {"type": "web", "kind": "web", "web": {"files": ["http://a.org/b.txt"]}},
            "sources.fineweb.web.files.0: 'http://a.org/b.txt' is no such value. An https address",
        ),
        ("tokenizers/demo/bpe/vocab_size", 10**12, "bpe.vocab_size: 1000000000000 is greater than the maximum of 1000"),
        ("experiments/exp3/evaluation/test_sequences", 1, "test_sequences: 1 is less than the minimum of 2"),
        ("proving_ground", {"methods": ["aioly"]}, "unknown value 'aioly'. Did you mean 'aioli'?"),
        (
            "swarms/small/points/bounds",
            [0.25, 0.6],
            "bounds: (0.25, 0.6) leave room for one mixture of 4 sources alone",
        ),
        (
            STRATEGY,
            {
                "stages": [
                    {"until": 0.99999, "ratios": {"magpie": 1, "fineweb": 1}},
                    {"until": 1, "ratios": {"magpie": 1}},
                ]
            },
            "'equal_mix': schedule: stage 2 of 2, from 0.99999 to 1 of the run, is shorter than one of its 11,250",
        ),
        (
            "experiments/exp3/metrics",
            {"perplexity": 20, "coherent": 0.9, "spread": 0.1, "published": "none.yaml"},
            "experiments.exp3.metrics.published: none.yaml: no such file.",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(path, value, message):
    assert message in problems(changed(path, value))


def test_a_model_in_parts_is_not_trained_with_scaled_losses():
    config = changed("training/demo/precision", "fp16")
    config["training"]["demo"]["sharding"] = "full"
    assert "training.demo.sharding: full does not go with precision fp16" in problems(config)


def test_a_missing_key_is_named():
    config = copy.deepcopy(CONFIG)
    del config["experiments"]["exp3"]["title"]
    assert "experiments.exp3: 'title' is missing" in problems(config)


def test_all_mistakes_are_told_at_once():
    config = changed("experiments/exp3/model", "tinny")
    config["figures"] = ["exp4_radar"]
    message = problems(config)
    assert "'tinny'" in message
    assert "'exp4_radar'" in message


def test_a_swarm_that_says_only_its_points_measures_losses_of_the_first_seed():
    config = changed("swarms/other", {"points": {"kind": "corners"}})
    check(config, SCHEMA)
    found = config["swarms"]["other"]
    assert (found["measure"], found["seeds"], found["branches"], found["batch"]) == (["losses"], "first", {}, 8)


def test_a_key_written_twice_in_a_file_of_the_configuration_is_named(tmp_path):
    file = tmp_path / "overlay.yaml"
    file.write_text("held_out: 0.1\nexperiments:\n  exp3:\n    tokens: 1\n    tokens: 2\n")
    with pytest.raises(UserError) as error:
        keys(["config.yaml", file])
    assert str(error.value) == f"{file}:5: the key 'tokens' is written twice, in lines 4 and 5."


@pytest.mark.parametrize(
    ("key", "kind"), [("no", "true or false"), ("2024", "a number"), ("1.5", "a number"), ("~", "nothing")]
)
def test_a_key_that_yaml_does_not_read_as_text_is_named_with_its_line(tmp_path, key, kind):
    file = tmp_path / "overlay.yaml"
    file.write_text(f"sources:\n  {key}: {{type: web}}\n")
    with pytest.raises(UserError) as error:
        keys([file])
    assert str(error.value) == f'{file}:2: YAML reads the key {key} as {kind}; write "{key}", in quotes.'
    file.write_text(f'sources:\n  "{key}": {{type: web}}\n')
    keys([file])


def test_a_key_that_is_not_text_is_refused_where_no_file_is_known():
    assert "sources: the key 2024 is not text; write it in quotes." in problems(changed("sources", {2024: {}}))


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("suites/experiment3/file", "{}.yaml", "suites.experiment3.file"),
        (
            "sources/fineweb",
            {"kind": "local", "local": {"files": ["README.md", "./{}/*.txt"]}},
            "sources.fineweb.local.files",
        ),
        ("models/tiny/weights", {"folder": "{}"}, "models.tiny.weights.folder"),
        ("tokenizers/demo", {"kind": "pretrained", "pretrained": {"id": "./{}", "vocab_size": 9}}, "pretrained.id"),
    ],
)
def test_a_path_that_the_machine_refuses_is_told_with_its_key(path, value, place):
    long = yaml.safe_load(yaml.safe_dump(value).replace("{}", "long" * 75))
    [_, problem] = problems(changed(path, long)).splitlines()
    assert f"{place}: '" in problem and problem.endswith("cannot be looked at: File name too long.")


def test_what_stands_in_a_list_twice_is_named():
    said = problems(changed("experiments/exp3/sources", ["openhermes", "magpie", "openhermes"]))
    assert "experiments.exp3.sources: 'openhermes' stands there twice; leave one out." in said


def test_mistakes_of_the_environment_are_named_with_those_of_the_configuration():
    message = problems(changed("held_out", 0.7), environment={"EMULSION_TRACKERS": "tensorbord"})
    assert "EMULSION_TRACKERS: unknown tracker 'tensorbord'. Did you mean 'tensorboard'?" in message
    assert "held_out: 0.7 is greater than" in message


def test_a_type_that_is_nearly_one_of_those_that_decide_is_remarked_on():
    notes = "\n".join(check(changed("sources/openhermes/type", "Instructions"), SCHEMA))
    assert "sources.openhermes.type: 'Instructions' is a word of its own" in notes and "'instruction'" in notes
    assert check(copy.deepcopy(CONFIG), SCHEMA) == []
