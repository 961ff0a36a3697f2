"""What is said of sweeps and studies before anything is trained."""

import copy
import json
from pathlib import Path

import pytest
import yaml

from config_cases import pair_of_sources
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.study.check import check
from emulsion.study.experiment_paths import law_figures
from emulsion.study.study import Study

SCHEMA = Path("workflow/schemas/config.schema.yaml")
FITTED = {"swarm": "sweep", "matrices": {"static": {"kind": "static_law", "branches": "early"}}}
SWARM = {"points": {"kind": "grid", "count": 3}, "branches": {"early": {"after": 20_800, "tokens": 10_400}}}
STUDY = {"title": "A study", "tables": [{"title": "One table", "settings": {"OpenHermes/Magpie": "pair"}}]}


def configured(change=lambda config: None):
    config = yaml.safe_load(Path("config.yaml").read_text())
    config["experiments"]["pair"] = pair_of_sources(seeds=[0], laws=copy.deepcopy(FITTED))
    config["swarms"]["sweep"] = copy.deepcopy(SWARM)
    config["law_studies"] = {"laws": copy.deepcopy(STUDY)}
    change(config)
    return config


def setting(path, value):
    def change(config):
        *parents, last = path.split("/")
        place = config
        for parent in parents:
            place = place[parent]
        place[last] = value

    return change


def test_a_sweep_and_a_study_need_no_strategies():
    config = configured()
    check(config, SCHEMA)
    assert config["experiments"]["pair"]["strategies"] == [] and config["replays"] == {}
    assert config["swarms"]["sweep"]["branches"]["early"]["seeds"] == "first"


def test_defaults_leave_what_is_written_as_it_is():
    config = configured(setting("swarms/sweep/branches/early/seeds", "all"))
    check(config, SCHEMA)
    assert config["swarms"]["sweep"]["branches"]["early"]["seeds"] == "all"
    assert config["experiments"]["exp3"]["strategies"][0] == "equal_mix"


LAWS = "experiments/pair/laws"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("experiments/pair/repeat", True, "experiments.pair.repeat: it is for mixtures that are compared"),
        ("experiments/pair/sources", ["openhermes"], "has one alone, 'openhermes'"),
        ("experiments/pair/sources", ["openhermes", "magpie", "fineweb"], "a grid is for 2 sources"),
        ("swarms/sweep/branches/early/after", 300, "300 tokens are less than one step of 480"),
        ("swarms/sweep/branches/early/tokens", 90_000, "they end at 110,800 tokens, but the swarm's runs have 104,000"),
        ("swarms/sweep/branches/early/parents", 4, "4 of the swarm's points were asked for; there are 3"),
        (f"{LAWS}/matrices/static/branches", "erly", "Did you mean 'early'?"),
        (f"{LAWS}/matrices/mine", {"kind": "given", "branches": "early"}, "matrices.mine.matrix: no file is named"),
        ("law_studies/laws/tables", [{"title": "T", "settings": {"x": "pare"}}], "Did you mean 'pair'?"),
        ("law_studies/laws/tables", [{"title": "T", "settings": {"x": "exp3"}}], "experiment 'exp3' has no `laws`"),
        (
            "law_studies/laws/tables",
            [{"title": "T", "settings": {"x": "pair", "y": "pair"}}],
            "law_studies.laws: 'T', 'y' is experiment 'pair', and so is 'x'; it would count twice",
        ),
        ("law_studies", {"pair": STUDY}, "law_studies.pair: an experiment has this name too"),
        ("figures", ["pair_static_low"], "Did you mean 'pair_static_law'?"),
        ("figures", ["pair_mixtures"], "figures: 'pair_mixtures' needs experiments.pair.strategies or methods"),
        (
            "models/tiny/weights",
            {"folder": "models/exp3-equal_mic"},
            "holds no model.safetensors, nor is it models/{experiment}-{run}",
        ),
        ("models/tiny/weights", {"folder": "models/exp3-equal_mix/"}, "is a run of this very model"),
        ("models/tiny/weights", {}, "needs either `folder` or `id`"),
        (f"{LAWS}/matrices/static/matrix", "a.json", "kind 'static_law' has no file"),
        ("experiments/pair/smoke", {"steps": 5, "least_fall": 0.1}, "experiments.pair.smoke: it is for mixtures"),
        (
            "experiments/pair/laws/swarm",
            "swep",
            "pair.laws.swarm: unknown swarm 'swep'. Did you mean",
        ),
        ("swarms/sweep/model", "tinny", "swarms.sweep.model: unknown model 'tinny'"),
    ],
)
def test_a_mistake_is_told_in_words(path, value, message):
    config = configured(setting(path, value))
    with pytest.raises(UserError) as error:
        check(config, SCHEMA)
    assert message in str(error.value)


