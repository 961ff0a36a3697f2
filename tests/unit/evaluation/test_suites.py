from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulsion.data.schemas import choose_kind
from emulsion.errors import UserError
from emulsion.evaluation.checks import passes
from emulsion.evaluation.suites import load_suite, load_suites, reply

SUITES = Path(__file__).parents[3] / "resources" / "suites"

CHOICE = {
    "id": "c",
    "capability": "reasoning",
    "kind": "choice",
    "prompt": "1 {+} 1?",
    "choices": ["2", "3"],
    "answer": 0,
}
WRITE = {
    "id": "g",
    "capability": "creativity",
    "kind": "generation",
    "prompt": "Go",
    "checks": [{"min_lines": 1}],
}


def write(folder: Path, items: list[Any], top: dict[str, Any] | None = None) -> Path:
    path = folder / "suite.json"
    path.write_text(json.dumps({"suite": "s", "items": items} | (top or {})))
    return path


def test_a_suite_reads_the_same_from_json_and_from_yaml(tmp_path: Path) -> None:
    path = write(tmp_path, [CHOICE, WRITE | {"max_new_tokens": 9}], {"template": "Q: {prompt}\nA:", "description": "d"})
    other = tmp_path / "suite.yaml"
    other.write_text(yaml.safe_dump(json.loads(path.read_text())))
    suite = load_suite(path)
    assert suite == load_suite(other)
    choice, generation = suite.items
    assert (choice.choices, choice.answer, choice.chance) == (("2", "3"), 0, 0.5)
    assert (generation.checks, generation.max_new_tokens, generation.chance) == (({"min_lines": 1},), 9, None)
    assert suite.prompts(choice, ["dialogue"]) == {"": "Q: 1 {+} 1?\nA:"}


def test_template_and_new_tokens_have_defaults(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, [WRITE]))
    assert suite.prompts(suite.items[0], ["dialogue"]) == {"": "Go"}
    assert suite.items[0].max_new_tokens == 150


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (CHOICE | {"anwser": 1}, "item 'c'.*'anwser'.*Did you mean 'answer'"),
        (CHOICE | {"checks": []}, "item 'c'.*'checks'"),
        (CHOICE | {"kind": "chioce"}, "Did you mean 'choice'"),
        (CHOICE | {"answer": 2}, "from 0 to 1"),
        (CHOICE | {"answer": True}, "from 0 to 1"),
        (CHOICE | {"choices": ["a"]}, "two or more"),
        (CHOICE | {"choices": ["a", False]}, "quotes"),
        (CHOICE | {"choices": ["a", "a"]}, "'a' appears twice"),
        (CHOICE | {"choices": ["\u00e9", "e\u0301"]}, "appears twice"),
        (CHOICE | {"choices": ["a", "\ud83d"]}, "half of a surrogate pair .* is no character"),
        (CHOICE | {"prompt": 3}, "prompt: 3"),
        ({k: v for k, v in CHOICE.items() if k != "answer"}, "'answer' is missing"),
        (CHOICE | {"id": 7}, "item 0: id: 7"),
        (WRITE | {"checks": [{"contans": "x"}]}, r"item 'g': checks\[0\].*Did you mean 'contains'"),
        (WRITE | {"checks": []}, "list of checks"),
        (WRITE | {"max_new_tokens": 0}, "max_new_tokens"),
        ("hello", "item 0"),
        *((CHOICE | {"capability": name}, "capability: .* holds a line end") for name in ("a\nb", "a\n", "a\x1b[2J")),
        (CHOICE | {"capability": "a<b>"}, "capability: 'a<b>' holds '<', which is markup in reports"),
        (CHOICE | {"id": "a\x1b[2J"}, r"item 'a\\x1b\[2J': id: .* holds a line end"),
        (CHOICE | {"kind": ["choice"]}, "unknown kind"),
        *((CHOICE | {"topic": topic}, "item 'c': topic: ") for topic in (["a"], {"a": 1}, True, 1.5, "")),
    ],
)
def test_a_malformed_item_is_refused_with_file_id_and_key(tmp_path: Path, item: Any, message: str) -> None:
    path = write(tmp_path, [item])
    with pytest.raises(UserError, match=message) as error:
        load_suite(path)
    assert str(path) in str(error.value)


