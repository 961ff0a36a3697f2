"""What is said of sources, suites and token stores before anything is made."""

import copy
from dataclasses import asdict

import pytest
import yaml

from config_cases import CONFIG, SCHEMA, changed, problems, suite_of
from emulsion.data.cleaning.policy import Cleaning, Decontaminate, Deduplicate, Near
from emulsion.data.schemas import CHATS
from emulsion.data.tokenizers import fingerprint
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.files import write_json
from emulsion.study.catalogue import CHAT_SCHEMAS, chat_formats
from emulsion.study.check import check


def test_a_missing_local_file_is_named():
    source = {"type": "notes", "kind": "local", "local": {"files": ["nowhere/*.jsonl"]}}
    message = problems(changed("sources/notes", source))
    assert "sources.notes.local.files: no file matches 'nowhere/*.jsonl'" in message


def test_files_of_a_folder_that_are_not_read_are_remarked_on(tmp_path):
    for name in ("a.jsonl", "README", "b.jsonlines", "c.text"):
        (tmp_path / name).write_text('{"text": "one"}')
    source = {"type": "notes", "kind": "local", "local": {"files": [str(tmp_path)]}}
    said = "sources.notes.local.files: left out, as their suffix is none that is read: b.jsonlines, c.text"
    assert said in check(changed("sources/notes", source), SCHEMA)
    source["local"]["exclude"] = ["b.*", "c.*"]
    assert not [note for note in check(changed("sources/notes", source), SCHEMA) if "left out" in note]


def test_a_local_file_with_braces_in_its_path_is_refused_in_words(tmp_path):
    (tmp_path / "we{ir}d").mkdir()
    (tmp_path / "we{ir}d/a.jsonl").write_text('{"text": "one"}')
    source = {"type": "notes", "kind": "local", "local": {"files": [f"{tmp_path}/we{{ir}}d/*.jsonl"]}}
    message = problems(changed("sources/notes", source))
    assert "a.jsonl': Snakemake takes what is in braces in a path for a wildcard; rename it" in message


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"text_field": "a", "columns": {"chat": "b"}}, ": both `text_field` and `columns` say what is read"),
        ({"text_field": "a", "columns": {"system": "b"}}, ": both `text_field` and `columns` say what is read"),
        ({"columns": {"chat": "a", "text": "b"}}, ".columns: chat, text: a row is a text, a chat, or a question"),
        ({"columns": {"chat": "a", "question": "b"}}, ".columns: chat, question: a row is"),
        ({"columns": {"text": "a", "system": "b"}}, ".columns: text, system: a row is"),
        ({"schema": "chat", "text_field": "a"}, ".schema: 'chat' does not read what `text_field` names"),
        ({"schema": "text", "columns": {"question": "a"}}, ".schema: 'text' does not read what `columns` names"),
    ],
)
def test_what_says_how_rows_are_read_agrees(entry, said, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}')
    source = {"kind": "local", "local": {"files": [f"{tmp_path}/a.jsonl"]}}
    assert f"sources.notes{said}" in problems(changed("sources/notes", {**source, **entry}))


@pytest.mark.parametrize(
    "entry",
    [
        {"schema": "prompt_text", "text_field": "a"},
        {"schema": "chat_from_value", "columns": {"chat": "a", "system": "b"}},
        {"schema": "instruction_response", "columns": {"answer": "a", "context": "b"}},
    ],
)
def test_what_says_how_rows_are_read_may_say_it_in_parts(entry, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}')
    source = {"kind": "local", "local": {"files": [f"{tmp_path}/a.jsonl"]}}
    check(changed("sources/notes", {**source, **entry}), SCHEMA)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://[x/a.jsonl", "'https://[x/a.jsonl' is no address"),
        ("https://h:port/a.jsonl", "'https://h:port/a.jsonl' is no address"),
        ("https:///a.jsonl", "'https:///a.jsonl' is no address"),
        ("https://x.test/a.pkl", "'a.pkl' is not one of .jsonl"),
        ("https://x.test/a.jsonl?token=secret", "an address must not be signed"),
    ],
)
def test_an_address_that_cannot_be_fetched_is_refused_before_anything_is(address, said):
    source = {"type": "notes", "kind": "web", "web": {"files": ["https://x.test/b.jsonl", address]}}
    message = problems(changed("sources/notes", source))
    assert f"sources.notes.web.files[1]: {said}" in message
    assert "files[0]" not in message


