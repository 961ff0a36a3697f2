"""What a mistaken name of a file may have meant."""

from pathlib import Path

import pytest

from emulsion.fields import read_yaml
from emulsion.study import targets
from emulsion.study.form import fill_in
from emulsion.study.study import Study

PATTERNS = [
    "all",
    "models/{experiment}-{run}/run.json",
    "data/stats/{source}.json",
    "figures/{experiment}_pareto.png",
    "results/{experiment}/swarms/{swarm}/{batch}.json",
]


def nearest(study, asked, makes=lambda name: True):
    return targets.nearest(asked, PATTERNS, study, makes)


@pytest.fixture
def study():
    config = read_yaml(Path("config.yaml"))
    fill_in(config, read_yaml(Path("workflow/schemas/config.schema.yaml")))
    return Study(config)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("figures/exp3_paretto.png", "figures/exp3_pareto.png"),
        ("models/exp3-equal_mix-seed0/run.json", "models/exp3-equal_mix/run.json"),
        ("data/stats/cosmopedai.json", "data/stats/cosmopedia.json"),
        ("al", "all"),
    ],
)
def test_the_nearest_name_is_among_three(study, asked, meant):
    found = nearest(study, asked)
    assert meant in found and len(found) <= 3


def test_no_name_is_near_to_what_is_like_none(study):
    assert nearest(study, "xyzzy") == []


def test_what_no_rule_makes_after_all_is_not_named(study):
    assert nearest(study, "figures/exp3_paretto.png", lambda name: "pareto" not in name) == []


def test_wildcards_of_an_experiment_stand_for_its_own_names(study):
    values = targets.wildcard_values(study)
    assert set(study["exp3"].all_runs()) <= set(values["run"])
    assert values["experiment"] == list(study) and "batch" not in values
