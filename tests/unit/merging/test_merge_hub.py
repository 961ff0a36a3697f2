import gzip
import json

import pytest
import yaml

import hub_rows
from emulsion.merging.request import SHIPPED
from merging_cases import content, merged


def lines(name, count, **more):
    return [json.dumps({"id": f"{name}-{number}", "text": f"{name} {number} " * 20, **more}) for number in range(count)]


@pytest.fixture
def merge(hub, fetch_server, tmp_path):
    """Run merge_datasets.py on a configuration of datasets; its folder is `tmp_path / name`."""

    def run(datasets, *options, name="out", **settings):
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"datasets": datasets}))
        arguments = ("--config", str(tmp_path / "config.yaml"), "--output-dir", str(tmp_path / name))
        return fetch_server.run("merge_datasets", *arguments, *options, **settings)

    return run


def told(folder):
    return json.loads((folder / "manifest.json").read_text())


def test_hub_datasets_and_files_are_merged_by_weight(hub, merge, tmp_path):
    commit = hub.commit("HuggingFaceFW/fineweb-edu", hub_rows.fineweb(400))
    hub.commit("HuggingFaceTB/finemath", hub_rows.finemath(300))
    code = [{"content": f"def f{number}(): ..."} for number in range(300)]
    hub.commit(
        "bigcode/starcoderdata", {**hub_rows.shards(code, "python", 2, 50), **hub_rows.shards(code, "java", 1, 50)}
    )
    (tmp_path / "notes.jsonl").write_text("\n".join(lines("note", 50)))
    datasets = [
        {
            "name": "HuggingFaceFW/fineweb-edu",
            "weight": 5,
            "config": "sample-10BT",
            "split": "train",
            "streaming": True,
        },
        {"name": "HuggingFaceTB/finemath", "weight": 2, "config": "finemath-4plus", "text_field": "text"},
        {"name": "bigcode/starcoderdata", "weight": 2, "data_dir": "python", "text_field": "content"},
        {"name": str(tmp_path / "notes.jsonl"), "weight": 1, "split": "train", "config": "en", "streaming": True},
    ]
    ended = merge(datasets, "--use-weights", "--max-samples", "400")
    assert ended.status == 0, ended.errors
    drawn = [source for source, _ in merged(tmp_path / "out")]
    assert [drawn.count(name) for name in told(tmp_path / "out")["sources"]] == [200, 80, 80, 40]
    origin = told(tmp_path / "out")["sources"]["HuggingFaceFW/fineweb-edu/sample-10BT"]
    assert (origin["kind"], origin["revision"], origin["config"]) == ("hub", commit, "sample-10BT")
    assert "config: 'en' says nothing about files of this machine" in ended.errors
    assert "Kept 400 (100.00 %)" in ended.errors


def test_no_signed_address_and_no_bar_is_in_the_log(hub, merge):
    hub.commit("a/b", {"train.jsonl": "\n".join(lines("row", 300)).encode()})
    ended = merge([{"name": "a/b"}])
    assert any("/cdn/" in request.path and "signature=secret" in request.path for request in hub.requests)
    assert "signature" not in ended.errors and "http" not in ended.errors
    assert "documents/s" not in ended.errors and len(ended.errors.splitlines()) < 10


@pytest.mark.parametrize("packed", [False, True])
def test_json_of_the_hub_is_read_as_a_fetch_reads_it(hub, merge, tmp_path, packed):
    first, second = lines("one", 100), lines("two", 100, extra=1)
    first[20], second[5] = "{broken", '{"text": "\\ud800"}'
    third = [json.dumps({"id": number, "text": f"three {number}", "extra": "x"}) for number in range(50)]
    files = {f"train-{place}.jsonl": "\n".join(rows).encode() for place, rows in enumerate([first, second, third])}
    if packed:
        files = {f"{name}.gz": gzip.compress(data) for name, data in files.items()}
    hub.commit("a/b", files)
    ended = merge([{"name": "a/b"}])
    assert ended.status == 0 and "Traceback" not in ended.errors, ended.errors
    source = told(tmp_path / "out")["sources"]["a/b"]
    assert (source["documents"], source["rows_read"], sum(source["set_aside"].values())) == (248, 250, 2)
    kept = [json.loads(line) for line in (tmp_path / "out" / "quarantine-00000.jsonl").open()]
    assert [(row["file"].removesuffix(".gz"), row["row"]) for row in kept] == [
        ("train-0.jsonl", 20),
        ("train-1.jsonl", 5),
    ]


def test_the_first_row_does_not_decide_how_a_dataset_is_read(hub, merge, tmp_path):
    rows = ['{"text": null}', *lines("row", 60)]
    hub.commit("a/b", {"train.jsonl": "\n".join(rows).encode()})
    assert merge([{"name": "a/b"}]).status == 0
    assert told(tmp_path / "out")["documents"] == 60


def test_each_file_is_read_by_its_own_columns(hub, merge, tmp_path):
    chats = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": str(i)}]} for i in range(20)
    ]
    files = {"train-0.jsonl": "\n".join(lines("row", 20)), "train-1.jsonl": "\n".join(map(json.dumps, chats))}
    hub.commit("a/b", {"README.md": b"# a/b", **{name: text.encode() for name, text in files.items()}})
    assert merge([{"name": "a/b"}]).status == 0
    assert told(tmp_path / "out")["documents"] == 40


