"""The options the figure scripts share: the files of runs in, one PNG out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from matplotlib.figure import Figure

from emulsion.analysis.identity import same_mixtures
from emulsion.command import Some, options
from emulsion.errors import UserError
from emulsion.figures.style import save
from emulsion.files import read_object

T = TypeVar("T")


@options
@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """One file per run, to be drawn by name; a name given several times is a mixture's several seeds.

    :param runs: names, in the order to draw
    :param inputs: one file per name
    :param output: the PNG to write
    :param records: run.json of each run; where given, mixtures with the same runs are drawn once, as 'A = B'
    """

    runs: Some[str]
    inputs: Some[Path]
    output: Path
    records: Sequence[Path] = ()

    def draw(self, read: Callable[[Path], T], draw: Callable[[Mapping[str, list[T]]], Figure]) -> None:
        """Read the files, draw them, save."""
        groups = _groups(self.runs, self.inputs, self.records)
        save(draw({name: [read(path) for path in paths] for name, paths in groups.items()}), self.output)

    def draw_first(self, read: Callable[[Path], T], draw: Callable[[Mapping[str, T]], Figure]) -> None:
        """The same of the first seed of each mixture, whose file is read when it is looked at: logs may be large."""
        groups = _groups(self.runs, self.inputs, self.records)
        save(draw(_ReadLate({name: paths[0] for name, paths in groups.items()}, read)), self.output)


@options
@dataclass(frozen=True, kw_only=True)
class Record:
    """One JSON file, to be drawn.

    :param input: the JSON file to draw
    :param output: the PNG to write
    """

    input: Path
    output: Path

    def draw(self, draw: Callable[[Mapping[str, Any]], Figure]) -> None:
        """Read the file, draw it, save."""
        save(draw(read_object(self.input)), self.output)


class _ReadLate(Mapping[str, T]):
    """What files hold, by name; nothing of it is kept."""

    def __init__(self, files: Mapping[str, Path], read: Callable[[Path], T]) -> None:
        self._files, self._read = files, read

    def __getitem__(self, name: str) -> T:
        return self._read(self._files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _groups(runs: Sequence[str], inputs: Sequence[Path], records: Sequence[Path]) -> dict[str, list[Path]]:
    if len(runs) != len(inputs):
        raise UserError(f"--runs names {len(runs)} runs, --inputs {len(inputs)} files; they go in pairs.")
    names, kept = list(runs), list(range(len(runs)))
    if records:
        same = same_mixtures(runs, [read_object(record)["identity"] for record in records])
        names, kept = [same.labels[same.first[run]] for run in runs], list(same.kept)
    groups: dict[str, list[Path]] = {}
    for position in kept:
        groups.setdefault(names[position], []).append(inputs[position])
    return groups
