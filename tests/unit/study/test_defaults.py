"""A configuration says what cannot be guessed; the rest follows from the sources."""

from pathlib import Path

import pytest

from config_cases import CONFIG
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.study import defaults, sizes
from emulsion.study.budget import planned_cost
from emulsion.study.check import check
from emulsion.study.experiment import Experiment
from emulsion.study.form import fill_in

SCHEMA = Path("workflow/schemas/config.schema.yaml")
FORM = read_yaml(SCHEMA)
KILOBYTES = {"speeches": 300, "novel": 700, "reports": 500}


def twelve_lines(folder, experiment=None, **others):
    """The least that a configuration says, over files of some hundred kilobytes."""
    for name, size in KILOBYTES.items():
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "all.txt").write_text("x" * (size * 1000))
    return {
        "experiments": {
            "mix": {"title": "Which?", "sources": list(KILOBYTES), **({"tokens": 500_000} | (experiment or {}))}
        },
        "sources": {name: {"local": {"files": [str(folder / name)]}} for name in KILOBYTES},
        **others,
    }


def filled(config):
    fill_in(config, FORM)
    problems = list(defaults.kinds(config))
    defaults.mixtures(config)
    fill_in(config, FORM)
    return config, [*problems, *defaults.sizes_of_runs(config)]


def test_what_is_left_out_follows_from_the_sources(tmp_path):
    config, problems = filled(twelve_lines(tmp_path))
    assert problems == []
    assert {entry["kind"] for entry in config["sources"].values()} == {"local"}
    experiment = Experiment(config, "mix")
    assert experiment.candidates() == ["uniform", "proportional", "optimum"]
    assert experiment.singles() == [f"only_{name}" for name in KILOBYTES]
    assert len(experiment.swarms["spread"].points) == 3 * 3 + 3
    assert experiment.settings["seeds"] == [0, 1, 2]
    assert config["tokenizers"]["mix"]["bpe"] == {"vocab_size": 512, "sources": list(KILOBYTES), "megabytes": 1.5}
    assert config["models"]["mix"]["hidden_size"] == 64
    assert config["training"]["mix"]["batch_tokens"] % config["models"]["mix"]["context"] == 0


def test_what_is_said_stays(tmp_path):
    said = {"model": "mine", "methods": ["uniform"], "budget": {"hours": 3}}
    model = {"architecture": "gpt2", "hidden_size": 128, "layers": 1, "heads": 2, "intermediate_size": 8, "context": 64}
    config = twelve_lines(tmp_path, said, models={"mine": {**model, "dropout": 0.1}}, figures=["mix_mixtures"])
    config["methods"] = {"uniform": {"kind": "unimax"}}
    config, problems = filled(config)
    assert problems == []
    chosen = config["experiments"]["mix"]
    assert (chosen["model"], chosen["methods"], chosen["singles"]) == ("mine", ["uniform"], False)
    assert config["methods"] == {"uniform": {"kind": "unimax"}} and config["figures"] == ["mix_mixtures"]
    assert chosen["budget"] == {"device": "cpu-core", "hours": {"total": 3}}
    assert config["training"]["mix"]["learning_rate"] == pytest.approx(4e-3)  # by the model's width


def test_a_smaller_source_shortens_the_context(tmp_path):
    config = twelve_lines(tmp_path)
    (tmp_path / "novel" / "all.txt").write_text("x" * 20_000)
    config, _ = filled(config)
    assert config["models"]["mix"]["context"] == 40


def test_a_time_budget_stands_in_the_place_of_tokens_up_to_two_passes(tmp_path):
    def tokens(hours):
        config = twelve_lines(tmp_path, {"budget": {"hours": hours}})
        del config["experiments"]["mix"]["tokens"]
        return filled(config)[0]["experiments"]["mix"]["tokens"]

    two_passes = 2 * 0.9 * 1_500_000 / sizes.bytes_per_token(512)
    assert 100_000 < tokens(0.2) < tokens(0.3) < tokens(10) <= two_passes


def test_without_tokens_and_hours_the_remedy_is_told(tmp_path):
    config = twelve_lines(tmp_path)
    del config["experiments"]["mix"]["tokens"]
    [problem] = filled(config)[1]
    assert problem.startswith("experiments.mix: 'tokens' is missing; say") and "budget: {hours: 0.5}" in problem


