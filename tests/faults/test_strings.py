"""Strings of the configuration that hold shell, markup or options stay what they are, or are refused in words."""

import copy
import re
import subprocess
from pathlib import Path

import pytest

import describe_source
import fetch
import fetch_weights
import normalize
import split_groups
from emulsion import command
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.study import check

ROOT = Path(__file__).parents[2]
HOSTILE = [
    *(
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned #",
        "' ; touch pwned ; '",
        '" ; touch pwned ; "',
        "a\ntouch pwned",
    ),
    *(
        "-x",
        "--output",
        "-",
        "ends\n",
        "{input}",
        "{wildcards.source}",
        "{{}}",
        "<b>bold</b>",
        "<script>pwned()</script>",
    ),
    *(".. include:: /etc/passwd", ".. raw:: html\n\n   <script>", "`link <javascript:x>`_", "|a|", "\\", "é%s%n"),
]
SINGLE = {
    (normalize.main, "text_field"): ["--raw", "a", "--type", "web", "--output", "o"],
    (normalize.main, "type"): ["--raw", "a", "--output", "o"],
    (describe_source.main, "licence"): ["--documents", "a", "--ledger", "l", "--output", "o"],
    (fetch.main, "licence"): ["--name", "a", "--source", "{}", "--output", "o"],
    (fetch_weights.main, "revision"): ["--id", "a", "--output", "o"],
    (split_groups.main, "field"): ["--raw", "a", "--output", "o"],
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("main", "name"), SINGLE, ids=lambda part: getattr(part, "__module__", part))
def test_a_script_is_given_a_text_as_it_is_written(main, name, text):
    arguments = [f"--{name.replace('_', '-')}", text, *SINGLE[main, name]]
    _, bound, _ = command.app(main).parse_args(arguments, exit_on_error=False, print_error=False)
    assert bound.arguments[name] == text


def test_every_value_that_a_rule_puts_into_a_command_is_quoted_or_a_name_or_a_number():
    bare = set()
    for file in [*(ROOT / "rules").glob("*.smk"), ROOT / "Snakefile"]:
        for shell in re.findall(r"\n    shell:\n((?:        .*\n)+)", file.read_text()):
            bare |= set(re.findall(r"(?<!\{)\{((?:input|output|params|wildcards|log)[\w.]*)\}", shell))
    # Wildcards are names that the schema has patterns for, and the parameters numbers, names or options of ours.
    assert {value for value in bare if value.startswith(("input", "output", "log"))} == set()
    assert {value for value in bare if not value.startswith("wildcards.")} <= ALLOWED


ALLOWED = {
    *("params.after_share", "params.context", "params.held_out", "params.least_fall", "params.limit", "params.number"),
    *("params.resamples", "params.seed", "params.seeds", "params.shares", "params.sizes", "params.steps"),
    *("params.again", "params.budget", "params.laws", "params.tokens", "params.worlds"),
}


@pytest.mark.parametrize("name", ["-a.yaml", "a{x}.yaml", "a<b>.yaml", "a\nb.yaml", ""])
def test_a_path_that_a_command_cannot_hold_is_refused_with_the_remedy(shipped, name):
    shipped["suites"]["mine"] = {"kind": "file", "file": name}
    with pytest.raises(UserError, match=r"suites\.mine\.file: .* is no such value.*is `\./-a\.yaml`"):
        check.check(shipped, ROOT / "workflow/schemas/config.schema.yaml")


@pytest.mark.parametrize("place", ["sources", "strategies", "experiments", "models", "tokenizers", "suites"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_holds_what_a_shell_or_a_page_would_read(shipped, place, text):
    block = shipped.setdefault(place, {})
    block[text] = copy.deepcopy(next(iter(block.values()), {}))
    with pytest.raises(UserError, match=r"cannot be a name here|unknown key|Write"):
        check.check(shipped, ROOT / "workflow/schemas/config.schema.yaml")


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.chdir(ROOT)
    return copy.deepcopy(CONFIG)


CONFIG = read_yaml(ROOT / "config.yaml")


def test_the_words_of_a_command_reach_the_script_through_a_real_shell(tmp_path):
    """As rules do it: quoted by Snakemake, given on the command line or by standard input."""
    from snakemake.utils import format as quoted

    script = tmp_path / "show.py"
    script.write_text("import sys, json; print(json.dumps(sys.argv[1:] + sys.stdin.read().split('\\0')[:-1]))")
    words = quoted("{words:q}", words=HOSTILE)
    shell = f"printf '%s\\0' {words} | python {script} {words}"
    ended = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=True)
    import json

    assert json.loads(ended.stdout) == HOSTILE * 2
    assert [path.name for path in tmp_path.iterdir()] == ["show.py"]
