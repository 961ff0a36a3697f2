"""The training log: one JSON line a step, kept through kills and resumes."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.files import read_jsonl, write_jsonl

SPIKE_WINDOW = 64  # steps that the noise of a step is taken from, at most
SPIKE_LEAST = 6  # and at least
SPIKE_LEVEL = 8  # steps that the level is taken from
SPIKE_DEVIATIONS = 6.0
SPIKE_FLOOR = 0.02  # of the level
_MEDIAN_STEP = 0.954  # median of |x - y| for independent x and y of standard deviation 1


class TrainingLog:
    """Rows {step, tokens, loss, ...}, appended as they come; a row whose loss leaps is marked `spike`."""

    def __init__(self, path: Path, last_step: int) -> None:
        """Open the log of a run that goes on after `last_step`: later rows, of steps to be done again, go."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.rows = [row for row in _whole_rows(path) if row["step"] <= last_step]
        write_jsonl(path, self.rows)
        self._recent = deque((row["loss"] for row in self.rows[-SPIKE_WINDOW:]), maxlen=SPIKE_WINDOW)

    def append(self, row: dict[str, Any]) -> None:
        if is_spike(row["loss"], list(self._recent)):
            row["spike"] = True
        self._recent.append(row["loss"])
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row, allow_nan=False) + "\n")

    @property
    def spikes(self) -> list[int]:
        """The steps at which the loss leapt."""
        return [row["step"] for row in self.rows if row.get("spike")]


def is_spike(loss: float, recent: Sequence[float]) -> bool:
    """Whether a loss lies far above those of the steps before, of which six are enough.

    Above the median of the last eight by six standard deviations of a step, which are taken from the median of the
    differences between neighbouring steps: so neither the fall at the start nor an earlier spike hides one. A leap
    below 2 % is none.
    """
    if len(recent) < SPIKE_LEAST:
        return False
    steps = statistics.median(abs(after - before) for before, after in itertools.pairwise(recent))
    level = statistics.median(recent[-SPIKE_LEVEL:])
    return loss > level + max(SPIKE_DEVIATIONS * steps / _MEDIAN_STEP, SPIKE_FLOOR * level)


def spike_steps(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The steps of a log whose loss leapt; a loss that is not finite is passed over."""
    recent: deque[float] = deque(maxlen=SPIKE_WINDOW)
    found = []
    for row in rows:
        loss = row["loss"]
        if loss is None or not math.isfinite(loss):
            continue
        if is_spike(loss, list(recent)):
            found.append(row["step"])
        recent.append(loss)
    return found


def _whole_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a log whose last line a kill may have cut."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    path.write_text(whole, encoding="utf-8")
    return read_jsonl(path)
