"""Mistakes of form, and what is proposed in their place."""

from pathlib import Path

import pytest

from emulsion.fields import read_yaml
from emulsion.study.form import fill_in
from emulsion.study.mistakes import mistakes_of_form, nearest_name

SCHEMA = Path("workflow/schemas/config.schema.yaml")


@pytest.mark.parametrize(
    ("name", "pattern", "nearest"),
    [
        ("my.mix", "^[A-Za-z][A-Za-z0-9_-]*$", "my-mix"),
        ("my mix!", "^[A-Za-z][A-Za-z0-9_-]*$", "my-mix"),
        ("2024 dump", "^[A-Za-z][A-Za-z0-9_-]*$", "dump"),
        ("Exp-3", "^[a-z][a-z0-9]*$", "exp3"),
        ("\u00e9tude", "^[A-Za-z][A-Za-z0-9_-]*$", "etude"),
        ("2024", "^[a-z]+$", None),
    ],
)
def test_the_nearest_name_that_is_allowed_is_proposed(name, pattern, nearest):
    assert nearest_name(name, pattern) == nearest


def test_text_that_is_empty_is_refused_at_its_place():
    schema, config = read_yaml(SCHEMA), read_yaml(Path("config.yaml"))
    config["sources"]["openhermes"]["columns"] = {"text": ""}
    config["experiments"]["exp3"]["downstream"] = {"tasks": ["arc_easy", ""]}
    fill_in(config, schema)

    found = [mistake.partition(": ")[0] for mistake in mistakes_of_form(config, schema)]

    assert found == ["experiments.exp3.downstream.tasks.1", "sources.openhermes.columns.text"]