@pytest.mark.parametrize("points", [{"kind": "uniform"}, {"kind": "proportional"}])
@pytest.mark.parametrize("seeds", ["first", "all"])
def test_no_law_is_fitted_to_one_mixture(points, seeds):
    config = configured(setting("swarms/sweep/points", points))
    config["swarms"]["sweep"]["seeds"], config["experiments"]["pair"]["seeds"] = seeds, [0, 1]
    with pytest.raises(UserError, match=r"laws\.swarm: laws are fitted to 2 mixtures or more, and 'sweep' has one"):
        check(config, SCHEMA)


def test_a_given_matrix_names_the_sources_of_the_experiment(tmp_path):
    file = tmp_path / "matrix.json"
    method = {"kind": "given", "matrix": str(file), "branches": "early"}
    file.write_text(
        json.dumps({"openhermes": {"openhermes": 1, "magpie": 0}, "magpie": {"openhermes": 0, "magpie": 1}})
    )
    check(configured(setting(f"{LAWS}/matrices/mine", method)), SCHEMA)
    file.write_text(json.dumps({"openhermes": {"openhermes": 1}, "magpie": {"magpie": 1}}))
    with pytest.raises(UserError, match="must have a row and in it a column for each of magpie, openhermes"):
        check(configured(setting(f"{LAWS}/matrices/mine", method)), SCHEMA)
    for effect in ("null", '"x"', "NaN", "true"):
        row = f'{{"openhermes": 1, "magpie": {effect}}}'
        file.write_text(f'{{"openhermes": {row}, "magpie": {row}}}')
        with pytest.raises(UserError, match=r"the effect on 'openhermes' of 'magpie' is .*, not a number"):
            check(configured(setting(f"{LAWS}/matrices/mine", method)), SCHEMA)


@pytest.mark.parametrize("run", ["exp3-equal_mix", "exp3-equal_mix/", "pair-sweep_01", "pair-sweep_02"])
def test_a_model_may_start_from_a_run_of_the_workflow(run):
    model = yaml.safe_load(Path("config.yaml").read_text())["models"]["tiny"]
    check(configured(setting("models/trained", {**model, "weights": {"folder": f"models/{run}"}})), SCHEMA)


def test_a_study_needs_no_published_numbers():
    config = configured()
    check(config, SCHEMA)
    assert config["law_studies"]["laws"]["tables"][0]["published"] == {}


