import re
import shutil
import subprocess
import sys
from pathlib import Path

from emulsion.origin import code_version, different_code, own_python_first

LIBRARY = Path("workflow/scripts/emulsion")


def version_of(scripts):
    command = "from emulsion.origin import code_version; print(code_version())"
    return subprocess.run(
        [sys.executable, "-c", command], cwd=scripts, capture_output=True, text=True, check=True
    ).stdout


def test_code_is_known_by_its_release_its_commit_and_its_sources():
    found = code_version()
    assert re.fullmatch(r"[0-9a-f]{16}", found["library"])
    assert found["commit"] is None or re.fullmatch(r"[0-9a-f]{40}", found["commit"])


def test_an_edit_of_what_trains_is_another_library_and_a_copy_or_a_figure_is_not(tmp_path):
    edits = {"copy": None, "edited": "training/loop.py", "drawn": "figures/heatmap.py"}
    for name, file in edits.items():
        shutil.copytree(LIBRARY, tmp_path / name / "emulsion", ignore=shutil.ignore_patterns("__pycache__"))
        if file:
            with (tmp_path / name / "emulsion" / file).open("a") as module:
                module.write("# edited\n")
    library = code_version()["library"]
    assert library in version_of(tmp_path / "copy") and library not in version_of(tmp_path / "edited")
    assert library in version_of(tmp_path / "drawn")


def test_runs_of_edited_code_are_named():
    assert different_code({"a": "1", "b": "1"}) == different_code({}) == ""
    assert "b, c ran on other code than a" in different_code({"a": "1", "b": "2", "c": "2"})
    assert "and 2 more" in different_code({"a": "1"} | dict.fromkeys("bcdefgh", "2"))


def test_jobs_find_the_python_that_runs_the_workflow_first(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    own_python_first()
    assert shutil.which("python3") == str(Path(sys.executable).parent / "python3")
