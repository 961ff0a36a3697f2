"""Sweeps, branches, laws and studies by the real rules, at miniature size."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from workflow_project import TINY, copy_project, planned, read, snakemake

from emulsion.world.planted import planted_law

LAWS = (*TINY, "tests/config/laws_tiny.yaml")
TARGETS = ("laws", "results/pair/budget.json", "models/pair-sweep_02-seed1/run.json")


@pytest.fixture(scope="module")
def made(tmp_path_factory, warm):
    """A copy in which the laws of two sweeps were made; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("laws"))
    snakemake(folder, "--cores", "2", *LAWS, "--", *TARGETS, environment=warm)
    return folder


def rows(folder, experiment):
    files = sorted((folder / f"results/{experiment}/swarms").glob("*/*.json"))
    return {row["run"]: row for file in files for row in json.loads(file.read_text())["runs"]}


def test_nothing_is_planned_when_all_laws_are_made(made):
    jobs = planned(made, *TARGETS, *LAWS)
    jobs.pop("laws", None)
    assert jobs == {}


def test_every_point_is_trained_with_every_seed_and_branched_where_it_was_asked(made):
    found = rows(made, "pair")
    assert list(found) == [f"sweep_0{number}{seed}" for seed in ("", "-seed1") for number in range(4)]
    assert {tuple(row["branches"]) for run, row in found.items() if "seed" not in run} == {("early", "rest", "late")}
    assert {tuple(row["branches"]) for run, row in found.items() if "seed" in run} == {("early",)}
    early = found["sweep_01"]["branches"]["early"]
    assert (early["after"], early["tokens"]) == (4_160, 2_080)
    assert [end["mixture"] for end in early["ends"] if end["corner"]] == ["only_openhermes", "only_magpie"]
    assert all(end["test"] for end in found["sweep_01"]["branches"]["rest"]["ends"])


def test_going_on_upon_the_same_mixture_to_the_end_is_the_trunk_itself(made):
    for row in rows(made, "pair").values():
        for end in row["branches"].get("rest", {"ends": []})["ends"]:
            if end["mixture"] == row["mixture"]:
                assert end["validation"] == row["validation"] and end["test"] == row["test"]


def test_a_run_of_a_sweep_has_the_losses_that_its_own_training_gives(made):
    alone = read(made, "models/pair-sweep_02-seed1/run.json")
    assert alone["validation"] == rows(made, "pair")["sweep_02-seed1"]["validation"]


def test_a_sweep_may_start_from_the_weights_of_a_run(made):
    start = read(made, "models/exp3-equal_mix/run.json")
    stratified = rows(made, "triple")["stratified"]
    assert stratified["validation"] is None and not stratified["finished"]
    before = stratified["branches"]["early"]["before"]
    scratch = rows(made, "pair")["sweep_02"]["branches"]["early"]["before"]
    assert before["openhermes"] < scratch["openhermes"]
    assert before["openhermes"] < start["validation"]["openhermes"] + 0.5


def test_the_laws_are_there_with_their_noise_and_their_tables(made):
    static, dynamic = read(made, "law_results/pair/static_law.json"), read(made, "law_results/pair/dynamic_law.json")
    assert set(static["quality"]) >= {"log_linear", "linear", "lightgbm", "gaussian_process", "bimix", "autoscale"}
    assert static["noise"]["mean"]["ceiling"] <= 1
    assert {name: len(each["trunks"]) for name, each in dynamic["branches"].items()} == {
        "early": 8,
        "rest": 4,
        "late": 4,
    }
    assert [(pair["from"], pair["to"]) for pair in dynamic["over_time"]] == [("early", "late")]
    assert read(made, "law_results/pair/greedy.json")["rounds"]["rest"]["of"] == 1
    similarity = read(made, "law_results/pair/similarity.json")["methods"]
    assert list(similarity) == ["static", "diagonal", "even"] and similarity["even"]["kind"] == "given"
    parameters = read(made, "law_results/pair/even_parameters.json")
    assert parameters["trunks"][0]["A"]["magpie"] == {"openhermes": 0.25, "magpie": 1}
    tables = (made / "law_results/laws/tables.md").read_text()
    assert all(text in tables for text in ("From scratch", "From trained weights", "Pair", "Triple", "0.991"))


@pytest.mark.parametrize(
    "figure", ["pair_static_law", "pair_dynamic_law", "pair_effects", "triple_static_law", "laws_law_fits"]
)
def test_the_figures_of_laws_are_drawn(made, figure):
    assert (made / f"figures/{figure}.png").stat().st_size > 10_000


def test_the_sweep_is_planned_and_charged_with_its_branches(made, warm):
    snakemake(made, "--cores", "1", *LAWS, "--", "results/pair/plan.md", environment=warm)
    plan = (made / "results/pair/plan.md").read_text()
    runs = 8 + 8 * 6 + 4 * 4 + 4 * 4
    tokens = 8 * 10_400 + 48 * 2_080 + 16 * 5_200 + 16 * 2_080
    assert f"| swarms | {runs} | {tokens:,} |" in plan
    spent = read(made, "results/pair/budget.json")["spent"]
    assert spent["swarms"]["runs"] == runs and spent["swarms"]["tokens"] == tokens == spent["total"]["tokens"]
    assert spent["swarms"]["training_hours"] > 0 and spent["swarms"]["unmeasured_jobs"] == 0


