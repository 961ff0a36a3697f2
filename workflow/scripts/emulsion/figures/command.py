"""The command line the figure scripts share: named runs in, one PNG out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from matplotlib.figure import Figure

from emulsion.errors import UserError
from emulsion.figures.style import save

T = TypeVar("T")


def main(
    description: str | None,
    read: Callable[[Path], T],
    draw: Callable[[Mapping[str, T]], Figure],
    arguments: Sequence[str] | None = None,
) -> int:
    """Read one file per run, draw, save; returns the exit status. A user's mistake is one line on stderr."""
    options = _parser(description).parse_args(arguments)
    try:
        pairs = _pairs(options.runs, options.inputs)
        save(draw({run: read(path) for run, path in pairs.items()}), options.output)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", nargs="+", required=True, metavar="NAME", help="in the order to draw")
    parser.add_argument("--inputs", nargs="+", required=True, type=Path, metavar="FILE", help="one per name")
    parser.add_argument("--output", required=True, type=Path, metavar="PNG", help="the figure to write")
    return parser


def _pairs(runs: Sequence[str], inputs: Sequence[Path]) -> dict[str, Path]:
    if len(runs) != len(inputs):
        raise UserError(f"--runs names {len(runs)} runs, --inputs {len(inputs)} files; they go in pairs.")
    pairs = dict(zip(runs, inputs, strict=True))
    if len(pairs) != len(runs):
        twice = sorted({run for run in runs if list(runs).count(run) > 1})
        raise UserError(f"--runs: {', '.join(twice)} named more than once.")
    return pairs
