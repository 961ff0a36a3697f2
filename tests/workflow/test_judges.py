"""One study judged by its losses, and by both, from the runs of one that was judged by capabilities."""

import json
import re
import shutil

import pytest
from workflow_project import CONCLUSIONS, planned, snakemake

CONCLUDED = ("recommendations.md", "decision.html", "contributions.json", "plan.md")
TARGETS = (*(f"results/exp3/{file}" for file in CONCLUDED), "figures/exp3_losses.png", "figures/exp3_contributions.png")
SOURCES = {"openhermes", "magpie"}


def judged(folder, judge):
    """The configuration of the study judged so, as arguments of Snakemake."""
    overlay = folder / f"{judge}.yaml"
    overlay.write_text(f"experiments: {{exp3: {{judge: {judge}}}}}\nfigures: [exp3_losses, exp3_contributions]")
    return (*CONCLUSIONS, str(overlay))


def results(folder):
    files = {file: folder / "results/exp3" / file for file in (*CONCLUDED, "recommendations.json")}
    return {
        n: json.loads(file.read_text()) if file.suffix == ".json" else file.read_text() for n, file in files.items()
    }


@pytest.fixture(scope="module")
def project(concluded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judged") / "project"
    shutil.copytree(concluded, folder, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def by_both(project, warm):
    """(jobs that were planned, what they made)"""
    config = judged(project, "both")
    jobs = planned(project, *TARGETS, *config)
    snakemake(project, *TARGETS, "--cores", "2", *config, environment=warm)
    assert (project / "figures/exp3_losses.png").stat().st_size > 10_000
    return jobs, results(project)


@pytest.fixture(scope="module")
def by_losses(project, by_both, warm):
    """What was made of the same runs after that, in the same folder."""
    snakemake(project, *TARGETS, "--cores", "2", *judged(project, "losses"), environment=warm)
    return results(project)


def test_judging_otherwise_trains_and_evaluates_nothing_again(by_both):
    jobs, _ = by_both
    assert {"recommend", "present_decision", "plot_losses"} <= jobs.keys()
    assert not {"train", "train_swarm", "evaluate", "propose_mixture"} & jobs.keys()


def test_by_both_capabilities_recommend_and_losses_break_their_ties(by_both):
    found = by_both[1]["recommendations.json"]
    assert found["judged_by"] == ["capabilities", "losses"]
    assert re.match(r"By capabilities: .* By losses: ", found["answer"])
    assert found["scores"] and set(found["losses"]["sources"]) == SOURCES
    tied = [name for name in found["decision"]["tied"] if name in found["losses"]["decision"]["tied"]]
    losses = {name: found["losses"]["mixtures"][name]["mean"]["loss"] for name in tied or found["decision"]["tied"]}
    assert found["recommended"]["mixture"] == min(losses, key=losses.get)
    assert found["predictions"] is None and "another scale" in found["optimum"]["text"]  # the swarm's runs are shorter
    assert found["contributions"]["of"] == "capabilities"
    assert "in the mean score" in by_both[1]["plan.md"] and "in the mean test loss" in by_both[1]["plan.md"]


def test_judged_by_losses_nothing_speaks_of_scores(by_losses):
    found = by_losses
    told = found["recommendations.json"]
    assert told["scores"] is None and "nats per token" in told["answer"]
    for text in (told["answer"], found["recommendations.md"], found["plan.md"]):
        assert not re.search(r"\b(mean score|capabilit)", text)


def test_ablations_judged_by_losses_say_what_each_source_is_worth_in_nats(by_losses):
    found = by_losses
    contributions = found["contributions.json"]
    assert contributions["capabilities"] == {} and set(contributions["mean_loss"]) == SOURCES
    told = found["recommendations.json"]["contributions"]
    assert told["of"] == "losses"
    for source, each in told["sources"].items():
        own = contributions["losses"][source][source]["difference"]
        assert each["text"].startswith(f"Without {source} the mean test loss changes by ")
        assert f"on {source} itself by {own:+.3f}" in each["text"] and own > 0
        assert each["text"] in found["recommendations.md"]
        assert f"on {source} itself by" in found["decision.html"]
