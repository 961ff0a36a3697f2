"""Folders of text become a configuration that the workflow takes as it is."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from workflow_project import ROOT, copy_project, planned, snakemake

WORDS = {
    "speeches": "the people of the nation and that it has ",
    "novel": "der Mann und die Frau und das Haus ist ",
    "reports": "the population of the country is as large as that of its neighbour ",
}
# More time than two passes over this text take on any machine, so that nothing here depends on speed.
START = ("workflow/scripts/start.py", "--texts", *WORDS, "--minutes", "1e5", "--cores", "1", "--seconds", "0.1")


def start(folder, *arguments):
    return subprocess.run([sys.executable, *START, *arguments], cwd=folder, text=True, capture_output=True, check=False)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A copy with two folders of text and what `start.py` wrote for them; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("started"))
    for name, words in WORDS.items():
        (folder / name).mkdir()
        (folder / name / "all.txt").write_text(words * 2_000)
        shutil.copy(folder / name / "all.txt", folder / name / "again.txt")
    (folder / "novel" / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    result = start(folder)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def test_the_start_says_what_it_found_and_what_it_chose_and_why(started):
    _, said = started
    assert "German" in said and "cover.png: it is an image" in said
    assert "novel: 1 of its 2 files are copies of others" in said
    assert "measured now: 1 trainings at once" in said and "two passes" in said


def test_the_plan_has_a_swarm_and_every_mixture_with_three_seeds(started):
    folder, _ = started
    jobs = planned(folder, "--configfile", "mix.yaml")
    assert len(jobs["train"]) == len(jobs["evaluate"]) == (3 + 3) * 3
    assert len(jobs["train_swarm"]) == 4
    assert {"recommend", "account_budget", "plot_optimizer", "plot_mixtures"} <= jobs.keys()
    plan = snakemake(folder, "--configfile", "mix.yaml", "--cores", "1", "--quiet", "all", "--", "plan").stdout
    assert "# Plan of mix" in plan and "Within the budget" in plan


def test_a_start_that_was_interrupted_goes_on_with_what_it_wrote(started):
    folder, _ = started
    before = (folder / "mix.yaml").read_text()
    assert "is kept" in start(folder).stdout and (folder / "mix.yaml").read_text() == before
    other = start(folder, "--columns", "novel=text")
    assert other.returncode == 1 and "is there already, for another request" in other.stderr


def test_the_overlays_and_commands_of_the_tutorial_plan_as_typed(started, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(started[0], folder, symlinks=True)
    tutorial = (ROOT / "docs/tutorial.md").read_text()
    overlays = re.findall(r"^# (\w+\.yaml), laid over mix\.yaml\n(.*?)^```", tutorial, flags=re.MULTILINE | re.DOTALL)
    for name, lines in overlays:
        (folder / name).write_text(lines)
    suite = re.search(r"^suite: mine\n.*?(?=^```)", (ROOT / "docs/adding.md").read_text(), re.MULTILINE | re.DOTALL)
    (folder / "texts").mkdir()
    (folder / "texts/mine.yaml").write_text(suite[0])
    commands = [line.split() for line in re.findall(r"^snakemake (.*)$", tutorial, flags=re.MULTILINE)]
    assert len(overlays) == 2 and len(commands) == 3
    for command in commands:
        jobs = snakemake(folder, "-n", *command).stdout
        assert re.search(r"^train +18$", jobs, re.MULTILINE) and "recommend" in jobs


def test_the_same_lines_alone_are_a_whole_configuration(started, tmp_path):
    folder, _ = started
    config = yaml.safe_load((folder / "mix.yaml").read_text())
    for source in config["sources"].values():
        source["local"]["files"] = [str(folder / each) for each in source["local"]["files"]]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    profile = str(folder / "profiles/default")
    result = snakemake(tmp_path, "-s", str(folder / "Snakefile"), "--workflow-profile", profile, "-n", "-q", "rules")
    assert "recommend" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cores", "0"], "--cores. Must be > 0"),
        (
            ["--cores", "1000000"],
            "error: --cores: 1000000 trainings at once are more than this machine has processors: ",
        ),
        (["--minutes", "-5"], "--minutes. Must be > 0"),
        (["--seconds", "0"], "--seconds. Must be > 0"),
        (["--texts", "speeches"], "error: --texts: speeches alone leaves nothing to mix; name two folders or more."),
        (["--name", "9x"], "error: --name: '9x' cannot be a name here. Such a name has letters"),
        (["--name", "exp3"], "error: --name: 'exp3' is one of `experiments` in config.yaml"),
        (["--name", "demo"], "error: --name: 'demo' is one of `tokenizers` in config.yaml"),
        (
            ["--texts", "my/fineweb", "novel", "--columns", "fineweb=a"],
            "error: 'fineweb' is not one of the sources: my_",
        ),
        (["--columns", "novel"], "error: --columns: 'novel' has no column; write novel=COLUMN."),
        (["--columns", "novel="], "error: --columns: 'novel' has no column; write novel=COLUMN."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line_before_the_machine_is_measured(started, arguments, said):
    command = [sys.executable, START[0], "--texts", *WORDS, "--output", "refused.yaml"]
    if arguments[0] == "--texts":
        command[2:6] = []
    result = subprocess.run([*command, *arguments], cwd=started[0], text=True, capture_output=True, check=False)
    assert result.returncode in (1, 2) and said in result.stderr and len(result.stderr.splitlines()) == 1
    assert "Measuring" not in result.stdout
