"""The commands that the documents show run as they are typed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    file
    for pattern in ("*.md", "docs/*.md", "config/*.md", "config/*.yaml", "benchmarks/*.yaml")
    for file in ROOT.glob(pattern)
)
# Calls of Snakemake that run no job, or say by a profile where jobs run.
WITHOUT_CORES = (
    "-n",
    "--dry-run",
    "--report",
    "--dag",
    "--rulegraph",
    "--list-rules",
    "--lint",
    "--profile",
    "--unlock",
)


def commands(text: str) -> list[list[str]]:
    """The words of every call of snakemake, in a block or between backticks, each without what follows it."""
    quoted = re.findall(r"`((?:\.venv/bin/)?snakemake [^`]+)`", text)
    lines = re.findall(r"^(?:#  +)?((?:\.venv/bin/)?snakemake .*?)(?:  +#.*)?$", text, flags=re.MULTILINE)
    return [re.split(r"\s+", command.strip().replace("\\\n", " ")) for command in [*quoted, *lines]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_call_of_snakemake_says_how_many_cores_and_where_its_targets_begin(document):
    for words in commands(document.read_text()):
        if not {*WITHOUT_CORES, "--cores"} & {*words}:
            assert "--sdm" in words, f"{' '.join(words)}: runs jobs without --cores or --profile"
        if "--configfile" in words:
            files = words[words.index("--configfile") + 1 :]
            after = [word for word in files if not word.endswith((".yaml", "...")) or word.startswith("results")]
            assert not after or after[0].startswith("-"), f"{' '.join(words)}: `--` must be before the first target"


def test_the_documents_show_calls_of_snakemake():
    assert sum(len(commands(file.read_text())) for file in DOCUMENTS) > 20


def calls_of_python(text: str) -> set[tuple[str, tuple[str, ...]]]:
    """(script, its options) of every call of a script of the project, in a block or between backticks."""
    lines = re.findall(r"python ((?:benchmarks|workflow/scripts)/\w+\.py)([^`\n]*)", text.replace("\\\n", " "))
    return {(script, tuple(re.findall(r"--[a-z][a-z-]*", rest.partition("  #")[0]))) for script, rest in lines}


def finds_the_library(script: Path) -> bool:
    """Whether a script puts the library's folder on the path before it imports from it, itself or by one beside it."""
    before, needs, _ = script.read_text().partition("\nfrom emulsion")
    beside = (script.with_name(f"{name}.py") for name in re.findall(r"^(?:from|import) (\w+)", before, re.MULTILINE))
    return not needs or "sys.path.insert" in before or any(finds_the_library(each) for each in beside if each.is_file())


CALLS = sorted({call for file in DOCUMENTS for call in calls_of_python(file.read_text())})


@pytest.mark.parametrize(("script", "options"), CALLS, ids=[" ".join([script, *options]) for script, options in CALLS])
def test_every_call_of_a_script_has_options_that_it_takes_and_finds_the_library(script, options):
    source = (ROOT / script).read_text()
    assert script.startswith("workflow") or finds_the_library(ROOT / script)
    for option in set(options) - {"--help"}:
        name = option[2:].replace("-", "_")
        is_parsed = "argparse" in source and f'"{option}"' in source
        is_derived = "command.run(main)" in source and re.search(
            rf"^ +(?:\*, )?(?:.*, )?{name}: ", source, re.MULTILINE
        )
        assert is_parsed or is_derived, f"{script} takes no {option}"
    assert not ("argparse" in source and "command.run(" in source), f"{script}: two command lines"


def test_the_documents_show_calls_of_scripts():
    assert len(CALLS) > 8