def test_a_time_that_is_too_short_is_refused_with_what_it_would_take(tmp_path):
    config = twelve_lines(tmp_path, {"budget": {"hours": 0.01}})
    del config["experiments"]["mix"]["tokens"]
    [problem] = filled(config)[1]
    assert "0.01 hours are too few" in problem and "fewer seeds" in problem


@pytest.mark.parametrize("kind", ["aioli", "doge", "odm"])
def test_rounds_that_fit_into_the_runs_of_a_time_budget_are_no_mistake_and_fill_it(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(defaults, "text_bytes", lambda config, source: 1e9)  # more than is read in the time
    said = {"budget": {"hours": 0.05}, "tokens": None, "methods": ["mine"]}
    config = twelve_lines(tmp_path, said, methods={"mine": {"kind": kind}})
    check(config, SCHEMA)
    assert 0.049 < planned_cost(Experiment(config, "mix"))["total"]["hours"] <= 0.05


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "sources.novel: 'kind' is missing, and so is its block; one of local"),
        ({"local": {"files": ["a"]}, "web": {"files": ["https://a"]}}, "there are blocks for local and web"),
    ],
)
def test_a_kind_is_guessed_only_where_one_block_is_there(tmp_path, entry, message):
    config = twelve_lines(tmp_path)
    config["sources"]["novel"] = entry
    with pytest.raises(UserError, match=message):
        check(config, SCHEMA)


def test_one_source_alone_is_trained_on_and_nothing_is_mixed(tmp_path):
    config = twelve_lines(tmp_path)
    config["experiments"]["mix"]["sources"] = ["novel"]
    experiment = Experiment(filled(config)[0], "mix")
    assert (experiment.candidates(), experiment.singles(), experiment.swarms) == ([], ["only_novel"], {})


@pytest.mark.parametrize("unit", ["tokens", "documents"])
def test_the_text_of_a_hub_source_grows_with_what_is_asked_of_it(unit):
    few, many = (
        defaults.text_bytes({"sources": {"web": {"kind": "hub", "hub": {unit: count}}}}, "web") for count in (1e8, 1e9)
    )
    assert few >= 1e8 and many == pytest.approx(10 * few)


HOURS = {"tokens": None, "budget": {"hours": 1}}
ENTRIES = {
    "strategies": {"even": {"ratios": dict.fromkeys(KILOBYTES, 1)}},
    "methods": {"unimax": {"kind": "unimax"}, "wrong": {"kind": "regmix", "bound": 1}},
    "models": {"wide": {**CONFIG["models"]["tiny"], "context": 512}},
    "training": {"demo": CONFIG["training"]["demo"]},
}


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        ({"sources": ["speeches", "novle"]}, "experiments.mix.sources: unknown source 'novle'. Did you mean 'novel'?"),
        ({"model": "tiyn"}, "experiments.mix.model: unknown model 'tiyn'."),
        (HOURS | {"budget": {"hours": 1, "device": "cpu"}}, "budget.device: unknown device 'cpu'"),
        (HOURS | {"model": "tiyn"}, "experiments.mix.model: unknown model 'tiyn'."),
        (HOURS | {"tokenizer": "own"}, "experiments.mix.tokenizer: unknown tokenizer 'own'."),
        (HOURS | {"methods": ["unimx"]}, "experiments.mix.methods: unknown method 'unimx'. Did you mean 'unimax'?"),
        (HOURS | {"methods": ["wrong"]}, "methods.wrong (of experiments.mix): regmix: unknown setting 'bound'."),
        (HOURS | {"strategies": ["evn"]}, "experiments.mix.strategies: unknown strategy 'evn'. Did you mean 'even'?"),
        (
            HOURS | {"strategies": ["even"], "ablations": {"base": "evn"}},
            "experiments.mix.ablations.base: unknown strategy 'evn'.",
        ),
        (
            HOURS | {"methods": ["unimax"], "parameters": {"methods": ["aiole"], "shares": [0.5], "tokens": 960}},
            "experiments.mix.parameters.methods: unknown method 'aiole'.",
        ),
        (
            HOURS | {"methods": ["unimax"], "model": "wide", "training": "demo"},
            "experiments.mix: run spec: batch_tokens 480 is less than one sequence of 512.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_where_sizes_follow_from_it(tmp_path, experiment, words):
    with pytest.raises(UserError) as error:
        check(twelve_lines(tmp_path, experiment, **ENTRIES), SCHEMA)
    [_, problem] = str(error.value).splitlines()
    assert words in problem
