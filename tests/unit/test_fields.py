"""YAML that people write: read strictly."""

from pathlib import Path

import pytest

from emulsion.errors import UserError
from emulsion.evaluation.suites import load_suite
from emulsion.fields import WEIGHT, is_number_as_text, read_yaml, refuse_unclear


def written(folder, text):
    file = folder / "some.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "key", "first", "second"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", 1, 3),
        ("a:\n  b: {c: 1, d: 2,\n      c: 3}\n", "c", 2, 3),
        ("- x: 1\n- y: 1\n  'y': 2\n", "y", 2, 3),
        ("1: a\n2: b\n1: c\n", "1", 1, 3),
        ("{a: 1, a: 1}\n", "a", 1, 1),
    ],
)
def test_a_key_written_twice_is_named_with_both_lines(tmp_path, text, key, first, second):
    file = written(tmp_path, text)
    message = f"{file}:{second}: the key '{key}' is written twice, in lines {first} and {second}."
    for read in (read_yaml, refuse_unclear):
        with pytest.raises(UserError) as error:
            read(file)
        assert str(error.value) == message


def test_the_same_key_in_different_mappings_and_over_a_merged_one_is_no_repeat(tmp_path):
    text = "deep:\n  base: &base {x: 1, y: 2}\n  mid: &mid {<<: *base, x: 3}\ntop: {<<: *mid, y: 4}\nsame: *base\n"
    base, mid = {"x": 1, "y": 2}, {"x": 3, "y": 2}
    assert read_yaml(written(tmp_path, text)) == {
        "deep": {"base": base, "mid": mid},
        "top": {"x": 3, "y": 4},
        "same": base,
    }


def test_a_file_that_holds_itself_or_nothing_is_read_to_its_end(tmp_path):
    refuse_unclear(written(tmp_path, "a: &a\n  b: *a\n"))
    assert read_yaml(written(tmp_path, "# nothing\n")) is None


def test_a_malformed_file_is_named_with_the_line(tmp_path):
    file = written(tmp_path, "a: 1\nb: [\n")
    with pytest.raises(UserError, match=r"some\.yaml:3: not valid YAML"):
        read_yaml(file)
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")


def test_a_suite_with_a_key_written_twice_is_refused(tmp_path):
    item = "  - id: one\n    capability: c\n    id: two\n"
    with pytest.raises(UserError, match="the key 'id' is written twice, in lines 3 and 5"):
        load_suite(written(tmp_path, f"suite: s\nitems:\n{item}"))


@pytest.mark.parametrize(
    ("value", "expected"), [("3e-4", True), ("3e8", True), ("1.5E3", True), ("one-two", False), (3.0e-4, False)]
)
def test_numbers_that_yaml_takes_for_text_are_known(value, expected):
    assert is_number_as_text(value) is expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:\n  hours: 1:30\n", r"sixth\.yaml:2: YAML counts 1:30 in sixties"),
        ("seeds: [010, 011]\n", r":1: YAML counts 010 in eights"),
    ],
)
def test_a_number_that_yaml_reads_as_another_is_refused_where_a_person_wrote_it(tmp_path, text, words):
    path = tmp_path / "sixth.yaml"
    path.write_text(text)
    for read in (read_yaml, refuse_unclear):
        with pytest.raises(UserError, match=words):
            read(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b\nday: 2024-02-30\n", r':2: YAML reads 2024-02-30 as a date, and it is none; write "2024-02-30"'),
        ("mask: [0x_]\n", r":1: YAML reads 0x_ as a number, and it is none"),
        ("n: !!bool maybe\n", r":1: YAML reads maybe as true or false, and it is none"),
        ("day: !!timestamp soon\n", r":1: YAML reads soon as a date, and it is none"),
        ("2024-02-30: a\n", r"not valid YAML: day is out of range for month"),
        ("b: 1\na: &a {c: [*a]}\n", r":2: an alias stands inside of what it names"),
        ("&a [1, *a]\n", r":1: an alias stands inside of what it names"),
    ],
)
def test_what_only_looks_like_a_value_is_refused_with_its_line(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_yaml(written(tmp_path, text))


def test_a_path_that_no_file_can_have_is_told():
    with pytest.raises(UserError, match="cannot be read: embedded null byte"):
        read_yaml(Path("a\0b.yaml"))


def test_texts_in_quotes_and_numbers_without_a_leading_zero_are_left_alone(tmp_path):
    path = tmp_path / "fine.yaml"
    path.write_text("a: ['1:30', \"010\", 0, 0.5, 10, -3, 2024-10-10, v0.1.0]\nb: 0\n")
    refuse_unclear(path)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), True, "3"])
def test_a_weight_is_a_number_that_can_be_counted_with(value):
    assert not WEIGHT[1](value)


@pytest.mark.parametrize(
    "nested", ["a: " + 60_000 * "[" + 60_000 * "]", 60_000 * "- " + "a", 200 * "{a: " + "b" + 200 * "}"]
)
def test_a_file_nested_too_deep_is_refused_and_does_not_end_the_process(tmp_path, nested):
    for read in (read_yaml, refuse_unclear):
        with pytest.raises(
            UserError, match=r"some\.yaml:1: lists and mappings stand in one another more than 100 deep"
        ):
            read(written(tmp_path, nested))


def test_aliases_of_aliases_are_refused_before_they_are_unfolded_and_shared_parts_are_not(tmp_path):
    named = [f"- &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 20)]
    with pytest.raises(UserError, match=r"some\.yaml:8: aliases repeat more than 10,000,000 characters"):
        read_yaml(written(tmp_path, "- &a0 ok\n" + "".join(named)))
    assert read_yaml(written(tmp_path, "- &a0 ok\n" + "".join(named[:2])))[1] == 9 * ["ok"]