def test_a_suite_item_with_an_unknown_check_is_named(tmp_path):
    item = {"id": "i1", "capability": "c", "kind": "generation", "prompt": "p", "checks": [{"contain": "x"}]}
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump({"suite": "bad", "items": [item]}))
    message = problems(changed("suites/bad", {"kind": "file", "file": str(tmp_path / "bad.yaml")}))
    assert "i1" in message
    assert "Did you mean 'contains'?" in message


def test_a_suite_that_cannot_be_halved_is_named_unless_it_stays_whole(tmp_path):
    suite = tmp_path / "s.yaml"
    item = "{id: a%d, topic: t, capability: c, kind: generation, prompt: p%d, checks: [{min_lines: 1}]}"
    suite.write_text(f"suite: s\nitems: [{item % (1, 1)}, {item % (2, 2)}]\n")
    config = changed("suites/world", {"kind": "file", "file": str(suite)})
    config["figures"].remove("exp3_capability_radar")  # of one capability there is none
    assert "'exp3_pareto' needs 2 capabilities or more, and the suites of experiments.exp3 test 1" in problems(config)
    config["figures"].remove("exp3_pareto")
    with pytest.raises(UserError, match="capability 'c' has one topic"):
        check(copy.deepcopy(config), SCHEMA)
    config["experiments"]["exp3"]["evaluation"]["selection"] = False
    with pytest.raises(UserError, match="no items are left to choose mixtures by"):
        check(copy.deepcopy(config), SCHEMA)
    config["methods"]["optimal"]["objective"] = "mean_loss"
    check(copy.deepcopy(config), SCHEMA)


def test_one_synthetic_item_is_enough_only_where_none_chooses():
    config = changed("suites/world/synthetic/items_per_capability", 1)
    assert "suites.world.synthetic.items_per_capability: one item cannot both choose mixtures and" in problems(config)
    config["experiments"]["exp3"]["evaluation"]["selection"] = False
    config["methods"]["optimal"]["objective"] = "mean_loss"
    check(config, SCHEMA)


def test_chat_suites_are_asked_in_the_formats_of_the_sources_unless_told_otherwise():
    formats = {}
    for sources in (["openhermes", "magpie"], ["openhermes"], ["magpie", "fineweb"], ["cosmopedia", "fineweb"]):
        formats[tuple(sources)] = chat_formats(CONFIG, sources)
    assert list(formats.values()) == [["instruction", "dialogue"], ["instruction"], ["dialogue"], ["plain"]]
    config = copy.deepcopy(CONFIG)
    check(config, SCHEMA)
    assert config["experiments"]["exp3"]["evaluation"]["formats"] == ["instruction", "dialogue"]
    config = changed("experiments/exp3/evaluation/formats", ["plain"])
    check(config, SCHEMA)
    assert config["experiments"]["exp3"]["evaluation"]["formats"] == ["plain"]


def with_groups(**changes):
    """The configuration with a source on the hub and one group of it, in each of which something may be changed."""
    config = changed("held_out", 0.05)
    hub = {"id": "DKYoon/SlimPajama-6B", "config": None, "split": "train", "revision": None, "documents": 9, "seed": 0}
    group = {"of": "slimpajama", "field": "meta.redpajama_set_name", "value": "RedPajamaC4", **changes.get("group", {})}
    config["sources"]["slimpajama"] = {"type": "web", "kind": "hub", "hub": {**hub, **changes.get("hub", {})}}
    config["sources"]["c4"] = {"type": "web", "kind": "group", "group": group}
    book = {"of": "slimpajama", "field": "meta.redpajama_set_name", "value": "RedPajamaBook"}
    config["sources"]["book"] = {"type": "web", "kind": "group", "group": book}
    return config


