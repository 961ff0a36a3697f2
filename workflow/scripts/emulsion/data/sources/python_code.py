"""What a Python file is made of: its docstrings, and its code without them."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping

from emulsion.data.sources.streams import Malformed

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(data: bytes) -> str | Malformed:
    """The docstrings of a file, each of a class or function under its qualified name; Malformed where there is none."""
    parsed = _parse(data)
    if isinstance(parsed, Malformed):
        return parsed
    texts = [
        "\n".join(filter(None, (name, docstring)))
        for name, node in _documented(parsed[1])
        if (docstring := ast.get_docstring(node))
    ]
    return "\n\n".join(texts) if texts else Malformed("no docstrings")


def without_docstrings(data: bytes) -> str | Malformed:
    """The source without its docstrings, comments kept; `...` stands where nothing else is left of a body."""
    parsed = _parse(data)
    if isinstance(parsed, Malformed):
        return parsed
    source, tree = parsed
    encoded = source.encode()
    starts = [0]
    for line in encoded.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    for _, node in reversed(list(_documented(tree))):
        statement = node.body[0]
        start = starts[statement.lineno - 1] + statement.col_offset
        stop = starts[(statement.end_lineno or statement.lineno) - 1] + (statement.end_col_offset or 0)
        encoded = _cut(encoded, start, stop, is_needed=len(node.body) == 1 and not isinstance(node, ast.Module))
    return encoded.decode()


def _cut(source: bytes, start: int, stop: int, is_needed: bool) -> bytes:
    """Source without a statement, and without its lines where nothing else is on them."""
    if is_needed:
        return source[:start] + b"..." + source[stop:]
    line_start = source.rfind(b"\n", 0, start) + 1
    line_stop = source.find(b"\n", stop) + 1 or len(source)
    if source[line_start:start].strip() or source[stop:line_stop].strip():
        return source[:start] + b"..." + source[stop:]
    return source[:line_start] + source[line_stop:]


def _documented(tree: ast.Module) -> Iterator[tuple[str, Documented]]:
    """(qualified name, node) of all in a file that have a docstring, in the order of the source."""
    left: list[tuple[str, ast.AST]] = [("", tree)]  # no recursion: each `elif` lies within the one before
    while left:
        prefix, node = left.pop()
        if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
            yield prefix, node
        for child in reversed(list(ast.iter_child_nodes(node))):
            if isinstance(child, (ast.stmt, ast.excepthandler, ast.match_case)):  # expressions hold no docstrings
                name = getattr(child, "name", None) if isinstance(child, Documented) else None
                left.append((".".join(filter(None, (prefix, name))), child))


def _parse(data: bytes) -> tuple[str, ast.Module] | Malformed:
    """(source with line ends as ast counts them, its tree)."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        source = io.StringIO(data.decode(encoding), newline=None).read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return source, ast.parse(source)
    except UnicodeDecodeError as error:
        return Malformed(f"not valid {error.encoding}")
    except LookupError:
        return Malformed("its coding line names no encoding of text")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Malformed(f"not Python that this version reads: {getattr(error, 'msg', None) or type(error).__name__}")


EXTRACTS: Mapping[str, Callable[[bytes], str | Malformed]] = {
    "code": without_docstrings,
    "docstrings": docstrings,
}
