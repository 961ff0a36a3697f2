"""Models that were finished when no call of Snakemake was left to record it.

Snakemake makes anew, and first deletes, what a job made whose end it has not seen: when it was killed while the job, an
orphan or one on a cluster, went on. Hours of training would be done again. So such a model is laid beside the run's
checkpoints, where the next try of the same run finds it; whether it is the same, the run's identity decides.
"""

from __future__ import annotations

import logging
import os
import shutil
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path

from emulsion.errors import UserError
from emulsion.files import read_json, remove_folder, whole_folder
from emulsion.trust import check_model

log = logging.getLogger(__name__)

# Where Snakemake notes the files of jobs whose end it has not seen (9.27: `snakemake.persistence.file`).
MARKS = Path(".snakemake/incomplete")
MODELS, CHECKPOINTS = Path("models"), Path("checkpoints")
FINISHED = "finished"
RECORD = "run.json"


def keep_models() -> list[str]:
    """Lay each finished model that Snakemake would delete beside its checkpoints; returns their names.

    For the start of a call, when no job of an earlier one is left.
    """
    kept = []
    for record in sorted(_marked()):
        folder = record.parent
        if record.name != RECORD or folder.parent != MODELS or not _is_there(record):
            continue
        place = CHECKPOINTS / folder.name / FINISHED
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_folder(place)
        folder.rename(place)
        kept.append(folder.name)
    return kept


def take_model(checkpoints: Path, output: Path, identity: str) -> bool:
    """Whether a finished model of this identity lay beside the checkpoints; it is `output` then, and they are gone."""
    place = checkpoints / FINISHED
    if not (place / RECORD).is_file() or read_json(place / RECORD).get("identity") != identity:
        return False
    try:
        check_model(place)
    except UserError as error:
        log.warning("%s It is not used.", error)
        return False
    with whole_folder(output) as part:
        for file in place.iterdir():
            shutil.move(file, part / file.name)
            os.utime(part / file.name)  # made now, as its inputs may have been meanwhile
    remove_folder(checkpoints)
    log.info("%s: was finished when Snakemake was not there to record it", output)
    return True


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a name that no file can have
        return False


def _marked() -> Iterator[Path]:
    """The files that are marked: their names are the marks' paths, encoded and cut where they are long."""
    for mark in MARKS.rglob("*"):
        if mark.is_file():
            parts = [part.removeprefix("@") for part in mark.relative_to(MARKS).parts]
            try:
                yield Path(urlsafe_b64decode("".join(parts)).decode())
            except ValueError:  # no mark of Snakemake's
                continue
