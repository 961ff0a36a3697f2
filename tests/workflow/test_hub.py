"""Sources from the hub by the real workflow and the real client, against a stand-in on this machine."""

import json
import os
import subprocess

import pyarrow.parquet as pq
import pytest
from warm_python import warm_python
from workflow_project import copy_project

import hub_rows
from stand_in_hub import StandInHub
from tokenizer_kinds import save_kind

OVERLAYS = ("--configfile", "config/full.yaml", "tests/config/hub.yaml")
PLANTED = "hf_planted0secret0of0the0environment"
SOURCES = ("openhermes", "cosmopedia", "magpie", "fineweb")


@pytest.fixture(scope="module")
def hub():
    with StandInHub() as served:
        for name, files in hub_rows.REPOSITORIES.items():
            served.commit(name, files())
        yield served


@pytest.fixture(scope="module")
def online(hub, tmp_path_factory):
    """A copy of the project, and a way to run the workflow there with the stand-in for the hub."""
    folder = copy_project(tmp_path_factory.mktemp("online"))
    variables = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    variables |= {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "home"), "HF_TOKEN": PLANTED}

    with warm_python(variables) as environment:

        def run(*arguments):
            command = ["snakemake", "--cores", "2", *arguments]
            return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

        yield folder, run


def test_after_what_is_fetched_on_a_login_node_no_job_asks_the_hub(hub, online, tmp_path):
    folder, run = online
    brought = save_kind("byte_bpe", tmp_path / "brought")
    hub.commit("someone/tokenizer", {file.name: file.read_bytes() for file in brought.iterdir()})
    (folder / "brought.yaml").write_text(
        "experiments: {exp3: {tokenizer: brought}}\n"
        "tokenizers: {brought: {kind: pretrained, pretrained: {id: someone/tokenizer, vocab_size: 302}}}"
    )
    ended = run(*OVERLAYS, "brought.yaml", "--until", "fetch", "fetch_weights", "fetch_tokenizer")
    assert ended.returncode == 0, ended.stderr
    assert not (folder / "data/normalized").exists()
    asked = len(hub.requests)
    ended = run("mixtures/exp3/proportional.json", *OVERLAYS, "brought.yaml")
    assert ended.returncode == 0, ended.stderr
    assert len(hub.requests) == asked > 0


@pytest.fixture(scope="module")
def fetched(online):
    folder, run = online
    stores = [f"data/tokens/demo/{source}/header.json" for source in SOURCES]
    groups = [f"data/normalized/slimpajama_{group}.parquet" for group in ("c4", "book")]
    ended = run(*stores, *groups, *OVERLAYS)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_in_its_true_schema_becomes_a_token_store(fetched, source):
    header = json.loads((fetched / f"data/tokens/demo/{source}/header.json").read_text())
    ledger = json.loads((fetched / f"data/ledgers/{source}.json").read_text())
    assert ledger["read"] == 60 == ledger["kept"] + sum(ledger["removed"].values())
    assert sum(split["documents"] for split in header["splits"].values()) == ledger["kept"] > 50
    assert len(header["provenance"]["revision"]) == 40


def test_the_token_of_the_environment_is_in_no_file_that_was_written(fetched):
    written = [file for file in fetched.rglob("*") if file.is_file()]
    assert {"logs", ".snakemake", "data"} <= {file.relative_to(fetched).parts[0] for file in written}
    assert [file for file in written if PLANTED.encode() in file.read_bytes() and file.name != "test_hub.py"] == []


def test_groups_are_split_from_one_fetch_and_hold_their_rows_only(fetched):
    manifest = json.loads((fetched / "data/groups/slimpajama/manifest.json").read_text())
    group_of = {row["text"]: row["meta"]["redpajama_set_name"] for row in hub_rows.slimpajama_rows(2000)}
    for group, value in (("c4", "RedPajamaC4"), ("book", "RedPajamaBook")):
        texts = pq.read_table(fetched / f"data/normalized/slimpajama_{group}.parquet").column("text").to_pylist()
        assert {group_of[text] for text in texts} == {value}
        assert len(texts) == manifest["groups"][value]["rows"]


def test_the_probe_says_that_every_source_is_as_expected(online):
    folder, run = online
    ended = run("results/probe.md", *OVERLAYS)
    assert ended.returncode == 0, ended.stderr
    table = (folder / "results/probe.md").read_text()
    assert table.count("as expected") == 5


def test_the_probe_refuses_a_dataset_whose_columns_are_others(online):
    folder, run = online
    (folder / "other.yaml").write_text("sources: {fineweb: {schema: prompt_text}}")
    ended = run("results/probe.md", *OVERLAYS, "other.yaml")
    assert ended.returncode != 0
    assert "sources.fineweb.schema: says 'prompt_text'" in ended.stdout + ended.stderr
