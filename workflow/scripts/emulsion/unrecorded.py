"""What jobs made when no call of Snakemake was left to record it: models are kept, the rest is made anew.

Snakemake knows by a record what a file was made from. A call that was killed records nothing of the jobs that go on
without it, orphans or those on a cluster. Files of such a job lack the record, or have that of an earlier one, so that
an edit of the configuration would pass unseen. They are marked as unfinished, and so made anew. A model is hours of
work: it is laid beside the run's checkpoints, where the next try finds it; whether it is the same, the run's identity
decides. So is one whose job fails, or is run again by SLURM, in the seconds between its last byte and the job's end.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulsion.clock import made_since
from emulsion.errors import UserError
from emulsion.files import read_object, remove_folder, whole_folder, without_remedy
from emulsion.refusals import CALL
from emulsion.trust import check_model

log = logging.getLogger(__name__)

# Where Snakemake keeps its records, and marks files of jobs whose end it has not seen (9.27: `persistence.file`).
RECORDS, MARKS = Path(".snakemake/metadata"), Path(".snakemake/incomplete")
MADE = ("data", "mixtures", "models", "results", "law_results", "figures")
MODELS, CHECKPOINTS = Path("models"), Path("checkpoints")
FINISHED = "finished"
RUN = "run.json"
_LONGEST = 254  # of a part of a mark's name
_SAME = 1.0  # seconds between a file's time and the one that its record has


def keep_models(since: float) -> list[str]:
    """Mark what was made after a time and is not recorded, and lay finished models beside their checkpoints.

    since: when the call began that was killed. For the start of a call, when no job of an earlier one is left. Returns
    the names of the models.
    """
    for file in _unrecorded(since):
        mark = _place(MARKS, file)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps({"external_jobid": None}))
    kept = []
    for record in sorted(_marked()):
        folder = record.parent
        if record.name != RUN or folder.parent != MODELS or not _is_there(record):
            continue
        _lay_aside(folder)
        kept.append(folder.name)
    return kept


def _lay_aside(folder: Path) -> None:
    place = CHECKPOINTS / folder.name / FINISHED
    place.parent.mkdir(parents=True, exist_ok=True)
    remove_folder(place)
    shutil.move(folder, place)  # which may be on another disk


def keep_from_snakemake(logger: logging.Logger, workflow: Any) -> None:
    """From now on lay aside a model that jobs of this call have finished where Snakemake would delete it.

    It does when it sees a job fail, and within a job on a cluster before the job begins.
    """
    if all(handler.name != _KEEPING for handler in logger.handlers):
        logger.addHandler(_Keeping(workflow))


_KEEPING = "emulsion.unrecorded"


class _Keeping(logging.Handler):
    def __init__(self, workflow: Any) -> None:
        super().__init__(logging.INFO)
        self.name = _KEEPING
        self._workflow = workflow
        # Older ones are of an earlier call: what is made again in their place is to be made.
        self._since = int(os.environ[CALL].rpartition("-")[2])

    def emit(self, record: logging.LogRecord) -> None:
        is_driver = self._workflow.is_main_process
        if getattr(record, "event", None) != ("job_error" if is_driver else "job_info"):
            return
        if not is_driver:
            # Only the driver knows whether a job has failed: on a node that SLURM gave up, one may end in an error when
            # another has long made the same files. These settings are not there yet while rules are read.
            self._workflow.execution_settings.keep_incomplete = True
        for file in map(Path, getattr(record, "output", None) or ()):
            with suppress(OSError):  # a full disk, or another job of this run was first: it is as if this were not here
                if file.name == RUN and file.parent.parent == MODELS and file.stat().st_mtime_ns >= self._since:
                    _lay_aside(file.parent)


def take_model(checkpoints: Path, output: Path, identity: str) -> bool:
    """Whether a finished model of this identity lay beside the checkpoints; it is `output` then, and they are gone."""
    place = checkpoints / FINISHED
    if not (place / RUN).is_file():
        return False
    try:
        if read_object(place / RUN, ("identity",))["identity"] != identity:
            return False
        check_model(place)
    except UserError as error:
        log.warning("%s It is not used.", without_remedy(error))
        return False
    with whole_folder(output) as part:
        for file in place.iterdir():  # copied, so that a kill leaves it whole in one of the places; and so made now
            shutil.copyfile(file, part / file.name)
    remove_folder(checkpoints)
    log.info("%s: was finished by an earlier job, whose success Snakemake did not see", output)
    return True


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name that no file can have
        return False


def _unrecorded(since: float) -> Iterator[Path]:
    """Files made after a time whose record is missing or of an earlier one."""
    if not RECORDS.is_dir():
        return
    for made, file in made_since(MADE, since):
        if abs(made / 1e9 - _recorded(file)) > _SAME:
            yield file


def _recorded(file: Path) -> float:
    """The time of the file that was recorded last under this name; 0 for none."""
    try:
        return float(json.loads(_place(RECORDS, file).read_text())["endtime"] or 0.0)
    except (OSError, ValueError, KeyError):
        return 0.0


def _place(folder: Path, file: Path) -> Path:
    """Where Snakemake keeps what it knows of a file: its name encoded, in parts where that is long."""
    name = urlsafe_b64encode(file.as_posix().encode()).decode()
    parts = [name[at : at + _LONGEST] for at in range(0, len(name), _LONGEST)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])


def _marked() -> Iterator[Path]:
    """The files that are marked: their names are the marks' paths, encoded and cut where they are long."""
    for mark in MARKS.rglob("*"):
        if mark.is_file():
            parts = [part.removeprefix("@") for part in mark.relative_to(MARKS).parts]
            try:
                yield Path(urlsafe_b64decode("".join(parts)).decode())
            except ValueError:  # no mark of Snakemake's
                continue
