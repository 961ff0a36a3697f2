"""The command lines of the scripts: made from the signature of each `main`, and asked by the rules as they are."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from emulsion import command
from emulsion.command import AtMostOne, Json, Some
from emulsion.training.options import JobOptions, TrainingOptions

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py"))


@pytest.fixture(scope="module")
def mains():
    """{script: its main}, all in this process."""
    found = {}
    for name in SCRIPTS:
        spec = importlib.util.spec_from_file_location(f"script_{name}", ROOT / "workflow" / "scripts" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        found[name] = module.main
    yield found
    for name in SCRIPTS:
        del sys.modules[f"script_{name}"]


def options_of(main) -> dict[str, str]:
    """{option: its help}"""
    arguments = command.app(main).assemble_argument_collection(parse_docstring=True)
    return {name: argument.parameter.help or "" for argument in arguments for name in argument.names if name != "*"}


def asked_by_rules() -> dict[str, set[str]]:
    """{script: the options that rules give it}"""
    found: dict[str, set[str]] = {}
    for file in (ROOT / "rules").glob("*.smk"):
        for text in re.split(r"^rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            shell = text.partition("shell:")[2]
            scripts = re.findall(r"script\('(\w+)'\)", shell)
            if "python {input.script:q}" in shell:
                scripts += re.findall(r'script=script_file\("(\w+)"\)', text)
            for script in scripts:
                found.setdefault(script, set()).update(re.findall(r"(?<![\w-])--[a-z][\w-]*", shell))
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_describes_itself_and_each_of_its_options(name, mains, capsys):
    command.run(mains[name], ["--help"])
    said = " ".join(capsys.readouterr().out.split())  # it is broken into lines as wide as the terminal
    assert sys.modules[mains[name].__module__].__doc__.splitlines()[0] in said
    options = options_of(mains[name])
    assert options and all(options.values()), [option for option, text in options.items() if not text]


@pytest.mark.parametrize("name", sorted(asked_by_rules()))
def test_every_option_that_a_rule_gives_is_one_of_its_script(name, mains):
    assert asked_by_rules()[name] - set(options_of(mains[name])) == set()


def test_the_rules_ask_nearly_all_scripts():
    by_hand = {"describe_recipes", "measure_speed", "merge_datasets", "show_decision", "start"}
    assert set(SCRIPTS) - set(asked_by_rules()) == by_hand


def main(
    *,
    files: Some[Path],
    weights: AtMostOne[Path] = (),
    others: Sequence[Path] = (),
    bounds: tuple[float, float] = (0, 1),
    least_fall: float = 0.0,
    name: str | None = None,
    spec: Json = None,
) -> None:
    """
    :param files: to read
    """
    print([str(file) for file in files], list(weights), list(map(str, others)), bounds, least_fall, name, spec)


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("--files a", "['a'] [] [] (0, 1) 0.0 None None"),
        ("--files a b --weights --others --name n", "['a', 'b'] [] [] (0, 1) 0.0 n None"),
        ("--others c d --files a --least-fall -1 --bounds 0 -2", "['a'] [] ['c', 'd'] (0.0, -2.0) -1.0 None None"),
        ('--files a --spec {"x":[1,-2]}', "['a'] [] [] (0, 1) 0.0 None {'x': [1, -2]}"),
        ('--files a --spec ["x"]', "['a'] [] [] (0, 1) 0.0 None ['x']"),
    ],
)
def test_options_take_none_one_or_several_values_and_json(words, seen, capsys):
    command.run(main, words.split())
    assert capsys.readouterr().out.strip() == seen


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", 2, "--files"),
        ("--files", 2, "--files requires at least 1"),
        ("--files a --weights b c", 2, "--weights accepts at most 1"),
        ("--files a --what b", 2, "Unknown option: --what"),
        ("--files a --least-fall much", 2, "--least-fall"),
        ("a", 2, "a"),
        ("--files a --spec {", 1, "--spec: is not JSON"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_in_one_line(words, status, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.run(main, words.split())
    output = capsys.readouterr()
    assert stopped.value.code == status and output.out == ""
    assert output.err.startswith("error: ") and said in output.err and output.err.count("\n") == 1


def test_trainings_share_their_options_and_the_environment_says_the_time_between_checkpoints(monkeypatch, capsys):
    def train(*, training: TrainingOptions, saving: JobOptions) -> None:
        print(training.start, training.threads, saving.checkpoint_seconds, saving.minutes)

    words = ["--stores", "a", "b", "--tokenizer", "t", "--spec", "{}", "--micro-batch", "2", "--checkpoints", "c"]
    command.run(train, [*words, "--weights"])
    monkeypatch.setenv("EMULSION_CHECKPOINT_SECONDS", "5")
    command.run(train, [*words, "--weights", "w", "--minutes", "3", "--threads", "2"])
    command.run(train, [*words, "--checkpoint-seconds", "7"])
    assert capsys.readouterr().out == "None 1 120.0 None\nw 2 5.0 3.0\nNone 1 7.0 None\n"


SIGNED = "https://store.test/a/b.parquet?X-Amz-Signature=secret&x=1"


def test_neither_log_nor_error_nor_traceback_shows_a_signature(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, sys\nfrom emulsion import command\nfrom emulsion.errors import UserError\n"
        'def main(*, how: str) -> None:\n    """:param how: how it ends"""\n'
        f"    logging.info('GET %s', '{SIGNED}')\n"
        f"    if how == 'error':\n        raise UserError('no answer from {SIGNED}.')\n"
        f"    raise ValueError('for url: {SIGNED}')\n"
        "command.run(main)\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    for how, said in (("error", "error: no answer from https://store.test/a/b.parquet?..."), ("crash", "ValueError")):
        ended = subprocess.run(
            [sys.executable, str(script), "--how", how], env=variables, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 1
        assert said in ended.stderr
        assert "GET https://store.test/a/b.parquet?..." in ended.stderr
        assert "secret" not in ended.stderr


def test_neither_log_nor_error_nor_traceback_gives_orders_to_a_terminal(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import logging, sys\nfrom emulsion import command\nfrom emulsion.errors import UserError\n"
        'def main(*, how: str) -> None:\n    """:param how: how it ends"""\n'
        "    logging.info('reads %s', 'a\\x1b[2J.txt')\n"
        "    if how == 'error':\n        raise UserError('no such file: a\\x1b[2J.txt\\tis not there.')\n"
        "    raise ValueError('not a\\x9b2J')\n"
        "command.run(main)\n"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    for how, said in (
        ("error", "error: no such file: a\\x1b[2J.txt\tis not there."),
        ("crash", "ValueError: not a\\x9b2J"),
    ):
        ended = subprocess.run(
            [sys.executable, str(script), "--how", how], env=variables, capture_output=True, text=True, timeout=60
        )
        assert said in ended.stderr and "reads a\\x1b[2J.txt" in ended.stderr
        assert "\x1b" not in ended.stderr and "\x9b" not in ended.stderr


def test_words_from_standard_input_are_more_than_a_program_can_be_given(tmp_path):
    """Linux passes a program at most 128 KiB in one argument, and 2 MiB in all."""
    script = tmp_path / "count.py"
    script.write_text(
        "from emulsion import command\n"
        "def main(*, plan: command.Json, runs: command.Some[str]) -> None:\n"
        "    print(len(plan), len(runs), runs[0][:3], runs[-1])\n"
        "command.run(main)\n"
    )
    words = f"--plan '[{'1,' * 99_999}1]' --runs {{1..700}}{'x' * 3000} 'last one'"
    command_file = tmp_path / "command.sh"
    command_file.write_text(f"printf '%s\\0' {words} | {sys.executable} {script} @-")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    said = subprocess.run(["bash", command_file], env=environment, check=True, text=True, capture_output=True)
    assert said.stdout == "100000 701 1xx last one\n"
