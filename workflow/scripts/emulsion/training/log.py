"""The training log: one JSON line a step, kept through kills and resumes."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import shutil
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulsion.errors import PassingError
from emulsion.files import json_line, make_folder, naming, read_jsonl, read_object, sha256, write_jsonl
from emulsion.trust import check_file

log = logging.getLogger(__name__)

SPIKE_WINDOW = 64  # steps that the noise of a step is taken from, at most
SPIKE_LEAST = 6  # and at least
SPIKE_LEVEL = 8  # steps that the level is taken from
SPIKE_DEVIATIONS = 6.0
SPIKE_FLOOR = 0.02  # of the level
_MEDIAN_STEP = 0.954  # median of |x - y| for independent x and y of standard deviation 1


class TrainingLog:
    """Rows {step, tokens, loss, ...}, appended as they come; a row whose loss leaps is marked `spike`.

    The rows in memory are what counts, and checkpoints have a copy of them: whatever happens to the file in between is
    noticed and mended.
    """

    def __init__(self, path: Path, saved: Path | None = None) -> None:
        """Open the log of a run that resumes from a checkpoint, with the rows that are saved there, or from its start.

        Rows of steps to be done again go.
        """
        make_folder(path.parent)
        self.path = path
        self.rows = read_jsonl(saved) if saved else []
        lines = list(map(json_line, self.rows))
        if self.rows and not _begins_with(path, "".join(lines)):
            log.warning("%s: rows are missing or changed; taken from %s", path, saved)
        self._digest = hashlib.sha256("".join(lines).encode())
        write_jsonl(path, self.rows)
        self._recent = deque((row["loss"] for row in self.rows[-SPIKE_WINDOW:]), maxlen=SPIKE_WINDOW)

    def append(self, row: dict[str, Any]) -> None:
        if is_spike(row["loss"], list(self._recent)):
            row["spike"] = True
        self._recent.append(row["loss"])
        self.rows.append(row)
        try:
            with naming(self.path), self.path.open("a", encoding="utf-8") as out:
                out.write(json_line(row))
        except FileNotFoundError:
            raise PassingError(
                f"{self.path.parent}: was removed while the run trained, with all that was saved; start again."
            ) from None
        self._digest.update(json_line(row).encode())

    def copy(self, target: Path) -> str:
        """Write the whole log to another file; returns the SHA-256 of it."""
        with suppress(FileNotFoundError):
            shutil.copyfile(self.path, target)
        if not target.exists() or sha256(target) != self._digest.hexdigest():
            log.warning("%s: rows are missing or changed; written again", self.path)
            for path in (self.path, target):
                write_jsonl(path, self.rows)
        return self._digest.hexdigest()

    @property
    def spikes(self) -> list[int]:
        """The steps at which the loss leapt."""
        return [row["step"] for row in self.rows if row.get("spike")]


def read_log(path: Path | str) -> list[dict[str, Any]]:
    """The rows of a finished run's log; raises UserError where it is not what the run's record has the hash of."""
    path = Path(path)
    record = path.with_name("run.json")
    if record.exists() and (wanted := read_object(record).get("files", {}).get(path.name)):
        check_file(path, wanted, record)
    return read_jsonl(path)


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


def _begins_with(path: Path, text: str) -> bool:
    return path.exists() and path.read_bytes().startswith(text.encode())