def test_groups_of_a_source_make_a_good_configuration():
    check(with_groups(), SCHEMA)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": {"of": "slimpyjama"}}, "sources.c4.group.of: unknown source 'slimpyjama'. Did you mean"),
        ({"group": {"of": "book"}}, "sources.c4.group.of: 'book' is itself a group; name the source that is split"),
        ({"group": {"field": "meta.name"}}, "sources.book.group.field"),
        ({"hub": {"tokens": 9}}, "sources.slimpajama.hub: needs either `documents` or `tokens`, and not both."),
    ],
)
def test_a_mistake_about_groups_is_named(changes, message):
    assert message in problems(with_groups(**changes))


def test_a_newer_token_store_made_with_another_tokenizer_is_refused(tmp_path, tokenizer):
    folder = tmp_path / "data/tokenizers/demo"
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tokenizer)
    header = tmp_path / "data/tokens/demo/magpie/header.json"
    write_json(header, {"tokenizer": fingerprint(tokenizer)})
    check(copy.deepcopy(CONFIG), SCHEMA, folder=tmp_path)
    write_json(header, {"tokenizer": "0000"})
    assert "was made with another tokenizer (0000)" in problems(CONFIG, folder=tmp_path)


def test_the_defaults_of_cleaning_are_those_of_the_code_and_leave_the_configuration_as_written():
    config = changed("cleaning/prose", {"deduplicate": {"near": {}}, "decontaminate": {}})
    check(config, SCHEMA)
    assert config["cleaning"]["prose"] == {"deduplicate": {"near": {}}, "decontaminate": {}}
    schema = read_yaml(SCHEMA)
    policy = schema["$defs"]["cleaning"]["properties"]
    duplicates = policy["deduplicate"]["properties"]

    def defaults(properties):
        return {key: part["default"] for key, part in properties.items() if "default" in part}

    assert defaults(policy["decontaminate"]["properties"]) == asdict(Decontaminate())
    assert defaults(duplicates["near"]["properties"]) == asdict(Near())
    assert {**defaults(duplicates), "near": None} == asdict(Deduplicate())
    assert defaults(policy) == {"keep_removed": Cleaning().keep_removed}


def test_a_source_with_capitals_and_hyphens_makes_a_good_configuration():
    source = {"type": "web", "kind": "synthetic", "synthetic": {"like": "fineweb", "documents": 9, "seed": 0}}
    config = changed("sources/FineWeb-Edu", source)
    config["experiments"]["Exp-3_b"] = {**config["experiments"]["exp3"], "title": "Again?"}
    check(config, SCHEMA)


def test_a_capability_may_not_be_called_as_the_mean_of_all_is(tmp_path):
    config = changed("suites/own", suite_of(tmp_path, "own.yaml", "own", "reading", "mean"))
    assert "suites.own.file: a capability is called 'mean', as is the mean of all" in problems(config)


def test_suites_of_one_experiment_have_different_names(tmp_path):
    config = changed("suites/first", suite_of(tmp_path, "first.yaml", "own", "reading"))
    config["suites"]["second"] = suite_of(tmp_path, "second.yaml", "own", "writing")
    check(copy.deepcopy(config), SCHEMA)
    config["experiments"]["exp3"]["suites"] = ["world", "first", "second"]
    assert "exp3.suites: 'first' and 'second' are both called 'own' by the `suite` of their files" in problems(config)


@pytest.mark.parametrize(
    ("entry", "formats"),
    [
        ({"schema": "chat"}, ["dialogue"]),
        ({"schema": "chat_role_content"}, ["dialogue"]),
        ({"columns": {"chat": "c"}}, ["dialogue"]),
        ({"columns": {"question": "q", "answer": "a"}}, ["dialogue"]),
        ({"columns": {"text": "t"}}, ["plain"]),
    ],
)
def test_chat_suites_are_asked_as_the_sources_write_turns(entry, formats):
    source = {"kind": "hub", "type": "web", **entry}
    assert chat_formats({"sources": {"one": source}}, ["one"]) == formats


def test_every_schema_of_chats_is_one():
    assert set(CHATS) < set(CHAT_SCHEMAS)
