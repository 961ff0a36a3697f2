"""Every mixing method in real training, by the real rules, at miniature size."""

import json
import re
from dataclasses import asdict

import pytest
import yaml
from killed_once import train_again
from workflow_project import ROOT, copy_project, planned, read, snakemake

from emulsion.methods import create, names
from emulsion.methods.registry import decides_online

METHODS = ("--configfile", "config/methods.yaml", "tests/config/methods_tiny.yaml")
CONFIG = yaml.safe_load((ROOT / "config/methods.yaml").read_text())
NAMES = CONFIG["experiments"]["methods"]["methods"]
KINDS = {name: entry["kind"] for name, entry in CONFIG["methods"].items()}
# Trained like `stratified` and `dml`, on a mixture that is there before: of these the mixture is enough.
UNTRAINED = (
    "best_law",
    "direct",
    "grid",
    "mixmin",
    "olmix",
    "optimal",
    "proportional",
    "regmix",
    "temperature_2",
    "unimax",
)
TRAINED = [name for name in NAMES if name not in UNTRAINED]
TARGETS = [
    *(f"models/methods-{name}/run.json" for name in TRAINED),
    *(f"mixtures/methods/{name}.json" for name in UNTRAINED),
]
PARAMETERS = [f"law_results/methods/{name}_parameters.json" for name in ("skillit", "doremi", "doge", "aioli")]
# Methods that decide while they train, for others too, and two runs of a given mixture: a fixed one and a replay.
ONLINE = ("ado", "aioli", "aioli_after_dml", "aioli_diagonal", "aioli_static", "emulsion_online", "odm", "skillit")
RUNS = [f"methods-{name}" for name in (*ONLINE, "doremi-guide", "doge-guide", "stratified", "aioli_again")]
TRAJECTORIES = ("aioli", "aioli_static", "aioli_diagonal", "odm", "ado", "skillit", "emulsion_online")


