"""The configuration of the project with a change, and what is said against it."""

import copy
from pathlib import Path

import pytest
import yaml

from emulsion.errors import UserError
from emulsion.study.check import check

SCHEMA = Path("workflow/schemas/config.schema.yaml")
CONFIG = yaml.safe_load(Path("config.yaml").read_text())


def pair_of_sources(**settings):
    """An experiment of two sources that trains nothing yet, with these settings."""
    return {
        "title": "A pair",
        "sources": ["openhermes", "magpie"],
        "tokenizer": "demo",
        "model": "tiny",
        "training": "demo",
        "tokens": 104_000,
        "budget": {"device": "cpu-core", "hours": {}},
        **settings,
    }


def changed(path, value):
    """The configuration with one value set, named by its path."""
    config = copy.deepcopy(CONFIG)
    *parents, last = path.split("/")
    place = config
    for parent in parents:
        place = place[parent]
    place[last] = value
    return config


def problems(config, **options):
    with pytest.raises(UserError) as error:
        check(copy.deepcopy(config), SCHEMA, **options)
    return str(error.value)


def suite_of(folder, file, name, *capabilities):
    """The entry of a suite in this folder: one item of a choice for each capability."""
    items = [
        {
            "id": each,
            "capability": each,
            "kind": "choice",
            "prompt": f"Which {each}?",
            "choices": ["a", "b"],
            "answer": 0,
        }
        for each in capabilities
    ]
    (folder / file).write_text(yaml.safe_dump({"suite": name, "items": items}))
    return {"kind": "file", "file": str(folder / file)}
