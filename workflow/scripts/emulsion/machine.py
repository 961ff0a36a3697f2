"""What a machine refuses, in words: a full or read-only disk, missing rights, a full memory."""

from __future__ import annotations

import errno
import os

_REMEDIES = {
    errno.ENOSPC: "The disk is full: free some of it, and start again.",
    errno.EDQUOT: "Your share of the disk is full: free some of it, and start again.",
    errno.EROFS: "The disk can only be read: mount it to be written, or work in another folder.",
    errno.EACCES: "You may not write or read there: change its rights (`chmod`), or work in another folder.",
    errno.EPERM: "You may not write or read there: change its rights (`chmod`), or work in another folder.",
    errno.EFBIG: "The file is larger than your limit or the disk allows: raise it (`ulimit -f`), or take another disk.",
    errno.ENOTDIR: "A file lies where a folder is to be: move it away.",
    errno.EISDIR: "A folder lies where a file is to be: move it away.",
    errno.EIO: "The disk fails: look at it before you go on.",
}
# What nobody but the user changes, so that the next try would meet it again. Of memory it gets more, and another
# machine's disk may be whole.
STAYING = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG),
    *(errno.ENOTDIR, errno.EISDIR),
)


def refused(error: Exception) -> str | None:
    """What it means for the user; None for an error of another kind.

    Other libraries raise errors of their own, which have the system's words but not its number.
    """
    if isinstance(error, MemoryError):
        return "Memory is full: give the job more (mem_mb), or lower micro_batch or the size of shards."
    if (found := number(error)) is None:
        return None
    # The outermost of what was being written (`files.naming`): within it are names that do not last.
    written = [*getattr(error, "__notes__", ())][-1:]
    where = getattr(error, "filename", None) or "".join(written) or error
    return f"{where}: {os.strerror(found)}. {_REMEDIES[found]} No file is left half-written."


def refused_elsewhere(said: str) -> str | None:
    """The same of an error that another program reports in these words."""
    found = next((each for each in _REMEDIES if os.strerror(each) in said), None)
    return None if found is None else f"{said.rstrip('. ')}. {_REMEDIES[found]}"


def number(error: Exception) -> int | None:
    """The system's number of an error that has a remedy, or None."""
    matching = (each for each in _REMEDIES if getattr(error, "errno", None) == each or os.strerror(each) in str(error))
    return next(matching, None)
