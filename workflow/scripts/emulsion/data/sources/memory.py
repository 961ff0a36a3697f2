"""How much memory files from elsewhere may take while they are read, whatever they unfold to."""

from __future__ import annotations

import errno
import os
import resource
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

# Far above what rows of 64 MB need; the largest thing that is held is one record batch of an Arrow file.
MOST_BYTES = 4 << 30
ROOM = 256 << 20  # more than a row of a sound file needs


def bound_memory(most: int = MOST_BYTES) -> None:
    """Let this process take `most` more bytes at most; a row that needs more then fails with MemoryError.

    The number of values in a row of Parquet, or in a compressed buffer of Arrow, is known only once it is unfolded, so
    no look at a file's sizes bounds it. Where a lower limit is set already, that one stays. Linux counts heap and
    anonymous maps; other systems may not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _taken() + most
    known = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *known]), hard))


def blame_row(error: Exception) -> None:
    """Raise MemoryError where memory was short and no row is to blame: other things had left little of the limit.

    Arrow keeps what it has had once, so that counts as free. Errors of another kind pass.
    """
    short = isinstance(error, MemoryError) or os.strerror(errno.EAGAIN) in str(error)  # no room for a thread's stack
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if short and soft != resource.RLIM_INFINITY and soft - _taken() + pa.default_memory_pool().max_memory() < ROOM:
        raise MemoryError(*error.args) from error


def most_of_machine(group: Path = Path("/sys/fs/cgroup/memory.max")) -> int:
    """Three quarters of the machine, or of what a container or job may have of it, but no less than rows may need.

    For what holds more than rows, such as the hashes of all documents of a merge.
    """
    there = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    with suppress(OSError, ValueError):  # no such limit, or none set ("max")
        there.append(int(group.read_text(encoding="ascii")))
    return max(MOST_BYTES, min(there) * 3 // 4)


def _taken() -> int:
    """Bytes that count towards the limit by now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * resource.getpagesize()
