import inspect
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import constants

import merge_datasets
from emulsion import command
from emulsion.data.recipes import load_recipe
from emulsion.data.schemas import KINDS
from emulsion.errors import UserError
from emulsion.files import WORKFLOW
from emulsion.merging import merge
from emulsion.merging.request import DATASET_FIELDS, ROLES, SHIPPED, Origin, find_config, read_sources
from merging_cases import merged, request

SCRIPT = Path(__file__).parents[3] / "workflow" / "scripts" / "merge_datasets.py"


def read(folder, weighted=True, **lists):
    (folder / "config.yaml").write_text(yaml.safe_dump(lists))
    return read_sources(folder / "config.yaml", weighted)


def test_the_fields_of_a_hub_dataset_are_read(tmp_path):
    dataset = {"weight": 0.3, "text_field": "content", "split": "train", "streaming": True}
    python = {"name": "HuggingFaceTB/stack-edu", "config": "python", **dataset}
    sources = read(tmp_path, datasets=[python, {**python, "config": "rust"}])
    assert [source.name for source in sources] == ["HuggingFaceTB/stack-edu/python", "HuggingFaceTB/stack-edu/rust"]
    assert sources[0] == Origin(
        sources[0].name, 0.3, id="HuggingFaceTB/stack-edu", config="python", text_field="content"
    )


def test_a_hub_dataset_is_named_by_its_place_there_unless_it_has_a_name_of_its_own(tmp_path):
    place = {"config": "python", "data_dir": "new", "split": "test", "weight": 1}
    sources = read(tmp_path, datasets=[{"name": "a/b", **place}, {"name": "code", "id": "a/b", **place}])
    assert [(source.name, source.id) for source in sources] == [("a/b/python/new/test", "a/b"), ("code", "a/b")]


def test_filters_are_the_same_in_any_order(tmp_path):
    names = [["c4", "gopher_quality"], ["gopher_quality", "c4"]]
    one, other = (read(tmp_path, datasets=[{"name": "a/b", "weight": 1, "filters": each}]) for each in names)
    assert one == other and len(one[0].filters) == 2


@pytest.mark.parametrize("address", ["hf://datasets/a/b", "https://huggingface.co/datasets/a/b", "hf://datasets/a/b/"])
def test_the_address_of_a_hub_dataset_is_its_id(tmp_path, address):
    (source,) = read(tmp_path, datasets=[{"name": address, "weight": 1}])
    assert (source.id, source.name) == ("a/b", "a/b")


def test_two_lists_are_concatenated_but_cannot_be_weighted(tmp_path):
    lists = {"english_datasets": [{"name": "a/b"}], "vietnamese_datasets": [{"name": "c/d"}]}
    assert [source.name for source in read(tmp_path, weighted=False, **lists)] == ["a/b", "c/d"]
    with pytest.raises(UserError, match="needs one list `datasets`, but there is english_datasets, vietnamese"):
        read(tmp_path, **lists)
    with pytest.raises(UserError, match=r"needs one list `datasets`, but there is english_datasets\."):
        read(tmp_path, english_datasets=lists["english_datasets"])


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"name": "a/b"}, r"config\.yaml: datasets\[0\]\.weight: is missing"),
        ({"name": "a/b", "weight": 1, "wheight": 2}, r"unknown field 'wheight'\. Did you mean 'weight'\?"),
        ({"name": "a/b", "weight": 10**400}, r"weight: should be a number, 0 or more, but is 1000"),
        ({"name": "a/b", "weight": -1}, r"weight: should be a number, 0 or more, but is -1"),
        ({"weight": 1}, r"datasets\[0\]\.name: is missing"),
        ({"name": "a", "weight": 1, "files": []}, r"files: should be a path or a list of paths"),
        ({"name": "a", "weight": 1, "files": ["x"], "id": "a/b"}, r"has both `files` and `id`"),
        (
            {"name": "a", "weight": 1, "schema": "chat_from"},
            r"schema: unknown schema 'chat_from'\. Did you mean 'chat_from_value'",
        ),
        (
            {"name": "a", "weight": 1, "filters": ["gopher"]},
            r"filters: unknown filter 'gopher'\. Did you mean 'gopher_",
        ),
        (
            {"name": "a/my set", "weight": 1},
            r"\[0\]\.name: 'a/my set' cannot be the id of a dataset, which is owner/name",
        ),
        ({"name": "x", "id": "a--b/c", "weight": 1}, r"\.id: 'a--b/c' cannot be .*: Cannot have -- or \.\."),
        ({"name": "a/b/c", "weight": 1}, r"write `a/b`, and what follows as `config` or `data_dir`\. Nor is it a file"),
        ({"name": "datasets/a/b", "weight": 1}, r"write `a/b`\. Nor"),
        ({"name": "long" * 75, "weight": 1}, r"\.name: 'long.*long' cannot be .* length is 96.* Nor is it a file"),
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
    with pytest.raises(UserError, match="names no sources; list them under `datasets`"):
        read(tmp_path)
    with pytest.raises(UserError, match="datasets: should be a list of one entry or more"):
        read(tmp_path, datasets=[])
    with pytest.raises(UserError, match="at least one must be positive"):
        merge(request(sources=(Origin("few", 0.0, files=("few-*.jsonl",)),)), tmp_path / "out")


