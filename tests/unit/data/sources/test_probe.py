"""The columns on the hub against those that the configuration expects."""

import gzip
import json

import pytest

import hub_rows

ALL = {
    "kind": "hub",
    "config": None,
    "split": "train",
    "revision": None,
    "seed": 0,
    "documents": 5,
    "text_field": "text",
}
EXPERIMENT_3 = {
    "openhermes": {**ALL, "id": "teknium/OpenHermes-2.5", "schema": "chat_from_value"},
    "cosmopedia": {**ALL, "id": "HuggingFaceTB/cosmopedia", "config": "stories", "schema": "prompt_text"},
    "magpie": {**ALL, "id": "Magpie-Align/Magpie-Pro-300K-Filtered", "schema": "chat_from_value"},
    "fineweb": {**ALL, "id": "HuggingFaceFW/fineweb-edu", "config": "sample-10BT", "schema": "text"},
    "slimpajama": {**ALL, "id": "DKYoon/SlimPajama-6B", "schema": "text"},
    "finemath": {**ALL, "id": "HuggingFaceTB/finemath", "config": "finemath-4plus", "schema": None},
}


def probed(fetch_server, sources):
    ended = fetch_server.run("probe_sources", "--sources", json.dumps(sources))
    lines = ended.output.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")] == [
        "source",
        "id",
        "revision",
        "columns",
        "kind found",
        "verdict",
    ]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines[1:]]
    return ended, {row[0]: row for row in rows}


def test_all_sources_are_as_the_configuration_expects(hub, fetch_server):
    openhermes = hub_rows.openhermes(8000)
    assert len(openhermes["openhermes2_5.json"]) > 1 << 20
    hub.commit("teknium/OpenHermes-2.5", openhermes)
    for name, files in hub_rows.REPOSITORIES.items():
        if name not in hub.repositories:
            hub.commit(name, files())
    ended, rows = probed(fetch_server, EXPERIMENT_3)
    assert ended.status == 0, ended.errors + ended.output
    assert {name: row[4] for name, row in rows.items()} == {
        "openhermes": "chat_from_value",
        "cosmopedia": "prompt_text",
        "magpie": "chat_from_value",
        "fineweb": "text",
        "slimpajama": "text",
        "finemath": "text",
    }
    assert {row[5] for row in rows.values()} == {"as expected"}
    assert "conversations" in rows["openhermes"][3]
    asked = [request.range for request in hub.requests if "openhermes2_5" in request.path and request.range]
    assert set(asked) == {f"bytes=0-{(1 << 20) - 1}"}


def test_each_difference_is_told_in_words_and_the_status_is_1(hub, fetch_server):
    hub.commit("someone/plain", {"data/train.parquet": hub_rows.parquet([{"essay": "x", "n": 1}], 5)})
    hub.commit("Magpie-Align/Magpie-Pro-300K-Filtered", hub_rows.magpie(9))
    plain = {**ALL, "id": "someone/plain", "schema": None}
    sources = {
        "unnamed": plain,
        "named": {**plain, "text_field": "essay"},
        "other": {**ALL, "id": "Magpie-Align/Magpie-Pro-300K-Filtered", "schema": "chat_role_content"},
        "missing": {**ALL, "id": "Magpie-Align/Magpie-Pro-300K", "schema": None},
    }
    ended, rows = probed(fetch_server, sources)
    assert ended.status == 1
    assert rows["named"][4:] == ["text", "as expected"]
    assert "no known schema fits its columns (essay, n)" in rows["unnamed"][5]
    assert "sources.other.schema: says 'chat_role_content'" in rows["other"][5]
    assert "Did you mean 'Magpie-Align/Magpie-Pro-300K-Filtered'?" in rows["missing"][5]


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "json", "csv"])
def test_the_first_bytes_of_files_of_rows_are_enough(hub, fetch_server, form):
    rows = [{"text": f"row {number} " * 20, "url": "u"} for number in range(9000)]
    if form == "json":
        content = json.dumps(rows, indent=1).encode()
    elif form == "csv":
        content = ("text,url\n" + "".join(f"{row['text']},u\n" for row in rows)).encode()
    else:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    packed = gzip.compress(content) if form.endswith(".gz") else content
    hub.commit("someone/rows", {f"train.{form}": packed})
    ended, found = probed(fetch_server, {"rows": {**ALL, "id": "someone/rows", "schema": "text"}})
    assert ended.status == 0, ended.output
    assert found["rows"][3] == "text url"
    assert hub.sent <= 1 << 20 or form.endswith(".gz")


def test_without_sources_on_the_hub_there_is_nothing_to_probe(fetch_server):
    ended = fetch_server.run("probe_sources", "--sources", json.dumps({}))
    assert (ended.status, ended.output) == (0, "No source of this configuration is on the hub.\n")
