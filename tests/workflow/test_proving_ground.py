"""The proving ground, by the real rules, with few worlds."""

import json

import yaml
from workflow_project import copy_project, planned, snakemake

PAGE = "results/proving_ground/methods.md"
FIGURE = "figures/proving_ground.png"


def settings(folder, worlds, *methods):
    """The options of a call with so many worlds of a kind and these methods."""
    overlay = folder / f"{'_'.join(methods)}.yaml"
    overlay.write_text(yaml.safe_dump({"proving_ground": {"worlds": worlds, "methods": list(methods)}}))
    return "--configfile", "config.yaml", overlay.name


def test_methods_are_tabulated_and_another_one_runs_alone(tmp_path, warm):
    folder = copy_project(tmp_path)
    snakemake(folder, "--cores", "1", *settings(folder, 2, "stratified", "odm"), "--", PAGE, FIGURE, environment=warm)
    page = (folder / PAGE).read_text()
    assert "| stratified | 1.00 |" in page and "| odm | 1.00 |" in page
    rows = (folder / "results/proving_ground/methods.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 10 and rows[0].startswith("method,kind,worlds,cost,median,median_interval_low")
    trials = json.loads((folder / "results/proving_ground/odm.json").read_text())["trials"]
    assert len(trials) == 2 * 9 and all(row["cost"] == 1.0 for row in trials)
    assert (folder / FIGURE).read_bytes().startswith(b"\x89PNG")
    assert planned(folder, PAGE, *settings(folder, 2, "stratified", "odm", "unimax")) == {
        "prove_method": ["method=unimax"],
        "tabulate_proving_ground": [""],
    }


def test_an_unknown_method_is_refused_with_the_nearest_before_any_job(tmp_path):
    folder = copy_project(tmp_path)
    output = snakemake(folder, "-n", "--cores", "1", *settings(folder, 1, "stratifid"), "--", PAGE, check=False)
    assert "unknown value 'stratifid'. Did you mean 'stratified'" in output.stdout
