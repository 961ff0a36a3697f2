"""The command line the figure scripts share: the files of runs in, one PNG out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from matplotlib.figure import Figure

from emulsion import command
from emulsion.errors import UserError
from emulsion.figures.style import save
from emulsion.files import read_json

T = TypeVar("T")


def draw_figure(
    description: str | None,
    read: Callable[[Path], T],
    draw: Callable[[Mapping[str, list[T]]], Figure],
    arguments: Sequence[str] | None = None,
) -> None:
    """Read one file per run, draw the runs by name, save; a name given several times is a mixture's several seeds."""

    def main() -> None:
        options = _parser(description).parse_args(arguments)
        groups = _groups(options.runs, options.inputs)
        save(draw({name: [read(path) for path in paths] for name, paths in groups.items()}), options.output)

    command.run(main)


def draw_record(
    description: str | None, draw: Callable[[Mapping[str, Any]], Figure], arguments: Sequence[str] | None = None
) -> None:
    """Read one JSON file, draw it, save."""

    def main() -> None:
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--input", required=True, type=Path, metavar="JSON", help="the file to draw")
        parser.add_argument("--output", required=True, type=Path, metavar="PNG", help="the figure to write")
        options = parser.parse_args(arguments)
        save(draw(read_json(options.input)), options.output)

    command.run(main)


def first_seeds(draw: Callable[[Mapping[str, T]], Figure]) -> Callable[[Mapping[str, list[T]]], Figure]:
    """The same drawing of the first run of each name."""
    return lambda runs: draw({name: values[0] for name, values in runs.items()})


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", nargs="+", required=True, metavar="NAME", help="in the order to draw")
    parser.add_argument("--inputs", nargs="+", required=True, type=Path, metavar="FILE", help="one per name")
    parser.add_argument("--output", required=True, type=Path, metavar="PNG", help="the figure to write")
    return parser


def _groups(runs: Sequence[str], inputs: Sequence[Path]) -> dict[str, list[Path]]:
    if len(runs) != len(inputs):
        raise UserError(f"--runs names {len(runs)} runs, --inputs {len(inputs)} files; they go in pairs.")
    groups: dict[str, list[Path]] = {}
    for run, path in zip(runs, inputs, strict=True):
        groups.setdefault(run, []).append(path)
    return groups
