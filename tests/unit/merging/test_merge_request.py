import json
import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import yaml

import merge_datasets
from emulsion import command
from emulsion.data.sources import hub_plan
from emulsion.errors import UserError
from emulsion.merging import merge
from emulsion.merging.request import Origin, read_sources
from merging_cases import merged, origin, request

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "merge_datasets.py"


def read(folder, weighted=True, **lists):
    (folder / "config.yaml").write_text(yaml.safe_dump(lists))
    return read_sources(folder / "config.yaml", weighted)


def test_the_form_of_the_requirements_is_read(tmp_path):
    dataset = {"weight": 0.3, "text_field": "content", "split": "train", "streaming": True}
    python = {"name": "HuggingFaceTB/stack-edu", "config": "python", **dataset}
    sources = read(tmp_path, datasets=[python, {**python, "config": "rust"}])
    assert [source.name for source in sources] == ["HuggingFaceTB/stack-edu/python", "HuggingFaceTB/stack-edu/rust"]
    assert sources[0] == Origin(
        sources[0].name, 0.3, id="HuggingFaceTB/stack-edu", config="python", text_field="content"
    )


def test_two_lists_are_concatenated_but_cannot_be_weighted(tmp_path):
    lists = {"english_datasets": [{"name": "a/b"}], "vietnamese_datasets": [{"name": "c/d"}]}
    assert [source.name for source in read(tmp_path, weighted=False, **lists)] == ["a/b", "c/d"]
    with pytest.raises(UserError, match="needs one list `datasets`, but there is english_datasets, vietnamese"):
        read(tmp_path, **lists)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"name": "a/b"}, r"config\.yaml: datasets\[0\]\.weight: is missing"),
        ({"name": "a/b", "weight": 1, "wheight": 2}, r"unknown field 'wheight'\. Did you mean 'weight'\?"),
        ({"name": "a/b", "weight": -1}, r"weight: should be a number, 0 or more, but is -1"),
        ({"weight": 1}, r"datasets\[0\]\.name: is missing"),
        ({"name": "a", "weight": 1, "files": []}, r"files: should be a path or a list of paths"),
        ({"name": "a", "weight": 1, "files": ["x"], "id": "a/b"}, r"has both `files` and `id`"),
        ({"name": "a", "weight": 1, "schema": "chat"}, r"schema: unknown schema 'chat'\. Did you mean 'chat_"),
        (
            {"name": "a", "weight": 1, "filters": ["gopher"]},
            r"filters: unknown filter 'gopher'\. Did you mean 'gopher_",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_told_with_its_place(tmp_path, dataset, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, datasets=[dataset])


def test_mistakes_of_the_whole_configuration_are_told(tmp_path, corpus):
    with pytest.raises(UserError, match=r"datasets\[1\]: 'a/b' is there already, .*datasets\[0\]"):
        read(tmp_path, datasets=[{"name": "a/b", "weight": 1}, {"name": "a/b", "weight": 1, "split": "train"}])
    with pytest.raises(UserError, match=r"unknown field 'dataset'\. Did you mean 'datasets'\?"):
        read(tmp_path, dataset=[])
    with pytest.raises(UserError, match="datasets: should be a list of at least one source"):
        read(tmp_path, datasets=[])
    with pytest.raises(UserError, match="at least one must be positive"):
        merge(request(sources=(Origin("few", 0.0, files=("few-*.jsonl",)),)), tmp_path / "out")


def test_a_recipe_is_read_with_what_a_copy_puts_in_the_place_of_hub_ids(tmp_path):
    sources = [
        {"name": "web", "weight": 0.7, "class": "web", "id": "a/b", "config": "c", "evidence": "linked"},
        {"name": "mine", "weight": 0.3, "class": "web", "evidence": "unknown", "files": ["mine.jsonl"]},
    ]
    web, mine = read(tmp_path, sources=sources)
    assert web == Origin("web", 0.7, id="a/b", config="c", text_field="text", evidence="linked")
    assert mine == Origin("mine", 0.3, files=("mine.jsonl",), text_field="text", split=None)
    del sources[1]["files"]
    with pytest.raises(UserError, match=r"sources\[1\] \(mine\): no dataset of the hub is known"):
        read(tmp_path, sources=sources)


def test_a_hub_dataset_is_streamed_at_the_commit_that_was_settled_first(corpus, monkeypatch):
    revisions = []

    def resolve(name, source):
        revisions.append(source["revision"])
        return {"id": source["id"], "revision": source["revision"] or "f" * 40, "files": []}

    def load(path, config, *, split, revision, token, streaming):
        assert (path, config, split, streaming) == ("hf://datasets/a/b", "c", "train", True)
        assert revision == "f" * 40 and token is False
        files = [f"long-{number}.jsonl" for number in (0, 1)]
        tables = [[json.loads(line) for line in Path(file).read_text().splitlines()[:90]] for file in files]
        return datasets.IterableDataset.from_generator(
            lambda parts: (row for part in parts for row in tables[part]), gen_kwargs={"parts": [0, 1]}
        )

    monkeypatch.setattr(hub_plan, "resolve", resolve)
    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub = Origin("a/b/c", 1.0, id="a/b", config="c")
    wanted = request(sources=(hub, origin("few")), max_samples=150)
    with monkeypatch.context() as patch:
        patch.setattr(pq, "ParquetWriter", None)
        with pytest.raises(TypeError):
            merge(wanted, corpus / "out")
    manifest = merge(wanted, corpus / "out")
    assert revisions == [None, "f" * 40]
    drawn = [key for source, key in merged(corpus / "out") if source == "a/b/c"]
    assert len(set(drawn)) == len(drawn) == 75 and drawn != sorted(drawn)
    told = manifest["sources"]["a/b/c"]
    assert (told["id"], told["config"], told["revision"]) == ("a/b", "c", "f" * 40)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-samples", "0"], "--max-samples 0: should be more than 0"),
        (["--shard-megabytes", "-1"], "--shard-megabytes -1.0: should be more than 0"),
        (["--max-passes", "1"], "--max-passes: goes with --use-weights"),
    ],
)
def test_an_option_out_of_its_range_is_refused(capsys, options, message):
    with pytest.raises(SystemExit):
        command.run(merge_datasets.main, ["--config", "c.yaml", "--output-dir", "out", *options])
    assert message in capsys.readouterr().err


def test_the_command_tells_a_mistake_in_one_line(corpus):
    words = [sys.executable, SCRIPT, "--config", "none.yaml", "--output-dir", "out"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "error: none.yaml: no such file.\n"
