"""Proposals from runs that were trained elsewhere, as docs/methods.md has them."""

import re
import shutil
from itertools import product

import numpy as np
import pytest
from workflow_project import ROOT, copy_project, planned, read, snakemake

from emulsion.world.planted import noisy, planted_law

PAGE = "results/finished_runs/mine/proposals.md"
DOCS = (ROOT / "docs/methods.md").read_text()
LAW = planted_law(2, 0)


def write_table(file, header, rows):
    file.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A copy in which the proposals of the page's own example were made of runs of a planted law; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("elsewhere"))
    [example] = re.findall(r"```yaml\n(only: \[\]\nfinished_runs:.*?)```", DOCS, re.DOTALL)
    (folder / "mine.yaml").write_text(example)
    (folder / "runs").mkdir()
    shares = np.linspace(0.1, 0.9, 9)
    mixtures = np.column_stack([shares, 1 - shares])
    losses = noisy(LAW.predict(mixtures), 0.005, np.random.default_rng(0))
    names = [f"r{number}" for number in range(len(mixtures))]
    write_table(
        folder / "runs/mixtures.csv", "run,code,web", [(name, *row) for name, row in zip(names, mixtures, strict=True)]
    )
    write_table(
        folder / "runs/losses.csv",
        "run,web,code",
        [(name, *row[::-1]) for name, row in zip(names, losses, strict=True)],
    )
    earlier = [
        (name, round(1e9 * share), *(row + 6 * (1 - share) ** 2))
        for (name, row), share in product(zip(names, losses, strict=True), (0.0, 0.3, 0.6))
    ]
    write_table(folder / "runs/curve.csv", "run,tokens,code,web", earlier)
    snakemake(folder, "--cores", "2", "--configfile", "mine.yaml")
    return folder


def test_a_run_without_a_target_makes_the_page_and_nothing_else(made):
    assert planned(made, "--configfile", "mine.yaml") == {}
    assert sorted(file.name for file in (made / "results").rglob("*") if file.is_file()) == sorted(
        ["proposals.md", *(f"{method}.json" for method in ("dml", "olmix", "emulsion", "code_first"))]
    )


def test_each_method_proposes_what_the_planted_law_has_for_good(made):
    even = float(LAW.predict([[0.5, 0.5]]).mean())
    for method in ("dml", "emulsion"):
        found = read(made, f"results/finished_runs/mine/{method}.json")["ratios"]
        assert float(LAW.predict([[found["code"], found["web"]]]).mean()) <= even + 0.01
    page = (made / PAGE).read_text()
    assert (
        page.startswith("# What 9 finished runs say: mine")
        and "| share of | dml | olmix | emulsion | code_first |" in page
    )


def test_another_setting_of_a_method_makes_that_proposal_anew(made, tmp_path):
    (tmp_path / "guard.yaml").write_text("finished_runs: {mine: {methods: {emulsion: {guard: 0.5}}}}")
    jobs = planned(made, PAGE, "--configfile", "mine.yaml", str(tmp_path / "guard.yaml"))
    assert jobs == {"propose_from_runs": ["table=mine, proposal=emulsion"], "tabulate_proposals": ["table=mine"]}


def test_an_edited_method_makes_its_proposals_anew_and_no_others(made, tmp_path):
    again = shutil.copytree(made, tmp_path / "again", symlinks=True)
    with (again / "workflow/scripts/emulsion/methods/offline.py").open("a") as module:
        module.write("# edited\n")
    jobs = planned(again, PAGE, "--configfile", "mine.yaml")
    names = {job.split("proposal=")[1] for job in jobs["propose_from_runs"]}
    assert names == {"dml", "olmix", "code_first"}


def test_methods_are_used_from_python_as_the_page_says():
    block = re.search(r"```python\n(from emulsion\.methods import Evidence.*?)```", DOCS, re.DOTALL)[1]
    sources, steps = ["code", "web"], 100
    runs = {f"r{n}": {"code": n / 8, "web": 1 - n / 8} for n in range(1, 8)}
    rows = LAW.predict([list(mixture.values()) for mixture in runs.values()])
    losses = {run: dict(zip(sources, row, strict=True)) for run, row in zip(runs, rows.tolist(), strict=True)}
    rounds = [(step, {"code": 2.0, "web": 3.0}, {"code": 5, "web": 5}) for step in range(5, steps, 5)]
    names = {"sources": sources, "steps": steps, "runs": runs, "losses": losses, "rounds": rounds}
    names["sizes"] = {"code": 40e9, "web": 300e9}
    exec(block, names)
    assert sum(names["mixture"].values()) == pytest.approx(1) and names["state"]["updates"] == len(rounds)
    assert names["mixture"]["web"] > names["mixture"]["code"]