@pytest.fixture(scope="module")
def made(tmp_path_factory, warm):
    """A copy in which every method decided and a run of most was trained, some again with a kill; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("methods"))
    mixtures = [f"mixtures/methods/{name}.json" for name in TRAJECTORIES]
    asked = ("--cores", "2", "-p", *METHODS, "--", *TARGETS, *mixtures, *PARAMETERS)
    said = snakemake(folder, *asked, environment=warm).stdout
    train_again(folder, said, fixed=("methods-stratified", "methods-aioli_again"))
    return folder


@pytest.mark.parametrize("name", TRAINED)
def test_a_method_trains_a_model_on_as_many_tokens_as_every_other(made, name):
    record = read(made, f"models/methods-{name}/run.json")
    assert record["tokens"] == 19_200
    assert sum(record["mixing_ratios"].values()) == pytest.approx(1)
    assert all(loss > 0 for loss in record["validation"].values())


@pytest.mark.parametrize("name", UNTRAINED)
def test_a_method_decides_a_mixture_that_a_run_can_train_on(made, name):
    [stage] = read(made, f"mixtures/methods/{name}.json")["schedule"]
    assert stage["until"] == 1 and set(stage["weights"]) == {"openhermes", "magpie"}
    assert sum(stage["weights"].values()) == pytest.approx(1)


@pytest.mark.parametrize("run", RUNS)
def test_a_run_that_was_killed_ends_with_the_bytes_of_one_that_was_not(made, run):
    assert (made / "killed" / run).exists() and "resumed at step" in (made / f"again/{run}.log").read_text()
    for file in ("model.safetensors", "training_log.jsonl"):
        assert (made / "models" / run / file).read_bytes() == (made / "again" / run / file).read_bytes()


def test_every_method_that_decides_while_it_trains_was_killed(made):
    decided = {
        f"methods-{name}"
        for name in TRAINED
        if "rounds" in read(made, f"models/methods-{name}/run.json").get("method", {})
    }
    again = {path.name for path in (made / "again").iterdir() if path.is_dir()}
    assert decided <= again == set(RUNS)


def test_nothing_is_planned_when_all_methods_are_trained(made):
    assert planned(made, *TARGETS, *METHODS) == {}


def test_an_online_method_leaves_its_trajectory_its_effects_and_what_observing_took(made):
    record = read(made, "models/methods-aioli/run.json")
    lines = (made / "models/methods-aioli/training_log.jsonl").read_text().splitlines()
    rounds = [row for row in map(json.loads, lines) if row.get("effects")]
    assert len(rounds) == record["method"]["rounds"] == 5
    assert all(set(row["effects"]) == {"openhermes", "magpie"} for row in rounds)
    assert record["method"]["validations"] == 5 * (2 + 1) and record["method"]["evaluation_tokens"] > 0
    assert len(record["schedule"]) == 5 * (2 + 1)


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_a_trajectory_is_written_as_a_mixture_of_the_run(made, name):
    mixture, record = read(made, f"mixtures/methods/{name}.json"), read(made, f"models/methods-{name}/run.json")
    assert [stage["until"] for stage in mixture["schedule"]] == [stage["until"] for stage in record["schedule"]]
    assert mixture["method"] == KINDS.get(name, name)


def test_aioli_takes_over_from_the_mixture_of_another_method(made):
    first, *others = read(made, "models/methods-aioli_after_dml/run.json")["schedule"]
    assert first["until"] == pytest.approx(0.3) and len(others) == 5 * (2 + 1)
    assert first["weights"] == pytest.approx(read(made, "results/methods/dml_mix.json")["ratios"])


def test_a_replay_is_trained_on_the_trajectory_of_another_run_or_on_its_mean(made):
    decided = read(made, "models/methods-aioli/run.json")
    again, mean = (read(made, f"models/methods-{name}/run.json") for name in ("aioli_again", "aioli_mean"))
    assert [stage["until"] for stage in again["schedule"]] == [stage["until"] for stage in decided["schedule"]]
    for one, other in zip(again["schedule"], decided["schedule"], strict=True):
        assert one["weights"] == pytest.approx(other["weights"])
    assert "method" not in again and len(mean["schedule"]) == 1
    assert mean["schedule"][0]["weights"] == pytest.approx(decided["mixing_ratios"], abs=0.02)


@pytest.mark.parametrize("name", ["doremi", "doge"])
def test_an_average_is_trained_from_the_start_on_what_the_guide_decided(made, name):
    guide, answer = read(made, f"models/methods-{name}-guide/run.json"), read(made, f"models/methods-{name}/run.json")
    assert len(guide["schedule"]) == 4 and len(answer["schedule"]) == 1
    assert answer["schedule"][0]["weights"] == pytest.approx(guide["method"]["average"])
    assert read(made, f"mixtures/methods/{name}.json")["schedule"] == answer["schedule"]


def test_the_graph_of_skillit_comes_from_one_run_per_source_and_is_charged_to_the_swarm(made):
    runs = read(made, "results/methods/swarms/alone/000.json")["runs"]
    assert [run["mixture"] for run in runs] == ["alone_openhermes", "alone_magpie"]
    for run in runs:
        own = run["mixture"].removeprefix("alone_")
        assert run["initial"][own] > run["validation"][own]
    values = read(made, "models/methods-skillit/run.json")["method"]["values"]
    assert values["evidence"] == {run["run"]: run["validation"] for run in runs}


@pytest.mark.parametrize("name", [name for name in NAMES if KINDS.get(name) in ("dml", "regmix", "olmix", "optimum")])
def test_an_offline_method_says_what_its_choice_rests_on(made, name):
    record, mixture = read(made, f"results/methods/{name}_mix.json"), read(made, f"mixtures/methods/{name}.json")
    assert record["method"] == KINDS[name]
    assert mixture["schedule"][0]["weights"] == pytest.approx(record["ratios"])
    low, high = record["interval"]
    assert low < record["prediction"] < high
    assert len(record["observed_vs_predicted"]) == 6


@pytest.mark.parametrize("file", PARAMETERS)
def test_the_matrix_of_a_method_stands_beside_the_one_that_branches_of_its_run_show(made, file):
    found = read(made, file)
    run = found["method"] + ("-guide" if found["kind"] in ("doremi", "doge") else "")
    log = made / f"models/methods-{run}/training_log.jsonl"
    told = [row for row in map(json.loads, log.read_text().splitlines()) if row.get("effects")]
    assert len(found["trunks"]) == len(CONFIG["experiments"]["methods"]["parameters"]["shares"])
    for trunk in found["trunks"]:
        assert trunk["step"] + 1 in [row["step"] for row in told] and trunk["step"] <= 0.7 * 40
        assert set(trunk["A_star"]) == set(trunk["A"]) and -1 <= trunk["similarity"]["similarity"] <= 1
    assert found["mean"]["degenerate"]  # two sources


def test_swarms_that_ask_for_the_same_runs_share_them(made, tmp_path, warm):
    kept = {file.name: file.stat().st_mtime_ns for file in (made / "checkpoints/swarms").glob("*.json")}
    (tmp_path / "again.yaml").write_text(
        "swarms: {copy: {points: {kind: dirichlet, count: 6}, tokens: 4_800, batch: 3}}\n"
        "methods: {other_dml: {kind: dml, swarm: copy}}\n"
        "experiments: {methods: {methods: [other_dml], parameters: null}}\n"
        "figures: []\n"
    )
    asked = (*METHODS, str(tmp_path / "again.yaml"), "--", "results/methods/other_dml_mix.json")
    snakemake(made, "--cores", "1", *asked, environment=warm)
    assert {file.name: file.stat().st_mtime_ns for file in (made / "checkpoints/swarms").glob("*.json")} == kept


def test_a_setting_of_one_method_trains_that_method_alone(made, tmp_path):
    (tmp_path / "eta.yaml").write_text("methods: {odm: {variant: exp3}}")
    jobs = planned(made, *TARGETS, *METHODS, str(tmp_path / "eta.yaml"))
    assert jobs.keys() == {"train_online"} and jobs["train_online"] == ["experiment=methods, run=odm"]


def test_another_limit_of_epochs_trains_again_only_what_keeps_to_it(made, tmp_path):
    (tmp_path / "limit.yaml").write_text("experiments: {methods: {max_epochs: {limit: 5}}}")
    jobs = planned(made, *TARGETS, *METHODS, str(tmp_path / "limit.yaml"))
    # The optimum of a law keeps to it, too, and Aioli goes on from that of `dml`.
    runs = ("aioli_after_dml", "emulsion_online")
    assert jobs["train_online"] == [f"experiment=methods, run={run}" for run in runs]
    assert "train_swarm" not in jobs


def test_every_kind_that_can_be_chosen_is_in_the_study_and_in_the_docs():
    made_by_the_study = {"given", "only", "without", "point"}
    chosen = {KINDS.get(name, "temperature" if name == "temperature_2" else name) for name in NAMES}
    assert set(names()) - made_by_the_study - {"follow"} == chosen
    page = (ROOT / "docs/methods.md").read_text()
    assert [kind for kind in set(names()) - made_by_the_study if f"| `{kind}` |" not in page] == []


def documented_settings():
    """{(kind, setting): default} of the table of settings of online methods, without backticks."""
    _, _, section = (ROOT / "docs/methods.md").read_text().partition("### Settings of online methods")
    table = section.partition("\n### ")[0]
    return {
        (kind, setting): default.strip().strip("`")
        for kind, setting, default in re.findall(r"^\| `(\w+)` \| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE)
    }


def test_every_setting_of_an_online_method_is_documented_with_its_default():
    found = documented_settings()
    for kind in set(names()) - {"follow"}:
        if not decides_online(kind):
            continue
        for setting, value in asdict(create(kind, sources=["a", "b"]).settings).items():
            if setting == "prior":
                continue  # of all that have it, said once above the table
            default = found[kind, setting]
            assert value is None or default == str(value).lower() or float(default) == value, f"{kind}.{setting}"
