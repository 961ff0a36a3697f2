"""The pages that the workflow writes, from made-up results, in a real browser: the decision's, and the report's first.

The title of the experiment holds markup of every kind that a page could take it for.
"""

import re
from urllib.parse import unquote

import pytest
import yaml
from workflow_project import CONCLUSIONS, copy_project, snakemake

from browser import ABSENT, WANTED, WINDOWS, Browser, box, out_of_reach
from decision_cases import PNG, conclusions, evidence
from emulsion.files import write_json
from emulsion.report.front_page import front_page_rst

MIXTURES = ("optimal", "even", "mostly_magpie", "proportional")
DECISION = "results/exp3/decision.html"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with the results that a decision's page is made from, and the page."""
    folder = copy_project(tmp_path_factory.mktemp("pages"))
    title = yaml_title(folder)
    found = {**conclusions(title=title), "experiment": "exp3"}
    told = evidence()
    files = {
        "results/exp3/recommendations.json": found,
        "results/exp3/budget.json": told.budget,
        "results/exp3/optimal_mix.json": {"warnings": ["The optimum lies outside the runs."]},
        "results/exp3/contributions.json": {},
        "results/exp3/predictions.json": {},
        **{f"data/ledgers/{source}.json": {"read": 9, "set_aside": {}} for source in ("openhermes", "magpie")},
        **{f"models/exp3-{name}{seed}/run.json": told.run for name in MIXTURES for seed in ("", "-seed1")},
    }
    texts = {f"results/exp3/{name}": b"" for name in ("recommendations.md", "methods.md", "methods.csv")}
    texts["results/exp3/answer.rst"] = front_page_rst(found).encode()
    figures = ("capability_heatmap", "contributions", "optimizer", "pareto")
    for name, content in {**texts, **{f"figures/exp3_{figure}.png": PNG for figure in figures}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for name, content in files.items():
        write_json(folder / name, content)
    snakemake(folder, DECISION, *CONCLUSIONS, "--cores", "1", "--allowed-rules", "present_decision")
    return folder


def yaml_title(folder):
    return yaml.safe_load((folder / CONCLUSIONS[1]).read_text())["experiments"]["exp3"]["title"]


def test_every_link_of_the_decision_leads_to_a_file(project):
    html = (project / DECISION).read_text()
    links = [unquote(link) for link in re.findall(r'<a href="([^"]+)"', html)]
    assert len(links) == 12
    assert all((project / DECISION).parent.joinpath(link).exists() for link in links)
    assert len(html) < 1.5e6
    assert "The optimum lies outside the runs." in html


@pytest.mark.skipif(ABSENT, reason=WANTED)
def test_the_report_begins_with_the_decision_and_opens_its_page(project, tmp_path):
    snakemake(project, *CONCLUSIONS, "--report", str(tmp_path / "report.html"), "--", DECISION)
    with Browser(tmp_path / "profile") as browser:
        for width, height in WINDOWS:
            browser.window(width, height)
            browser.open(tmp_path / "report.html")
            browser.wait("document.querySelector('#rulegraph svg, #rulegraph canvas')")
            heading = box(browser, "h1:not(nav h1)")
            assert 0 <= heading["top"] < heading["bottom"] <= height
            assert heading["left"] >= 0 and heading["right"] <= width
            assert browser.value("document.querySelector('h1:not(nav h1)').innerText") == yaml_title(project)
            assert out_of_reach(browser, "#app > div > div:last-child") == []
        browser.value("document.querySelector('h1:not(nav h1) ~ p a').click()")
        assert browser.wait("document.querySelector('iframe')?.src?.startsWith('data:text/html')")
        assert browser.errors() == []
