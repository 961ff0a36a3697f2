"""What a job was refused for, or fell over, so that Snakemake's next try of the same job ends at once.

Snakemake tries a failed job again whatever it failed of. A mistake in the configuration, the data or the code is there
at the next try too, and is found again minutes later, after imports, downloads and batches.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from emulsion.errors import UserError
from emulsion.files import fingerprint, read_note, write_json

# One call of Snakemake, as the Snakefile names it to all its jobs; unset where a script is called by hand.
CALL = "EMULSION_CALL"
# The last words of a job that would end the same if it were tried again; the driver looks for them in its log.
FINAL = "Not tried again, for it would end the same."
_FOLDER = Path(".snakemake/refused")
# Options whose value is another at every try.
_GROWING = ("--minutes",)


class RepeatedError(UserError):
    """What an earlier try of a job ended with."""


def repeat(command: Sequence[str]) -> None:
    """Raise RepeatedError with what the same command ended with in the same call of Snakemake."""
    file = _file(command)
    if CALL in os.environ and (said := read_note(file, ("call", "message"))) and said["call"] == os.environ[CALL]:
        raise RepeatedError(said["message"])


def remember(command: Sequence[str], message: str) -> None:
    """Note what a command ended with, and that it is final."""
    if CALL in os.environ:
        print(FINAL, file=sys.stderr)
        # Of a full disk the user learns from the error itself, and of a path that is no UTF-8.
        with suppress(OSError, UnicodeError):
            write_json(_file(command), {"call": os.environ[CALL], "message": message})


def _file(command: Sequence[str]) -> Path:
    values = [word for before, word in zip(["", *command], command, strict=False) if before not in _GROWING]
    return _FOLDER / f"{fingerprint(values)}.json"