PARAMETERS = {"methods": ["aioli"], "shares": [0.5], "tokens": 960}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ["aiole"]}, "parameters.methods: unknown method 'aiole'. Did you mean 'aioli'"),
        ({"methods": ["odm"]}, "unknown method that goes by a matrix 'odm'"),
        ({"shares": [0.01]}, "before anything was decided from what was seen; its first update is at"),
        ({"shares": [0.5, 0.501]}, "two of [0.5, 0.501] are of one update"),
        ({"tokens": 100}, "branches of 100 tokens are less than one step of 480"),
        ({"points": {"kind": "uniform"}}, "one branch tells nothing"),
        ({"points": {"kind": "spread", "bounds": [0.1, 0.2]}}, "no mixture of 2 sources has every share in [0.1, 0.2]"),
        ({"points": {"kind": "spread", "bounds": [0.9, 0.1]}}, "no mixture of 2 sources has every share in [0.9, 0.1]"),
        ({"points": {"kind": "spread", "bounds": [0.5, 0.5]}}, "leave room for one mixture of 2 sources alone"),
        ({"points": {"kind": "spread", "count": 9, "bounds": [0.498, 0.502]}}, "parameters.points: design: the bounds"),
        ({"tokens": 60_000}, "its branches end at 105,120 tokens, but the run"),
    ],
)
def test_states_of_methods_that_cannot_be_branched_are_refused(changes, message):
    def change(config):
        config["methods"] |= {"aioli": {"kind": "aioli", "rounds": 5}, "odm": {"kind": "odm"}}
        config["experiments"]["pair"] |= {"methods": ["aioli", "odm"], "parameters": PARAMETERS}

    check(configured(change), SCHEMA)
    config = configured(change)
    config["experiments"]["pair"]["parameters"] = {**PARAMETERS, **changes}
    with pytest.raises(UserError) as error:
        check(config, SCHEMA)
    assert message in str(error.value)


@pytest.mark.parametrize("table", ["train", "-x"])
def test_a_table_to_judge_on_has_a_name_that_is_free(tmp_path, table):
    (tmp_path / "a.csv").touch()
    pair = [str(tmp_path / "a.csv")] * 2

    def change(config, name):
        config["replays"] = {"one": {"train": pair, "tests": {name: pair}, "laws": ["linear"], "sizes": [4]}}

    check(configured(lambda config: change(config, "held out")), SCHEMA)
    with pytest.raises(UserError, match=rf"replays\.one\.tests: a table to judge on is called '{table}'"):
        check(configured(lambda config: change(config, table)), SCHEMA)


def test_weights_in_a_circle_and_of_other_sizes_are_refused():
    config = read_yaml(Path("config.yaml"))
    tiny = config["models"]["tiny"]
    config["strategies"] |= {name: {"ratios": {"fineweb": 1}, "model": f"m{name}"} for name in ("a", "b", "c")}
    config["models"] |= {
        "ma": {**tiny, "weights": {"folder": "models/exp3-b"}},
        "mb": {**tiny, "weights": {"folder": "models/exp3-a"}},
        "mc": {**tiny, "hidden_size": 128, "weights": {"folder": "models/exp3-equal_mix"}},
    }
    config["experiments"]["exp3"]["strategies"] += ["a", "b", "c"]
    with pytest.raises(UserError) as error:
        check(config, SCHEMA)
    assert "models.ma.weights.folder: models/exp3-b is a run of 'mb', which starts from this model" in str(error.value)
    assert "models.mc.weights.folder: models/exp3-equal_mix is a run of 'tiny', whose hidden_size is 64" in str(
        error.value
    )


def test_similarity_is_drawn_against_stratified_sampling():
    def compare(config):
        config["experiments"]["pair"] |= {"methods": ["aioli"]}
        config["experiments"]["pair"] |= {"parameters": {"methods": ["aioli"], "shares": [0.5], "tokens": 4_800}}
        config["methods"] |= {"aioli": {"kind": "aioli", "rounds": 4}, "even": {"kind": "stratified"}}
        config["figures"] = ["pair_similarity"]

    with pytest.raises(UserError, match=r"needs a method of kind stratified in experiments\.pair\.methods"):
        check(configured(compare), SCHEMA)
    config = configured(compare)
    config["figures"] = []
    check(config, SCHEMA)
    assert law_figures(Study(config)["pair"]) == [
        f"figures/pair_{law}.png" for law in ("static_law", "dynamic_law", "effects")
    ]
    config = configured(compare)
    config["experiments"]["pair"]["methods"].append("even")
    check(config, SCHEMA)
    assert law_figures(Study(config)["pair"])[-1] == "figures/pair_similarity.png"
