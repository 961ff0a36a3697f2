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