def test_a_recipe_is_read_with_what_a_copy_puts_in_the_place_of_hub_ids(tmp_path):
    place = {"revision": "d" * 40, "split": "test"}
    sources = [
        {"name": "web", "weight": 0.7, "class": "web", "id": "a/b", "config": "c", "evidence": "linked", **place},
        {"name": "mine", "weight": 0.3, "class": "web", "evidence": "unknown", "files": ["mine.jsonl"]},
    ]
    web, mine = read(tmp_path, sources=sources)
    assert web == Origin("web", 0.7, id="a/b", config="c", text_field="text", evidence="linked", **place)
    assert mine == Origin("mine", 0.3, files=("mine.jsonl",), text_field="text", split=None)
    del sources[1]["files"]
    with pytest.raises(UserError, match=r"sources\[1\] \(mine\): no dataset of the hub is known"):
        read(tmp_path, sources=sources)


@pytest.mark.parametrize(
    "name", ["notes", "./notes", "notes.jsonl", "notes/*.jsonl", "parts-*", "new/", "~/notes", "/data/notes"]
)
def test_a_name_that_is_a_path_is_read_from_this_machine(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    (source,) = read(tmp_path, datasets=[{"name": name, "weight": 1}])
    assert source.files == (name,) and source.id is None


def test_files_can_be_left_out(corpus):
    entry = {"name": "few", "files": "*.jsonl", "exclude": ["long-*", "short-*", "few-1*"]}
    merge(request(False, sources=read(corpus, weighted=False, datasets=[entry])), corpus / "out")
    assert [key for _, key in merged(corpus / "out")] == [f"few-{number}" for number in range(16)]
    entries = [entry, {**entry, "name": "rest", "exclude": ["few-*"]}]
    assert request(False, sources=read(corpus, weighted=False, datasets=entries)).notes() == []
    with pytest.raises(UserError, match="exclude: is of files of this machine, but 'a/b' is a dataset of the hub"):
        read(corpus, weighted=False, datasets=[{"name": "a/b", "exclude": "x"}])


def test_settings_of_the_hub_are_accepted_for_files_with_a_note(corpus):
    dataset = {"name": "few", "files": "few-*.jsonl", "weight": 1}
    (plain,) = read(corpus, datasets=[dataset])
    (told,) = read(corpus, datasets=[{**dataset, "split": "train", "config": "en", "streaming": False}])
    assert any("streaming: false says nothing" in note for note in told.notes)
    assert told.files == plain.files == ("few-*.jsonl",)
    manifest = merge(request(sources=(told,), max_samples=5), corpus / "out")
    said = [note for note in manifest["notes"] if "datasets[0].config: 'en' says nothing about files of" in note]
    assert len(said) == 1


@pytest.mark.parametrize(("split", "texts"), [(None, {"a", "b"}), ("train", {"a", "b"}), ("validation", {"c"})])
def test_of_a_folder_whose_files_are_named_by_split_one_split_is_read(tmp_path, monkeypatch, split, texts):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    for name, text in (("train-0", "a"), ("train-1", "b"), ("valid", "c")):
        (tmp_path / "set" / f"{name}.jsonl").write_text(json.dumps({"text": text}))
    dataset = {"name": "set", "weight": 1, **({"split": split} if split else {})}
    manifest = merge(request(sources=read(tmp_path, datasets=[dataset])), tmp_path / "out")
    assert set(pq.read_table(tmp_path / "out" / "shard-00000.parquet")["text"].to_pylist()) == texts
    assert any("of 3 files are of split" in note for note in manifest["notes"])
    with pytest.raises(UserError, match=r"split: unknown split 'test'\. Known: train, validation"):
        merge(request(sources=read(tmp_path, datasets=[{**dataset, "split": "test"}])), tmp_path / "test")


def test_a_folder_has_the_configurations_and_folders_of_a_dataset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("own/set", "own/set/data/fra", "own/set/python"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "part.jsonl").write_text(json.dumps({"text": folder}))
    asked = [{"config": "fra", "revision": "v2"}, {"data_dir": "python"}, {"config": "deu"}, {"config": "ita"}]
    sources = read(tmp_path, datasets=[{"name": "own/set", "weight": 1, **each} for each in asked])
    assert [(source.name, source.files) for source in sources] == [
        ("own/set/fra", ("own/set/data/fra",)),
        ("own/set/python", ("own/set/python",)),
        ("own/set/deu", ("own/set",)),
        ("own/set/ita", ("own/set",)),
    ]
    notes = request(sources=sources).notes()
    assert sum("not looked for on the hub" in note for note in notes) == 1
    assert any("datasets[2].config: 'deu' says nothing" in note and "no folder of this name" in note for note in notes)
    assert "'own/set/deu', 'own/set/ita' read the same files: own/set." in notes
    assert any("datasets[0].revision: 'v2' says nothing about files of this machine." in note for note in notes)
    assert not any("fra" in note or "python" in note for note in notes)


ROWS = [{"prompt": f"p{i}", "response": f"r{i}", "body": f"The body {i}.", "stem": f"s{i}"} for i in range(5)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "user: p0\nassistant: r0"),
        ({"type": "instruction"}, "### Instruction: p0\n### Response: r0"),
        ({"text_field": "body"}, "The body 0."),
        ({"text_field": "body", "schema": "text"}, "The body 0."),
        ({"schema": "instruction_response"}, "user: p0\nassistant: r0"),
        ({"columns": {"question": "stem", "answer": "body"}}, "user: s0\nassistant: The body 0."),
        ({"columns": {"text": "stem"}}, "s0"),
    ],
)
def test_schema_and_columns_of_a_dataset_are_as_it_says(tmp_path, monkeypatch, fields, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    sources = read(tmp_path, weighted=False, datasets=[{"name": "rows.jsonl", **fields}])
    merge(request(weighted=False, sources=sources), tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "shard-00000.parquet")["text"].to_pylist()[0] == text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text_field": "boddy"}, r"datasets\[0\]\.text_field: unknown column 'boddy'\. Did you mean 'body'\?"),
        (
            {"columns": {"question": "prompts", "answer": "body"}},
            r"columns\.question: unknown column 'prompts'\. Did you mean 'prompt'",
        ),
        ({"columns": {"asked": "prompt"}}, r"columns: should be names of columns, each under one of chat, question"),
        ({"columns": {"text": "body"}, "text_field": "body"}, "has both `columns` and `text_field`"),
    ],
)
def test_columns_that_are_not_there_are_refused(tmp_path, monkeypatch, fields, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    with pytest.raises(UserError, match=message):
        merge(
            request(sources=read(tmp_path, datasets=[{"name": "rows.jsonl", "weight": 1, **fields}])), tmp_path / "out"
        )


def test_columns_are_named_as_in_the_configuration_of_the_workflow():
    schema = yaml.safe_load((WORKFLOW / "workflow" / "schemas" / "config.schema.yaml").read_text())
    source = schema["properties"]["sources"]["additionalProperties"]["properties"]
    assert set(ROLES) == set(source["columns"]["properties"])
    assert set(KINDS) == set(source["schema"]["enum"])


def test_all_datasets_that_cannot_be_read_are_told_at_once(corpus):
    entries = [{"name": "few", "files": ["few-*.jsonl"]}, {"name": "none.jsonl"}, {"name": "empty.jsonl"}]
    (corpus / "empty.jsonl").write_text("")
    with pytest.raises(UserError, match=r"2 of 3 datasets cannot be merged:(?s:.*)datasets\[1\](?s:.*)datasets\[2\]"):
        merge(request(False, sources=read(corpus, weighted=False, datasets=entries)), corpus / "out")


def test_without_a_connection_the_hub_is_asked_once_and_no_folder_is_left(corpus, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    sources = read(corpus, weighted=False, datasets=[{"name": "a/b"}, {"name": "a/c"}, {"name": "x", "id": "a/b"}])
    with pytest.raises(UserError) as error:
        merge(request(False, sources=sources), corpus / "out")
    said = str(error.value)
    assert said.count("HF_HUB_OFFLINE is set") == 1 and "datasets[0]: " in said
    assert said.endswith("Of the hub are, as no file or folder here is called so: 'a/b', 'a/c'.")
    assert not (corpus / "out").exists()


def test_a_key_written_twice_is_refused_with_both_lines(tmp_path):
    (tmp_path / "twice.yaml").write_text("datasets:\n- {name: a/b, weight: 1}\ndatasets:\n- {name: c/d, weight: 1}\n")
    with pytest.raises(UserError, match=r"twice\.yaml:3: the key 'datasets' is written twice, in lines 1 and 3"):
        read_sources(tmp_path / "twice.yaml", True)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_configurations_of_smollm3_have_the_published_weights(stage):
    name = {1: "smollm3_weighted_config.yaml"}.get(stage, f"smollm3_stage{stage}_config.yaml")
    sources = read_sources(find_config(Path(name)), True)
    written = yaml.safe_load((SHIPPED / name).read_text())["datasets"]
    weights: dict[str, float] = {}
    for entry in written:
        weights[entry["source"]] = weights.get(entry["source"], 0) + entry["weight"]
    published = load_recipe(WORKFLOW / "resources" / "recipes" / "smollm3" / f"stage{stage}.yaml").weights
    assert weights == pytest.approx(published)
    assert len(sources) == len(written)
    last = read_sources(find_config(Path("smollm3_stage3_config.yaml")), True)
    assert {replace(source, weight=0, where="") for source in sources} <= {
        replace(source, weight=0, where="") for source in last
    }


def test_a_configuration_of_the_workflow_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("datasets_config.yaml", "resources/merge/datasets_config.yaml"):
        assert [source.name for source in read_sources(find_config(Path(name)), False)][
            -1
        ] == "wikimedia/wikipedia/20231101.vi"
    (tmp_path / "datasets_config.yaml").write_text("datasets: [{name: a/b}]")
    assert find_config(Path("datasets_config.yaml")) == Path("datasets_config.yaml")
    with pytest.raises(UserError, match=r"no such file\. Did you mean 'smollm3_stage2_config\.yaml'\?"):
        find_config(Path("smollm3_stage2_conf.yaml"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-samples", "0"], "--max-samples 0: should be more than 0"),
        (["--shard-megabytes", "-1"], "--shard-megabytes -1.0: should be more than 0"),
        (["--max-passes", "1"], "--max-passes: goes with --use-weights"),
        (["--max-loss", "5"], "--max-loss 5.0: should be a share"),
        (["--filter", "gopher"], 'Invalid value "gopher" for --filter'),
    ],
)
def test_an_option_out_of_its_range_is_refused(capsys, options, message):
    with pytest.raises(SystemExit):
        command.run(merge_datasets.main, ["--config", "c.yaml", "--output-dir", "out", *options])
    assert message in capsys.readouterr().err


def test_the_command_tells_a_mistake_in_one_line(corpus):
    words = [sys.executable, SCRIPT, "--config", "none.yaml", "--output-dir", "out"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: none.yaml: no such file.")


GUIDES = [WORKFLOW / "docs" / name for name in ("weighted_sampling.md", "smollm3.md")]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_every_command_of_the_guides_is_one(guide):
    blocks = re.findall(r"```bash\n(.*?)```", guide.read_text(), re.DOTALL)
    commands = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    assert len(commands) > 2
    for words in map(str.split, commands):
        assert words[:2] == ["python", "merge_datasets.py"]
        _, bound, _ = command.app(merge_datasets.main).parse_args(words[2:], exit_on_error=False, print_error=False)
        named = bound.arguments["config"]
        assert named.name == "custom_weighted.yaml" or find_config(named).is_file()


def test_the_configuration_of_the_guide_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (written,) = re.findall(r"```yaml\n(.*?)```", GUIDES[0].read_text(), re.DOTALL)
    (tmp_path / "custom_weighted.yaml").write_text(written)
    sources = read_sources(Path("custom_weighted.yaml"), True)
    assert [(source.id, source.files, source.weight) for source in sources] == [
        ("HuggingFaceFW/fineweb-edu", (), 0.5),
        ("bigcode/starcoderdata", (), 0.3),
        (None, ("notes/*.jsonl",), 0.2),
    ]


def test_the_guide_lists_every_option_and_field():
    guide = GUIDES[0].read_text()
    options = [f"--{name.replace('_', '-')}" for name in inspect.signature(merge_datasets.main).parameters]
    assert [option for option in options if f"| `{option}" not in guide] == []
    assert [field for field in DATASET_FIELDS if f"`{field}`" not in guide] == []
