from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulsion.errors import UserError
from emulsion.evaluation.checks import passes
from emulsion.evaluation.suites import load_suite, load_suites

EXPERIMENT_3 = Path(__file__).parents[3] / "resources" / "suites" / "experiment3.yaml"

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
    assert suite.prompt(choice) == "Q: 1 {+} 1?\nA:"


def test_template_and_new_tokens_have_defaults(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, [WRITE]))
    assert suite.prompt(suite.items[0]) == "Go"
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
        (CHOICE | {"prompt": 3}, "prompt: 3"),
        ({k: v for k, v in CHOICE.items() if k != "answer"}, "'answer' is missing"),
        (CHOICE | {"id": 7}, "item 0: id: 7"),
        (WRITE | {"checks": [{"contans": "x"}]}, r"item 'g': checks\[0\].*Did you mean 'contains'"),
        (WRITE | {"checks": []}, "list of checks"),
        (WRITE | {"max_new_tokens": 0}, "max_new_tokens"),
        ("hello", "item 0"),
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
    path = write(tmp_path, [CHOICE])
    with pytest.raises(UserError, match="'s' appears twice"):
        load_suites([path, path])


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ({"template": "no place"}, "template"),
        ({"templates": "{prompt}"}, "Did you mean 'template'"),
        ({"items": []}, "items"),
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


def test_reading_a_suite_does_not_import_torch() -> None:
    modules = "sys, emulsion.evaluation.suites, emulsion.evaluation.settings"
    code = f"import {modules}; sys.exit('torch' in sys.modules)"
    scripts = Path(__file__).parents[3] / "workflow/scripts"
    assert subprocess.run([sys.executable, "-c", code], cwd=scripts, check=False).returncode == 0


GOOD = {
    "factorial": "def factorial(n):\n    return 1",
    "sleep-tips": "1. a\n2. b\n\n3. c\n4. d\n5. e",
    "photosynthesis": "Plants use light to make sugar.",
    "capital-of-france": "It is Paris.",
    "end-of-world-war-2": "In September 1945.",
    "speed-of-light": "It is 299,792 km/s.",
    "roses": "No, that does not follow.",
    "apples": "3 - 1 + 2 = 4.",
    "taller": "Carl is shorter than Anna and Ben.",
    "greeting": "Hi, I am fine.",
    "bad-day": "I am sorry to hear that. What happened?",
    "weekend-plans": "Enjoy the trails!",
    "rain-poem": "Soft rain upon the roof,\nA whisper on the glass,\nThe garden drinks its fill.",
    "dragon-story": "Once a small green dragon named Ash shook whenever he saw fire. One night the village "
    "grew cold, and he breathed gently until every child was warm, which made him brave at last.",
    "brick-uses": "A doorstop for heavy gates, a bookend on your shelf, and a canvas to paint upon.",
}
BAD = {
    "factorial": "The undefined factorial function",
    "sleep-tips": "1. a\n2. b\n3. c\n4. d",
    "photosynthesis": "The planet is lightning fast.",
    "capital-of-france": "A parisian would know.",
    "end-of-world-war-2": "In 1944.",
    "speed-of-light": "It is 1299 km/s or 3000.",
    "roses": "I know they do.",
    "apples": "You have 14.",
    "taller": "Ben, not Carl.",
    "greeting": "The mitochondria are small.",
    "bad-day": "The recipe calls for flour.",
    "weekend-plans": "Paris.",
    "rain-poem": "rain rain rain\n" * 10,
    "dragon-story": "dragon fire " * 30,
    "brick-uses": "brick " * 30,
}


@pytest.mark.parametrize("item", load_suite(EXPERIMENT_3).items, ids=lambda item: item.id)
def test_experiment_3_tells_a_good_answer_from_a_bad_one(item: Any) -> None:
    for text, expected in ((GOOD[item.id], True), (BAD[item.id], False), ("", False)):
        assert all(passes(check, text) for check in item.checks) is expected


def test_experiment_3_has_three_items_for_each_capability() -> None:
    capabilities = [item.capability for item in load_suite(EXPERIMENT_3).items]
    names = ("instruction_following", "factual_knowledge", "reasoning", "conversation", "creativity")
    assert {name: capabilities.count(name) for name in set(capabilities)} == dict.fromkeys(names, 3)


@pytest.mark.parametrize(
    "text",
    [
        "299,792 km/s",
        "299792458 m/s",
        "299 792 458",
        "about 300,000 km/s",
        "3×10⁸ m/s",
        "3 x 10^8",
        "3.0 * 10**8",
        "3e8",
        "2.998×10^8",
    ],
)
def test_the_speed_of_light_is_known_in_the_forms_people_write_it(text: str) -> None:
    (item,) = [item for item in load_suite(EXPERIMENT_3).items if item.id == "speed-of-light"]
    assert all(passes(check, text) for check in item.checks)
