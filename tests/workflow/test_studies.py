"""The two other studies are configuration, and the rules are those of experiment 3."""

import json
import shutil

import pytest
import yaml
from workflow_project import TINY, copy_project, planned, read, snakemake

from emulsion.plan import SequencePlan
from emulsion.schedule import Schedule

FIRST = ("--configfile", "config/exp1.yaml", "tests/config/exp1_tiny.yaml")
FIRST_RESULTS = ("results/exp1-metrics.json", "results/exp1/500M/smoke.json")
FIRST_RUNS = ("500M", "500M-seed1", "1B", "1B-seed1")
SMOLLM3 = ("--configfile", "config/smollm3.yaml")


@pytest.fixture(scope="module")
def first_study(tmp_path_factory, warm):
    """A copy in which experiment 1 was made at tiny size; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("first"))
    snakemake(folder, *FIRST_RESULTS, "--cores", "2", *FIRST, environment=warm)
    return folder


def test_experiment_1_trains_two_models_on_the_same_tokens_of_one_source(first_study):
    records = {run: read(first_study, f"models/exp1-{run}/run.json") for run in FIRST_RUNS}
    assert {record["tokens"] for record in records.values()} == {39_520}
    assert {tuple(record["mixing_ratios"].items()) for record in records.values()} == {(("openhermes", 1.0),)}
    assert records["500M"]["parameters"] == records["500M-seed1"]["parameters"] < records["1B"]["parameters"]


def test_experiment_1_holds_every_run_against_every_limit(first_study):
    found = read(first_study, "results/exp1-metrics.json")
    assert tuple(found["runs"]) == FIRST_RUNS
    assert len(found["criteria"]) == 4 * 3 + 2
    assert {row["verdict"] for row in found["criteria"]} <= {"met", "not met", "undecided"}
    for name, run in found["runs"].items():
        assert run["smoke_check"]["passed"] and run["stability"]["steps"] == 38
        losses = read(first_study, f"results/exp1/{name}/perplexity.json")["sources"]["openhermes"]
        assert run["perplexity"]["sources"]["openhermes"]["perplexity"] == losses["perplexity"]
        assert run["perplexity"]["mixed"] == pytest.approx(losses["perplexity"])
    spreads = [each["spread"] for each in found["reproducibility"].values()]
    assert len(spreads) == 2 and min(spreads) > 0


def test_experiment_1_shows_published_results_with_their_sources(first_study):
    text = (first_study / "results/exp1-metrics.md").read_text()
    assert all(name in text for name in ("GPT-2 345M", "Radford et al. 2019", "500M (here)", "no like-for-like"))


def test_experiment_1_writes_down_every_generation(first_study):
    text = (first_study / "results/exp1-generations.txt").read_text()
    for run in FIRST_RUNS:
        lines = (first_study / f"results/exp1/{run}/generations.jsonl").read_text().splitlines()
        assert f"{run}: {len(lines)} generations" in text
        assert all(json.loads(line)["prompt"] in text for line in lines)


def test_the_smoke_check_finds_what_the_run_itself_found(first_study):
    alone = read(first_study, "results/exp1/500M/smoke.json")
    own = read(first_study, "models/exp1-500M/run.json")["smoke_check"]
    assert (alone["identity"], alone["last_loss"], alone["sample"]) == (
        own["identity"],
        own["last_loss"],
        own["sample"],
    )
    assert list((first_study / "checkpoints").glob("*")) == []


@pytest.mark.parametrize("smoke", ["null", "{steps: 30, least_fall: 2.0}"])
def test_another_smoke_check_trains_nothing_again(first_study, tmp_path, smoke):
    (tmp_path / "smoke.yaml").write_text(f"experiments: {{exp1: {{smoke: {smoke}}}}}")
    assert planned(first_study, FIRST_RESULTS[0], *FIRST, str(tmp_path / "smoke.yaml")) == {}


def test_a_run_whose_loss_does_not_fall_is_refused_before_it_is_trained(first_study, tmp_path, warm):
    shutil.copytree(first_study, tmp_path / "project", symlinks=True)
    (tmp_path / "flat.yaml").write_text("training: {demo: {learning_rate: 1.0e-9, final_learning_rate: 0}}")
    target = "results/exp1/1B/smoke.json"
    overlays = (*FIRST, str(tmp_path / "flat.yaml"))
    result = snakemake(tmp_path / "project", target, "--cores", "1", *overlays, check=False, environment=warm)
    assert result.returncode != 0
    assert "the loss does not fall" in result.stdout
    assert "The learning rate was 1e-09 at most" in result.stdout
    assert not (tmp_path / "project" / target).exists()


def test_a_schedule_of_recipes_takes_the_sources_that_are_there_and_one_training(editable, warm):
    stages = {
        "one": (30, {"openhermes": 0.6, "fineweb": 0.4}),
        "two": (10, {"openhermes": 0.2, "fineweb": 0.3, "magpie": 0.4995, "cosmopedia": 0.0005}),
        "three": (10, {"openhermes": 0.1, "magpie": 0.4, "cosmopedia": 0.5}),
    }
    for name, (tokens, weights) in stages.items():
        sources = [{"name": source, "weight": weight, "class": "text"} for source, weight in weights.items()]
        (editable / f"{name}.yaml").write_text(yaml.safe_dump({"tokens": tokens, "sources": sources}))
    strategies = {"staged": {"stages": [{"recipe": f"{name}.yaml"} for name in stages]}}
    overlay = {"experiments": {"exp3": {"strategies": ["staged"]}}, "strategies": strategies, "figures": []}
    (editable / "staged.yaml").write_text(yaml.safe_dump(overlay))
    targets = ("figures/exp3_schedule.png", "models/exp3-staged/run.json")
    jobs = planned(editable, *targets, *TINY, "staged.yaml")
    assert jobs.keys() == {"write_mixture", "describe_mixture", "plot_schedule", "train"}
    snakemake(editable, *targets, "--cores", "2", *TINY, "staged.yaml", environment=warm)
    record = read(editable, "models/exp3-staged/run.json")
    assert record["stages"] == read(editable, "data/exp3_staged_info.json")["stages"]
    check_stages(record, [weights for _, weights in stages.values()])
    assert list(record["stages"][1]["not_drawn"]) == ["cosmopedia"]
    assert (editable / "figures/exp3_schedule.png").stat().st_size > 10_000


def check_stages(record, targets):
    """Whole sequences within one of what is due at every boundary, and every source goes on where it was."""
    drawn = dict.fromkeys(record["mixing_ratios"], 0)
    due = dict.fromkeys(drawn, 0.0)
    for stage, weights in zip(record["stages"], targets, strict=True):
        assert stage["offsets"] == drawn
        for source in drawn:
            due[source] += stage["sequences"] * weights.get(source, 0) / sum(weights.values())
            drawn[source] += stage["sequences_per_source"][source]
            assert abs(drawn[source] - due[source]) < 1
    assert drawn == record["sequences_per_source"]


@pytest.mark.slow
def test_smollm3_is_trained_end_to_end_on_stand_ins_of_its_sources(tmp_path, warm):
    folder = copy_project(tmp_path)
    targets = ("figures/smollm3_schedule.png", "models/smollm3-three_stages/run.json")
    snakemake(folder, *targets, "--cores", "2", *SMOLLM3, environment=warm)
    record = read(folder, "models/smollm3-three_stages/run.json")
    recipes = [yaml.safe_load((folder / f"resources/recipes/smollm3/stage{n}.yaml").read_text()) for n in (1, 2, 3)]
    targets = [{source["name"]: source["weight"] for source in recipe["sources"]} for recipe in recipes]
    assert [len(weights) for weights in targets] == [41, 46, 56]
    check_stages(record, targets)
    assert set(record["stages"][1]["not_drawn"]) == {"fw2_vie", "stack_v2_shell"}
    assert max(record["epochs_per_source"].values()) <= 1
    sizes = {}
    for source in record["mixing_ratios"]:
        tokens = read(folder, f"data/tokens/smollm3/{source}/header.json")["splits"]["train"]["tokens"]
        sizes[source] = (tokens - 1) // record["context"]
    plan = SequencePlan(sizes, Schedule.from_json(record["schedule"], record["sequences"]), record["spec"]["seed"])
    owners, rows = plan.sources(0, record["sequences"]), plan.rows(0, record["sequences"])
    for place, source in enumerate(sizes):
        own = rows[owners == place]
        assert len(set(own.tolist())) == len(own) == record["sequences_per_source"][source]
