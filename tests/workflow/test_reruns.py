"""An edited module makes again exactly what imports it."""

import re
import shutil

import pytest
from workflow_project import CONCLUSIONS, snakemake

from emulsion.study.imports import imports_of

# Each cheap script of the study reaches some of them and does not reach others (asserted below).
MODULES = ("analysis/compare", "analysis/trade_offs", "analysis/criteria", "figures/style", "study/account")


@pytest.fixture(scope="module")
def project(concluded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reruns") / "project"
    shutil.copytree(concluded, folder, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def cheap_scripts(project):
    """{rule: what its script imports, as paths from the project's root} of all rules that list their script."""
    text = "".join(file.read_text() for file in sorted((project / "rules").glob("*.smk")))
    names = re.findall(r'library=imports_of\("(\w+)"\)', text)
    return {
        name: {str(file.relative_to(project)) for file in imports_of(project / f"workflow/scripts/{name}.py")}
        for name in names
    }


@pytest.fixture(scope="module")
def made(project):
    """The rules whose files are there."""
    summary = snakemake(project, *CONCLUSIONS, "--cores", "1", "--summary").stdout
    return {line.split("\t")[2] for line in summary.splitlines() if line.count("\t") > 4}


def reasons(project):
    """{rule: the reasons of its jobs} in a dry run."""
    output = snakemake(project, *CONCLUSIONS, "--cores", "1", "-n").stdout
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\[|rule |localrule |Job stats)", output):
        rule, reason = re.match(r"(?:local)?rule (\w+):", block), re.search(r"reason: (.*)", block)
        if rule and reason:
            found[rule[1]] = found.get(rule[1], "") + reason[1]
    return found


def test_every_cheap_script_reaches_some_of_the_modules_and_not_others(cheap_scripts):
    files = {f"workflow/scripts/emulsion/{module}.py" for module in MODULES}
    for name, reached in cheap_scripts.items():
        assert files - reached, name


@pytest.mark.parametrize("module", MODULES)
def test_an_edited_module_makes_again_what_imports_it_and_nothing_else(project, cheap_scripts, made, module):
    file = f"workflow/scripts/emulsion/{module}.py"
    path = project / file
    before = path.read_bytes()
    importing = {rule for rule, reached in cheap_scripts.items() if file in reached}
    try:
        path.write_bytes(before + b"# edited\n")
        again = reasons(project)
    finally:
        path.write_bytes(before)
    assert importing & made <= again.keys()
    # A job after another that is made again has that as its only reason.
    named = {rule for rule, reason in again.items() if file in reason}
    assert named and named <= importing
    assert all("updated by another job" in reason for rule, reason in again.items() if rule not in named)
