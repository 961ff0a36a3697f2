"""A job that fails says why on the terminal, whatever Snakemake is asked to be quiet about."""

import pytest
from workflow_project import copy_project, snakemake

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