def test_a_merge_cut_off_goes_on_at_the_commit_of_the_first_try(hub, merge, tmp_path):
    files = {f"train-{place}.jsonl": "\n".join(lines(f"old{place}", 1500)).encode() for place in range(2)}
    commit = hub.commit("a/b", files)
    options = ("--shard-megabytes", "0.05")
    assert merge([{"name": "a/b"}], *options, name="whole").status == 0
    hub.fail(where="train-1.jsonl", count=-1, status=404)
    assert merge([{"name": "a/b"}], *options).status == 1
    left = content(tmp_path / "out")
    assert "manifest.partial.json" in left and len(left) > 3
    hub.faults.clear()
    hub.commit("a/b", {"train-0.jsonl": b'{"text": "new"}'})
    ended = merge([{"name": "a/b"}], *options)
    assert ended.status == 0 and f"goes on after {len(left) - 1} shards" in ended.errors
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert told(tmp_path / "out")["sources"]["a/b"]["revision"] == commit


def test_every_dataset_that_cannot_be_read_is_told_with_its_remedy(hub, merge):
    hub.commit("HuggingFaceTB/finemath", hub_rows.finemath(20))
    hub.commit("a/bench", {"test.jsonl": b'{"text": "a"}', "validation.jsonl": b'{"text": "b"}'})
    hub.commit(
        "a/python", {"README.md": hub_rows.card({"Python": "p/*"}), **hub_rows.shards([{"text": "a"}], "p", 1, 1)}
    )
    datasets = [
        {"name": "HuggingFaceTB/finemath"},
        {"name": "a/bench"},
        {"name": "a/python", "config": "python"},
        {"name": "a/pythn"},
        {"name": "a/python", "text_field": "txt"},
    ]
    ended = merge(datasets)
    assert ended.status == 1 and "Traceback" not in ended.errors
    for words in (
        "5 of 5 datasets cannot be merged",
        "datasets[0].config: 'HuggingFaceTB/finemath' has several, name one of: finemath-3plus, finemath-4plus,",
        "datasets[1].split: unknown split 'train'. Known: test, validation.",
        "datasets[2].config: unknown config 'python'. Did you mean 'Python'?",
        "datasets[3]: no dataset 'a/pythn' on 127.0.0.1",
        "Nor is 'a/pythn' a file or folder here.",
        "datasets[4].text_field: unknown column 'txt'. Did you mean 'text'?",
    ):
        assert words in ended.errors


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README.md": hub_rows.card({"default": "https://example.org/x.jsonl"})}, "names data outside of it"),
        ({"README.md": b"# nothing"}, "no data that Emulsion reads in 'a/b'"),
        ({"b.py": b"", "train.jsonl": b""}, "Emulsion runs no code of a repository"),
        ({"data.zip": b"PK\x03\x04oops"}, "no data that Emulsion reads in 'a/b'"),
        ({"train.parquet": b"PAR1oops"}, "'train.parquet': row 0: not a Parquet file"),
    ],
)
def test_a_repository_that_cannot_be_read_is_refused_in_words(hub, merge, files, words):
    hub.commit("a/b", files)
    ended = merge([{"name": "a/b"}])
    assert ended.status == 1 and words in ended.errors and "Traceback" not in ended.errors


def test_a_hub_set_with_a_default_configuration_is_read_by_it(hub, merge, tmp_path):
    rows = {name: hub_rows.shards([{"text": f"{name} {i}"} for i in range(9)], name, 1, 9) for name in ("one", "two")}
    card = hub_rows.card({"one": "one/train-*", "two": "two/train-*"}, default="two")
    hub.commit("a/b", {"README.md": card, **rows["one"], **rows["two"]})
    assert merge([{"name": "a/b"}]).status == 0
    assert told(tmp_path / "out")["documents"] == 9
    shard = tmp_path / "out" / "shard-00000.parquet"
    assert {row["text"][:3] for row in hub_rows.pq.read_table(shard).to_pylist()} == {"two"}


# Stages 1 and 2 name no dataset that stage 3 does not (`test_merge_request`).
@pytest.mark.parametrize("name", ["smollm3_stage3_config.yaml", "datasets_config.yaml"])
def test_the_configurations_of_the_workflow_merge_the_datasets_they_name(hub, fetch_server, tmp_path, name):
    entries = [entry for listed in yaml.safe_load((SHIPPED / name).read_text()).values() for entry in listed]
    files: dict[str, dict[str, bytes]] = {}
    cards: dict[str, list[str]] = {}
    for entry in entries:
        split, config = entry.get("split", "train"), entry.get("config")
        folder = entry.get("data_dir") or config or "data"
        columns = list((entry.get("columns") or {"text": entry.get("text_field")}).values())
        rows = [dict.fromkeys(columns, f"{folder} {number}") for number in range(60)]
        files.setdefault(entry["name"], {}).update(hub_rows.shards(rows, folder, 1, 60, split))
        if config:
            named = [
                f"- config_name: {config}",
                "  data_files:",
                f"  - split: {split}",
                f"    path: {folder}/{split}-*",
            ]
            cards.setdefault(entry["name"], ["---", "configs:"]).extend(named)
    for repository, content_of in files.items():
        card = {"README.md": "\n".join([*cards[repository], "---", ""]).encode()} if repository in cards else {}
        hub.commit(repository, {**card, **content_of})
    weights = ["--use-weights"] if name.startswith("smollm3") else []
    options = ["--config", name, *weights, "--max-samples", "500", "--output-dir", str(tmp_path / "out")]
    ended = fetch_server.run("merge_datasets", *options)
    assert ended.status == 0, ended.errors
    manifest = told(tmp_path / "out")
    assert len(manifest["sources"]) == len(entries)
    if weights:
        off = [abs(each["documents"] - 500 * each["share_due"]) for each in manifest["sources"].values()]
        assert max(off) < 1
