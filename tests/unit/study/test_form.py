"""The form of a configuration: its schema, what it leaves out, numbers and names."""

import pytest
import yaml

from config_cases import CONFIG, SCHEMA, changed, problems
from emulsion.data.cleaning import Cleaning
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.fields import read_yaml
from emulsion.study.check import check
from emulsion.study.form import fill_in, followed


def test_every_key_of_the_schema_is_described_and_every_object_closed():
    schema = read_yaml(SCHEMA)

    def visit(part, path, described):
        part = followed(part, schema)
        assert part.get("description") or not described, f"{path} has no description"
        # The settings of a method are checked by its kind.
        if "object" in part.get("type", "") and not path.endswith(".methods.additionalProperties"):
            assert "additionalProperties" in part, f"{path} is open"
        for name, inner in part.get("properties", {}).items():
            visit(inner, f"{path}.{name}", described=True)
        for key in ("additionalProperties", "items"):
            if isinstance(part.get(key), dict):
                visit(part[key], f"{path}.{key}", described=False)
        for choice in (*part.get("anyOf", ()), *part.get("oneOf", ())):
            visit(choice, path, described=False)

    visit(schema, "config", described=True)


def test_a_default_is_set_where_a_schema_refers_to_another():
    schema = {
        "properties": {"a": {"$ref": "#/$defs/inner"}, "b": {"$ref": "#/$defs/count", "default": 7}},
        "$defs": {
            "inner": {"properties": {"c": {"$ref": "#/$defs/count", "default": 3}}},
            "count": {"type": "integer"},
        },
    }
    values = {"a": {}}
    fill_in(values, schema)
    assert values == {"a": {"c": 3}, "b": 7}


def defaults(schema, root):
    """{key: default, or the defaults below it} of an object of the schema, those that the steps apply among them."""
    inner = {key: followed(part, root) for key, part in followed(schema, root)["properties"].items()}
    return {
        key: part.get("default", defaults(part, root) if "properties" in part else None) for key, part in inner.items()
    }


def test_a_script_called_by_hand_has_the_defaults_of_the_schema():
    schema = read_yaml(SCHEMA)
    evaluation = schema["properties"]["experiments"]["additionalProperties"]["properties"]["evaluation"]
    written = {key: value for key, value in defaults(evaluation, schema).items() if value is not None}
    assert EvaluationSettings.of(written) == EvaluationSettings()
    cleaning = defaults(schema["$defs"]["cleaning"], schema)
    parts = {"deduplicate": {"near": {}}, "decontaminate": {}}
    given = {key: value for key, value in cleaning.items() if value is not None}
    assert Cleaning.from_json(given) == Cleaning.from_json(parts)


@pytest.mark.parametrize(
    ("path", "written", "whole"),
    [
        ("experiments/exp3/tokens", "9.0e+5", 900_000),
        ("experiments/exp3/tokens", "900000.0", 900_000),
        ("experiments/exp3/seeds", "[0, 1.0]", [0, 1]),
        ("swarms/small/points/count", "12.0", 12),
        ("sources/fineweb/shards", "2.0", 2),
    ],
)
def test_a_whole_number_written_with_a_point_is_taken_as_one(path, written, whole):
    config = changed(path, yaml.safe_load(written))
    check(config, SCHEMA)
    for part in path.split("/"):
        config = config[part]
    assert repr(config) == repr(whole)


def test_a_number_that_need_not_be_whole_stays_as_it_is_written():
    config = changed("training/demo/clip", 1.0)
    check(config, SCHEMA)
    assert repr(config["training"]["demo"]["clip"]) == "1.0"


