"""What a mistaken name of a file may have meant."""

import copy
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("results/exp3/swarms/small/0.json", "results/exp3/swarms/small/000.json"),
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


@pytest.mark.parametrize(
    ("asked", "lacks"),
    [
        ("figures/exp3_static_law.png", "experiments.exp3.laws"),
        ("figures/exp3_trajectories.png", "an online method in experiments.exp3.methods"),
        ("results/exp3/equal_mix/smoke.json", "experiments.exp3.smoke"),
        ("law_results/exp3/similarity.json", "experiments.exp3.laws.matrices or experiments.exp3.parameters"),
        ("figures/exp3_pareto.png", ""),
        ("results/exp3/contributions.json", ""),
        ("figures/exp4_pareto.png", ""),
    ],
)
def test_what_an_experiment_lacks_for_a_file_is_known(study, asked, lacks):
    assert targets.lacking(asked, study) == lacks


@pytest.fixture
def two():
    """Experiments of which each has mixtures, a swarm and batches that the other has not."""
    config = read_yaml(Path("config.yaml"))
    other = copy.deepcopy(config["experiments"]["exp3"])
    config["experiments"]["my-exp3"] = {**other, "strategies": ["other_mix"], "methods": ["other"], "ablations": None}
    config["strategies"]["other_mix"] = {"ratios": {"magpie": 1}}
    config["methods"]["other"] = {**config["methods"]["optimal"], "swarm": "large"}
    config["swarms"]["large"] = {**config["swarms"]["small"], "batch": 2}
    fill_in(config, read_yaml(Path("workflow/schemas/config.schema.yaml")))
    return Study(config)


@pytest.mark.parametrize(
    ("file", "is_there"),
    [
        ("models/exp3-equal_mix/run.json", True),
        ("models/exp3-other_mix/run.json", False),
        ("models/my-exp3-other_mix-seed1/run.json", True),
        ("models/my-exp3-equal_mix/run.json", False),
        ("data/exp3_optimal_info.json", True),
        ("data/exp3_other_info.json", False),
        ("results/exp3/branches/equal_mix.json", True),
        ("results/my-exp3/branches/equal_mix.json", False),
        ("results/exp3/swarms/small/001.json", True),
        ("results/exp3/swarms/small/002.json", False),
        ("results/exp3/swarms/small/1.json", False),
        ("results/exp3/swarms/large/001.json", False),
        ("results/my-exp3/swarms/large/005.json", True),
        ("logs/train_swarm/my-exp3-large-005.log", True),
        ("logs/train_swarm/my-exp3-small-000.log", False),
        ("elsewhere/models/exp3-equal_mix/run.json", True),
    ],
)
def test_what_another_experiment_has_is_no_name_of_this_one(two, file, is_there):
    patterns = [
        "models/{experiment}-{run}/run.json",
        "data/{experiment}_{mix}_info.json",
        "results/{experiment}/branches/{run}.json",
        "results/{experiment}/swarms/{swarm}/{batch}.json",
        "logs/train_swarm/{experiment}-{swarm}-{batch}.log",
    ]
    found = targets.wildcard_patterns(two)
    made = [re.sub(r"\{(\w+)\}", lambda wildcard: f"(?:{found[wildcard[1]]})", pattern) for pattern in patterns]
    assert is_there is any(re.fullmatch(f"(?:elsewhere/)?{pattern}", file) for pattern in made)


def test_a_pattern_of_no_names_matches_nothing():
    assert not re.fullmatch(targets.one_of([]), "")


NAMES = st.lists(st.text("abé-_.0[^]\\|", max_size=5))


@given(NAMES.filter(any), NAMES)
def test_a_pattern_matches_its_names_and_no_other(names, others):
    names = [name for name in names if name]
    pattern = re.compile(targets.one_of(names))
    for name in {*names, *others}:
        assert bool(pattern.fullmatch(name)) == (name in names)


def test_a_pattern_of_thousands_of_numbered_names_is_as_short_as_one_of_a_few():
    names = [f"s{number:05}-seed{seed}" for number in range(5000) for seed in range(3)]
    assert len(targets.one_of(names)) < 80
