"""Checks on weights that a model starts from: whether they fit, as far as the configuration can say."""

import copy

import pytest

from config_cases import CONFIG, SCHEMA, problems
from emulsion.study.check import check

SETTINGS = {"title": "T", "model": "tiny", "training": "demo", "tokens": 96_000, "suites": []}
PAIR = {**SETTINGS, "sources": ["openhermes", "cosmopedia"], "singles": True}


def configured(model, first=None, then=None, **changes):
    """A run of model `tiny` in experiment `x`, and a model `tuned` of other settings that starts from it in `y`."""
    config = copy.deepcopy(CONFIG)
    for name, value in changes.items():
        config["models"][name] = value
    config["models"]["tuned"] = {**config["models"]["tiny"], **model, "weights": {"folder": "models/x-only_openhermes"}}
    config["experiments"] = {
        "x": {**PAIR, "tokenizer": "demo", **(first or {})},
        "y": {**PAIR, "tokenizer": "demo", "model": "tuned", **(then or {})},
    }
    config["figures"] = []
    return config


def other_tokenizer(config, **changes):
    demo = config["tokenizers"]["demo"]
    config["tokenizers"]["other"] = {**demo, "bpe": {**demo["bpe"], **changes}}
    return config


@pytest.mark.parametrize("changes", [{"sources": ["fineweb"]}, {"vocab_size": 700}])
@pytest.mark.parametrize("place", ["experiment", "strategy", "swarm"])
def test_weights_of_a_run_with_another_tokenizer_are_refused(changes, place):
    then = {"tokenizer": "other", "model": "tuned" if place == "experiment" else "tiny"}
    config = other_tokenizer(configured({}, then=then), **changes)
    if place == "strategy":
        config["strategies"]["own"] = {"ratios": {"openhermes": 1}, "model": "tuned"}
        config["experiments"]["y"]["strategies"] = ["own"]
    if place == "swarm":
        config["swarms"]["sweep"] = {"points": {"kind": "grid"}, "model": "tuned"}
        config["experiments"]["y"]["laws"] = {"swarm": "sweep"}
    assert problems(config).splitlines()[1:] == [
        "  - models.tuned.weights.folder: models/x-only_openhermes is a run of experiments.x, whose tokenizer is 'demo'"
        ", but experiments.y trains this model with tokenizer 'other'; write `tokenizer: demo` there."
    ]


def test_tokenizers_left_out_are_those_of_each_experiment():
    config = configured({}, then={"sources": ["openhermes", "magpie"]})
    for name in ("x", "y"):
        del config["experiments"][name]["tokenizer"]
    assert "whose tokenizer is 'x', but experiments.y trains this model with tokenizer 'y'" in problems(config)


def test_weights_of_a_run_with_the_same_tokenizer_are_taken():
    check(configured({}), SCHEMA)
    check(other_tokenizer(configured({}, then={"tokenizer": "other"})), SCHEMA)  # the same under another name


LLAMA = {**CONFIG["models"]["tiny"], "architecture": "llama"}
NEOX = {**CONFIG["models"]["tiny"], "architecture": "gpt_neox"}


@pytest.mark.parametrize(
    ("start", "change", "message"),
    [
        ({}, {"context": 40}, "context is 80; here it is 40"),
        ({}, {"vocab_size": 520}, "vocab_size is 512; here it is 520"),
        ({"vocab_size": 520}, {"vocab_size": 600}, "vocab_size is 520; here it is 600"),
        (LLAMA, {"kv_heads": 2}, "kv_heads is 4; here it is 2"),
        (LLAMA, {"rope_theta": 500_000}, "rope_theta is 10000.0; here it is 500000.0"),
        (LLAMA, {"tied": False}, "tied is True; here it is False"),
        (LLAMA, {"architecture": "gpt_neox"}, "architecture is llama; here it is gpt_neox"),
    ],
)
def test_weights_that_cannot_fit_are_refused(start, change, message):
    tiny = {**CONFIG["models"]["tiny"], **start}
    said = problems(configured(change, tiny=tiny)).splitlines()[1:]
    assert said == [f"  - models.tuned.weights.folder: models/x-only_openhermes is a run of 'tiny', whose {message}."]


@pytest.mark.parametrize(
    ("start", "change"),
    [
        (LLAMA, {"context": 40, "kv_heads": 4, "rope_theta": 10_000, "tied": True}),
        (NEOX, {"context": 40}),
        ({}, {"vocab_size": 512}),
        ({}, {"dropout": 0.1}),
    ],
)
def test_weights_that_fit_are_taken_though_the_models_are_written_otherwise(start, change):
    check(configured(change, tiny={**CONFIG["models"]["tiny"], **start}), SCHEMA)
