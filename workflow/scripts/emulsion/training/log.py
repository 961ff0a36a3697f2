"""The training log: one JSON line a step, kept through kills and resumes."""

from __future__ import annotations

import json
import math
from collections import deque
from pathlib import Path
from typing import Any

from emulsion.files import read_jsonl, write_jsonl

SPIKE_WINDOW = 64
SPIKE_DEVIATIONS = 6.0


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


def is_spike(loss: float, recent: list[float]) -> bool:
    """Whether a loss lies far above a full window of recent ones."""
    if len(recent) < SPIKE_WINDOW:
        return False
    mean = math.fsum(recent) / len(recent)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in recent) / len(recent))
    return loss > mean + SPIKE_DEVIATIONS * deviation


def _whole_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a log whose last line a kill may have cut."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    path.write_text(whole, encoding="utf-8")
    return read_jsonl(path)