@pytest.mark.parametrize(
    ("path", "written", "message"),
    [
        ("training/demo/learning_rate", ".inf", "training.demo.learning_rate: inf is not a finite number."),
        ("training/demo/weight_decay", ".nan", "training.demo.weight_decay: nan is not a finite number."),
        ("experiments/exp3/tokens", "9" * 400, f"experiments.exp3.tokens: {'9' * 40} is not a finite number."),
        ("experiments/exp3/tokens", "-.inf", "experiments.exp3.tokens: -inf is not a finite number."),
        ("swarms/small/points/bounds", "[0, .nan]", "small.points.bounds.1: nan is not a finite number."),
        ("training/demo/final_learning_rate", "3e-4", "should be a number, but is '3e-4'. Learning rate at the end"),
        ("experiments/exp3/tokens", "3e8", "a number has a point and a sign: 3.0e-4, 1.0e+6.)"),
        ("experiments/exp3/tokens", "2.5", "experiments.exp3.tokens: should be a whole number, but is 2.5"),
        ("swarms/small/points/bounds", "[0.1, 60]", "bounds.1: 60 is greater than the maximum of 1. Lowest and"),
    ],
)
def test_a_number_of_the_wrong_kind_is_named_once_with_its_place(path, written, message):
    told = problems(changed(path, yaml.safe_load(written)))
    assert message in told
    assert told.count("\n  - ") == 1


def test_a_name_of_the_wrong_form_is_told_what_names_are_made_of():
    message = problems(changed("experiments/exp 4", CONFIG["experiments"]["exp3"]))
    assert "experiments: 'exp 4' cannot be a name here. Such a name has letters" in message
    assert "Write 'exp-4', here and wherever it is named." in message


def test_null_stands_for_the_default():
    config = changed("experiments/exp3/methods", None)
    config["experiments"]["exp3"]["max_epochs"] = None
    config["figures"] = ["exp3_mixtures"]
    check(config, SCHEMA)
    assert config["experiments"]["exp3"]["methods"] == []
    assert config["experiments"]["exp3"]["max_epochs"] == {"limit": 4, "on_excess": "warn"}


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("experiments/exp3", "tokens"),
        ("experiments/exp3", "model"),
        ("experiments/exp3", "tokenizer"),
        ("experiments/exp3", "training"),
        ("sources/magpie", "schema"),
        ("sources/magpie", "kind"),
        ("tokenizers/demo", "kind"),
        ("training/demo", "decay"),
    ],
)
def test_null_is_as_if_a_key_that_may_be_left_out_were_not_there(path, key):
    config, without = changed(f"{path}/{key}", None), changed(f"{path}/{key}", None)
    place = without
    for part in path.split("/"):
        place = place[part]
    del place[key]
    check(config, SCHEMA)
    check(without, SCHEMA)
    assert config == without


def test_null_stays_where_it_says_something_or_where_a_key_is_missing():
    schema = {
        "required": ["a"],
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": ["integer", "null"]},
            "c": {"anyOf": [{"enum": [None, "x"]}, {"$ref": "#/$defs/count"}]},
            "d": {},
            "e": {"anyOf": [{"enum": ["x"]}, {"$ref": "#/$defs/count"}]},
        },
        "$defs": {"count": {"type": "integer"}},
    }
    values = dict.fromkeys("abcdef")
    fill_in(values, schema)
    assert values == dict.fromkeys("abcdf")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"id": "a/b", "revison": "x"}, "models.tiny.weights: unknown key 'revison'. Did you mean 'revision'?"),
        ({"id": "a/b", "revision": 5}, "models.tiny.weights.revision: should be text, but is 5."),
        ({"folder": 7}, "models.tiny.weights.folder: should be text, but is 7."),
        ({"folder": "a", "revision": "x"}, "models.tiny.weights: 'id' is missing, which 'revision' needs."),
        ({"folder": "a", "id": "a/b"}, "models.tiny.weights: needs either `folder` or `id`, and not both."),
    ],
)
def test_a_mistake_in_the_weights_of_a_model_is_named(weights, message):
    assert message in problems(changed("models/tiny/weights", weights))


@pytest.mark.parametrize(("weights", "kept"), [(None, None), ({"id": "a/b", "revision": None}, {"id": "a/b"})])
def test_an_overlay_takes_weights_and_their_revision_back(weights, kept):
    config = changed("models/tiny/weights", weights)
    check(config, SCHEMA)
    assert config["models"]["tiny"].get("weights") == kept