def test_repeated_ids_and_repeated_suites_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'c' appears twice"):
        load_suite(write(tmp_path, [CHOICE, CHOICE]))
    with pytest.raises(UserError, match="'é' appears twice"):
        load_suite(write(tmp_path, [CHOICE | {"id": "é"}, CHOICE | {"id": "e\u0301", "prompt": "2?"}]))
    path = write(tmp_path, [CHOICE])
    with pytest.raises(UserError, match="'s' appears twice"):
        load_suites([path, path])


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ({"template": "no place"}, "template"),
        ({"templates": "{prompt}"}, "Did you mean 'template'"),
        ({"items": []}, "no items"),
        ({"items": {}}, "list of items"),
        ({"tables": {}}, "list of tables"),
    ],
)
def test_a_malformed_suite_is_refused(tmp_path: Path, top: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_suite(write(tmp_path, [CHOICE], top))


def test_unreadable_files_are_refused_in_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("suite: [")
    for path, message in (
        (broken, "not valid YAML"),
        (tmp_path / "none.yml", "no such file"),
        (tmp_path / "a.txt", "a .yaml"),
    ):
        with pytest.raises(UserError, match=message):
            load_suite(path)


def test_a_json_suite_of_a_user_may_have_a_byte_order_mark_and_is_never_said_to_be_made_again(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    text = json.dumps({"suite": "mine", "items": [CHOICE]})
    file.write_text(text, encoding="utf-8-sig")
    assert load_suite(file).name == "mine"
    file.write_text(f"{text[:-1]},}}")
    with pytest.raises(UserError, match="not valid JSON") as error:
        load_suite(file)
    assert "delete" not in str(error.value)


def test_reading_a_suite_does_not_import_torch() -> None:
    modules = "sys, emulsion.evaluation.suites, emulsion.evaluation.settings"
    code = f"import {modules}; sys.exit('torch' in sys.modules)"
    scripts = Path(__file__).parents[3] / "workflow/scripts"
    assert subprocess.run([sys.executable, "-c", code], cwd=scripts, check=False).returncode == 0


def test_a_chat_suite_asks_in_every_format_as_the_sources_write_it(tmp_path: Path) -> None:
    item = CHOICE | {"earlier": [["Hi.", "Hello!"]], "prompt": "Well?"}
    suite = load_suite(write(tmp_path, [item], {"template": "chat"}))
    row = {"conversations": [{"role": r, "content": t} for r, t in zip(TURNS[::2], TURNS[1::2], strict=True)]}
    columns = {"conversations": frozenset({"role", "content"})}
    for form, kind in (("instruction", "instruction"), ("dialogue", "conversation")):
        rendered = choose_kind(columns, "s").render(row, kind)
        assert rendered == suite.prompts(suite.items[0], [form])[form] + " Yes."
    assert suite.prompts(suite.items[0], ["plain"]) == {"plain": "Hi.\nHello!\nWell?"}


TURNS = ("user", "Hi.", "assistant", "Hello!", "user", "Well?", "assistant", "Yes.")


@pytest.mark.parametrize(
    ("form", "text", "kept"),
    [
        ("instruction", " Yes.\n### Instruction: More?", " Yes."),
        ("dialogue", " Yes.\nuser: More?\nassistant: No.", " Yes."),
        ("dialogue", " Yes.\n### Instruction: More?", " Yes.\n### Instruction: More?"),
        ("plain", " Yes.\nuser: More?", " Yes.\nuser: More?"),
        ("", "user: a user", "user: a user"),
    ],
)
def test_a_reply_ends_where_the_next_turn_begins(form: str, text: str, kept: str) -> None:
    assert reply(text, form) == kept


def test_items_that_ask_the_same_for_the_same_answer_are_refused(tmp_path: Path) -> None:
    again = CHOICE | {"id": "d", "choices": ["5", "2"], "answer": 1}
    with pytest.raises(UserError, match="'c' and 'd' ask the same"):
        load_suite(write(tmp_path, [CHOICE, again]))
    assert len(load_suite(write(tmp_path, [CHOICE, CHOICE | {"id": "d", "answer": 1}])).items) == 2


@pytest.mark.parametrize(
    ("earlier", "top", "message"),
    [
        ([["Hi.", "Hello!"]], {}, "need `template: chat`"),
        ([["Hi."]], {"template": "chat"}, r"pairs of texts, \[user, assistant\]"),
        ([["Hi.", ""]], {"template": "chat"}, "pairs of texts"),
        ("Hi.", {"template": "chat"}, "pairs of texts"),
    ],
)
def test_turns_before_the_prompt_are_pairs_in_a_chat_suite(
    tmp_path: Path, earlier: Any, top: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_suite(write(tmp_path, [CHOICE | {"earlier": earlier}], top))


@pytest.mark.parametrize("file", sorted(SUITES.glob("experiment*.yaml")), ids=lambda file: file.stem)
@pytest.mark.parametrize("text", ["a\nb\nc\nd\ne\nf", "- \n" * 6, "the the the\n" * 6])
def test_no_item_is_passed_by_a_reply_that_says_nothing(file: Path, text: str) -> None:
    written = [item for item in load_suite(file).items if item.kind == "generation"]
    assert [item.id for item in written if all(passes(check, text) for check in item.checks)] == []


@pytest.mark.parametrize("file", sorted(SUITES.glob("*.yaml")), ids=lambda file: file.stem)
def test_no_item_is_passed_by_its_own_prompt(file: Path) -> None:
    written = [item for item in load_suite(file).items if item.kind == "generation"]
    for text in ("{0}", "{0} {0} {0}"):
        said = {item.id: text.format(item.prompt) for item in written}
        assert [item.id for item in written if all(passes(check, said[item.id]) for check in item.checks)] == []


@pytest.mark.parametrize("file", sorted(SUITES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_suites_of_the_repository_can_be_read(file: Path) -> None:
    assert load_suite(file).items