@pytest.fixture
def changed(made, tmp_path):
    """Plans the laws of a copy in which a text of its configuration was replaced."""

    def plan(old, new):
        folder = tmp_path / "project"
        shutil.copytree(made, folder, symlinks=True)
        file = folder / "tests/config/laws_tiny.yaml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new, 1))
        return folder, planned(folder, "laws", *LAWS)

    return plan


def test_a_further_seed_trains_its_own_runs_and_no_other(changed):
    _, jobs = changed("seeds: [0, 1]", "seeds: [0, 1, 2]")
    assert jobs["train_swarm"] == ["experiment=pair, swarm=sweep, batch=002"] and "train" not in jobs
    assert jobs["fit_static_law"] == ["experiment=pair"]


@pytest.mark.parametrize(
    ("module", "again"),
    [
        ("laws/study/greedy", {"compare_greedy"}),
        ("laws/study/static_results", {"fit_static_law"}),
        ("figures/effects", set()),
    ],
)
def test_an_edited_module_fits_again_what_imports_it_and_nothing_else(made, tmp_path, module, again):
    folder = tmp_path / "project"
    shutil.copytree(made, folder, symlinks=True)
    with (folder / f"workflow/scripts/emulsion/{module}.py").open("a") as file:
        file.write("# edited\n")
    jobs = planned(folder, "laws", *LAWS)
    assert {"compare_greedy", "fit_static_law", "fit_dynamic_law", "train_swarm"} & jobs.keys() == again
    assert ("plot_effects" in jobs) == (module == "figures/effects")


def test_another_method_trains_nothing(changed):
    _, jobs = changed("static: {kind: static_law, branches: early}", "slope: {kind: static_law, branches: early}")
    assert jobs["fit_parameters"] == ["experiment=pair, matrix=slope"]
    assert "train_swarm" not in jobs and "fit_dynamic_law" not in jobs


def test_further_branches_keep_the_runs_that_are_done(changed, warm):
    early = "early: {after: 4_160, tokens: 2_080, parents: stratified}"
    folder, jobs = changed(early, f"{early}\n      late: {{after: 6_240, tokens: 2_080, parents: 1}}")
    assert jobs["train_swarm"] == ["experiment=triple, swarm=cover, batch=000"]
    before = rows(folder, "triple")
    snakemake(folder, "--cores", "1", *LAWS, "--", "results/triple/swarms/cover/000.json", environment=warm)
    after = rows(folder, "triple")
    assert list(after["cover_00"]["branches"]) == ["late"]
    assert {run: row["validation"] for run, row in after.items()} == {
        run: row["validation"] for run, row in before.items()
    }
    assert after["cover_01"] == before["cover_01"]


def test_tables_have_the_settings_in_the_order_of_the_configuration(changed, warm):
    folder, _ = changed(
        "- {title: From scratch, settings: {Pair: pair}, published: {static_r2: 0.991, dynamic_r2: 0.947}}",
        "- {title: From scratch, settings: {Two: pair, One: triple}, published: {static_r2: 0.991, dynamic_r2: 0.947}}",
    )
    snakemake(folder, "--cores", "1", *LAWS, "--", "law_results/laws/tables.md", environment=warm)
    header = (folder / "law_results/laws/tables.md").read_text().split("## From scratch")[1].split("|", 4)
    assert header[2].strip() == "Two MSE"


def test_a_published_sweep_is_replayed_from_its_tables(made, tmp_path, warm):
    law, random = planted_law(3, 0), np.random.default_rng(0)
    for table, runs in (("train", 24), ("test", 12)):
        mixtures = random.dirichlet(np.ones(3), runs)
        losses = law.predict(mixtures) + random.normal(0, 0.002, (runs, 3))
        for what, values in (("mixtures", mixtures), ("losses", losses)):
            names = [f"run{number}" for number in range(runs)]
            pd.DataFrame(values, index=names, columns=["web", "code", "chat"]).to_csv(tmp_path / f"{table}_{what}.csv")
    tables = {
        table: [str(tmp_path / f"{table}_{what}.csv") for what in ("mixtures", "losses")] for table in ("train", "test")
    }
    replay = {
        "train": tables["train"],
        "tests": {"held out": tables["test"]},
        "laws": ["log_linear", "ridge"],
        "sizes": [12, 24],
        "resamples": 2,
    }
    (tmp_path / "replay.yaml").write_text(json.dumps({"replays": {"planted": replay}}))
    arguments = ("law_results/planted/replay.md", "--cores", "1", *LAWS, str(tmp_path / "replay.yaml"))
    snakemake(made, *arguments, environment=warm)
    rows = {(row["law"], row["size"]): row for row in read(made, "law_results/planted/replay.json")["summary"]}
    assert rows["log_linear", 24]["spearman"] > 0.95
    assert rows["log_linear", 24]["mae"] < rows["ridge", 24]["mae"]
    assert "Table 'held out': 12 runs, 3 groups" in (made / "law_results/planted/replay.md").read_text()
