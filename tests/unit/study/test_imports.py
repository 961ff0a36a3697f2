"""What a script is made of, by reading imports."""

import ast
from pathlib import Path

import pytest

from emulsion.study.imports import _names, imports_of

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    files = {
        "emulsion/__init__.py": "",
        "emulsion/a.py": "def late():\n    from emulsion.room import c\n",
        "emulsion/b.py": "import json\n",
        "emulsion/room/__init__.py": "from emulsion.room.d import x\n",
        "emulsion/room/c.py": "import emulsion.a\n",  # a circle ends
        "emulsion/room/d.py": "x = 1\n",
        "script.py": "from emulsion import a\n",
        "other.py": "import emulsion.b\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def names(scripts: Path, script: str) -> list[str]:
    return [str(file.relative_to(scripts)) for file in imports_of(scripts / script)]


def test_imports_are_followed_through_packages_and_functions_and_circles_end(scripts):
    reached = ["__init__", "a", "room/__init__", "room/c", "room/d"]
    assert names(scripts, "script.py") == [f"emulsion/{name}.py" for name in reached]


def test_what_is_not_imported_is_left_out(scripts):
    assert names(scripts, "other.py") == ["emulsion/__init__.py", "emulsion/b.py"]


def test_relative_imports_and_those_of_several_lines_are_followed(scripts):
    (scripts / "emulsion/room/e.py").write_text("from . import c\nfrom ..b import (\n    x,  # one\n    y as z,\n)\n")
    (scripts / "script.py").write_text("import json, \\\n    emulsion.room.e as e\n")
    reached = ["__init__", "a", "b", "room/__init__", "room/c", "room/d", "room/e"]
    assert names(scripts, "script.py") == [f"emulsion/{name}.py" for name in reached]


@pytest.mark.parametrize(
    "statement",
    [
        "from x import (  # of a (b), or c\n    c,  # d)\n    e as f,\n)",
        "import a; import b.c as d",
        "if True: from q import r",
        "try: import s\nexcept ImportError: import t as u; from v import *",
        "from . import k\nfrom .m import n; from ..o import p",
        "from u \\\n    import v, \\\n    w",
        "def f():\n\tfrom .import z\n\timport aa, bb  # cc, dd",
        "from g import(h)",
    ],
)
def test_every_form_of_an_import_is_found(statement, tmp_path):
    file = tmp_path / "file.py"
    file.write_text(statement)
    assert set(_names(file, ("emulsion", "room"))) == parsed(file, ("emulsion", "room"))


def parsed(file, package):
    """The names of its imports as Python's own parser finds them."""
    found = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join([*above, *filter(None, [node.module])])
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("file", sorted(SCRIPTS.rglob("*.py")), ids=lambda file: str(file.relative_to(SCRIPTS)))
def test_reading_finds_what_parsing_finds(file):
    package = file.parent.relative_to(SCRIPTS).parts
    assert set(_names(file, package)) >= parsed(file, package)


def test_what_is_read_is_what_python_loads():
    """Every module that is loaded when a real script is imported was found by reading."""
    import subprocess
    import sys

    code = (
        "import sys, recommend; print(*(m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'emulsion'))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True)
    assert set(map(Path, loaded.stdout.split())) <= set(imports_of(SCRIPTS / "recommend.py"))
