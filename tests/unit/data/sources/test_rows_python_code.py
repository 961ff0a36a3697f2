import ast
import sysconfig
from pathlib import Path

import pytest

from emulsion.data.sources.python_code import docstrings, without_docstrings
from emulsion.data.sources.streams import Malformed

SOURCE = '''#!/usr/bin/env python
"""Shapes.

    Indented.
"""
import math  # kept


class Circle:
    """A circle."""

    def area(self):
        """Its area, in é²."""
        return math.pi


    def only(self): """Documented on one line."""


def outer():
    r"""Raw \\d."""; x = 1
    def inner():
        "Nested."
    return "not a docstring"
'''


def test_docstrings_stand_in_order_under_their_qualified_names():
    assert docstrings(SOURCE.encode()) == (
        "Shapes.\n\nIndented.\n\nCircle\nA circle.\n\nCircle.area\nIts area, in é².\n\n"
        "Circle.only\nDocumented on one line.\n\nouter\nRaw \\d.\n\nouter.inner\nNested."
    )


def test_code_is_the_source_without_its_docstrings():
    assert without_docstrings(SOURCE.encode()) == (
        "#!/usr/bin/env python\nimport math  # kept\n\n\nclass Circle:\n\n    def area(self):\n        return math.pi\n"
        "\n\n    def only(self): ...\n\n\ndef outer():\n    ...; x = 1\n    def inner():\n        ...\n"
        '    return "not a docstring"\n'
    )


def stripped(tree):
    """The tree without docstrings, and without the `...` that may stand for one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            is_docstring = ast.get_docstring(node, clean=False) is not None
            if is_docstring or (node.body and ast.unparse(node.body[0]) == "..."):
                del node.body[0]
    return ast.dump(tree)


STDLIB = Path(sysconfig.get_path("stdlib"))
FILES = sorted(STDLIB.glob("*.py"))[::9] + sorted(STDLIB.glob("asyncio/*.py"))[::4]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_code_of_the_standard_library_means_the_same_without_its_docstrings(file):
    data = file.read_bytes()
    code = without_docstrings(data)
    tree = ast.parse(code)
    assert stripped(tree) == stripped(ast.parse(data))
    assert docstrings(code.encode()) == Malformed("no docstrings")


def test_the_encoding_that_a_file_declares_is_believed():
    data = '# -*- coding: latin-1 -*-\n"""Café."""\n'.encode("latin-1")
    assert docstrings(data) == "Café."
    assert docstrings('"""Coffee."""\n\n\n# Café\n'.encode("latin-1")) == Malformed("not valid utf-8")


def test_line_ends_of_other_systems_do_not_shift_what_is_cut():
    assert without_docstrings(b'def f():\r\n    """One."""\r\n    return 1\r\n') == "def f():\n    return 1\n"


def test_an_expression_that_nests_by_the_thousand_is_no_trouble():
    data = ('"""Doc."""\nx = ' + " + ".join(["1"] * 2000) + "\n").encode()
    assert docstrings(data) in ("Doc.", Malformed("not Python that this version reads: RecursionError"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x = 1\n", "no docstrings"),
        (b'""""""\nx = 1\n', "no docstrings"),
        (b"print 'Python 2'\n", "not Python that this version reads: "),
        (b"x = 1\0\n", "not Python that this version reads: "),
        (b"(" * 5000, "not Python that this version reads: "),
        (b"# coding: nonsense\n", "not Python that this version reads: "),
        *(
            (f'# -*- coding: {codec} -*-\n"""Doc."""\n'.encode(), "its coding line names no encoding of text")
            for codec in ("rot13", "hex", "base64", "zlib", "bz2", "uu", "quopri")
        ),
        *((f'# -*- coding: {codec} -*-\n"""Doc."""\n'.encode(), "not ") for codec in ("undefined", "utf-16", "utf-32")),
    ],
)
def test_a_file_without_docstrings_to_take_says_why(data, reason):
    found = docstrings(data)
    assert isinstance(found, Malformed)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    "statement",
    [
        "if x == 0:\n    pass\n" + "".join(f"elif x == {number}:\n    pass\n" for number in range(1, 1100)),
        "try:\n    pass\n" + "".join(f"except E{number}:\n    pass\n" for number in range(1100)),
    ],
)
def test_branches_by_the_thousand_are_no_trouble(statement):
    data = f'"""Doc."""\nx = 1\n{statement}else:\n    def f():\n        "Last."\n'.encode()
    assert docstrings(data) == "Doc.\n\nf\nLast."
    assert without_docstrings(data) == f"x = 1\n{statement}else:\n    def f():\n        ...\n"
