"""A job that fails says why on the terminal, whatever Snakemake is asked to be quiet about."""

from pathlib import Path

import pytest
from workflow_project import TINY, copy_project, snakemake

from emulsion import refusals

BROKEN = "sources: {broken: {type: code, schema: chat, licence: own, local: {files: [broken.jsonl]}}}"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = copy_project(tmp_path_factory.mktemp("failing"))
    (folder / "broken.jsonl").write_text('{"words": 5}\n')
    (folder / "broken.yaml").write_text(BROKEN)
    return folder


@pytest.mark.parametrize("quiet", ["rules", "all"])
def test_the_reason_of_a_failed_job_is_shown_once(project, quiet):
    call = ("--cores", "1", "--configfile", "broken.yaml", "-q", quiet, "--", "data/normalized/broken.parquet")
    result = snakemake(project, *call, check=False)
    assert result.returncode == 1
    assert result.stdout.count("error: sources.broken: no known schema fits its columns (words).") == 1


def test_snakemake_within_a_job_of_a_cluster_tries_nothing_again(editable):
    """The driver does, with more memory; an error in words took minutes of a node."""
    (editable / "mixtures/exp3/equal_mix.json").write_text("broken")
    job = ("--target-jobs", "train:experiment=exp3,run=equal_mix", "--allowed-rules", "train", "--force", *TINY)
    result = snakemake(editable, "--mode", "remote", "--cores", "1", "--retries", "0", *job, check=False)
    assert result.returncode == 1 and "Error in rule train" in result.stdout
    assert "Trying to restart" not in result.stdout


SNAKEFILE = """
import sys
sys.path.insert(0, {scripts!r})
from snakemake.logging import logger
from emulsion import failures
if workflow.is_main_process:
    failures.end_tries(logger, workflow)
rule final:
    output: "final"
    log: "final.log"
    retries: 2
    shell: "echo try >> final.tries; echo '{final}' > {{log}}; false"
rule passing:
    output: "passing"
    log: "passing.log"
    retries: 2
    shell: "echo try >> passing.tries; echo 'error: saved.' > {{log}}; false"
"""


def test_a_job_that_would_end_the_same_is_not_restarted(tmp_path):
    scripts = str(Path("workflow/scripts").absolute())
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(scripts=scripts, final=refusals.FINAL))
    result = snakemake(tmp_path, "--cores", "2", "--keep-going", "--", "final", "passing", check=False)
    assert result.returncode == 1
    tries = {name: len((tmp_path / f"{name}.tries").read_text().split()) for name in ("final", "passing")}
    assert tries == {"final": 1, "passing": 3}, result.stdout
