"""The configuration of the project with a change, and what is said against it."""

import copy
from pathlib import Path

import pytest
import yaml

from emulsion.errors import UserError
from emulsion.study.check import check

SCHEMA = Path("workflow/schemas/config.schema.yaml")
CONFIG = yaml.safe_load(Path("config.yaml").read_text())


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
