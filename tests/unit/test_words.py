"""The words of the project: nothing cites a document that readers do not have, and every path in the docs exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRIVATE = re.compile(r"\bthe\s+requirements\b|\bwrite-ups?\b", re.IGNORECASE)
PUBLIC = re.compile(r"the\s+requirements(\.lock|\.txt)", re.IGNORECASE)
SUFFIXES = "py|smk|md|yaml|yml|json|rst|sh"
FOLDERS = "workflow|rules|docs|config|benchmarks|resources|profiles|envs|tests"
EXAMPLES = {"resources/suites/mine.yaml"}  # files that a reader is to write
PATH = re.compile(rf"(?<![\w./{{}}-])(?:{FOLDERS})/[\w./{{}}*-]+\.(?:{SUFFIXES})\b")
LINK = re.compile(r"\]\(([^)#:]+)\)")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if (ROOT / name).is_file()]


def text_of(name: str) -> str:
    """The text of a file; empty if it is not UTF-8."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def private_phrases(text: str) -> list[str]:
    return [found[0] for found in PRIVATE.finditer(text) if not PUBLIC.match(text, found.start())]


def concrete(text: str) -> list[str]:
    """Paths without placeholders or globs that are not examples."""
    return [path for path in PATH.findall(text) if not re.search(r"[{}*]", path) and path not in EXAMPLES]


DOCS = [name for name in tracked() if name == "README.md" or re.fullmatch(r"(docs|config)/\w+\.md", name)]


@pytest.mark.parametrize("text", ["as the" + " requirements say", "the\n" + "requirements'", "in the write" + "-up"])
def test_private_phrases_are_found(text):
    assert private_phrases(text)


def test_names_of_files_are_no_private_phrases():
    assert private_phrases("the requirements" + ".lock pins torch; memory requirements") == []


def test_no_file_cites_a_private_document():
    found = {name: private_phrases(text_of(name)) for name in tracked() if name != "tests/unit/test_words.py"}
    assert {name: phrases for name, phrases in found.items() if phrases} == {}


def test_placeholders_are_not_taken_for_paths():
    text = "`workflow/scripts/plot_{figure}.py`, `config/full.yaml`, `data/x/config/y.yaml`, `path/to/config/z.yaml`"
    assert concrete(text) == ["config/full.yaml"]


@pytest.mark.parametrize("name", DOCS)
def test_every_path_in_the_docs_exists(name):
    assert [path for path in concrete(text_of(name)) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", DOCS)
def test_every_relative_link_in_the_docs_leads_somewhere(name):
    folder = (ROOT / name).parent
    assert [link for link in LINK.findall(text_of(name)) if not (folder / link).exists()] == []
