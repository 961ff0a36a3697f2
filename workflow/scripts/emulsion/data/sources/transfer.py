"""Bytes over HTTP that are not asked for twice: byte ranges, downloads and fetches that resume where they were cut.

The hub's own file download is not used: it starts a file again from nothing after a kill, and retries neither a reset
connection nor a server's error.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub.utils import get_session, hf_raise_for_status
from tqdm import tqdm

from emulsion.data.sources.network import ShortReadError, patiently, progress_bar
from emulsion.errors import UserError
from emulsion.files import fingerprint, naming, publish, read_json, read_note, write_json
from emulsion.files import sha256 as sha256_of

Part = dict[str, Any]  # {name, rows, size: what it counts against the limit, ...}


class RemoteFile(io.RawIOBase):
    """A file behind a URL, read by ranges; each range is retried on its own. Its size in bytes must be known."""

    def __init__(self, url: str, size: int, headers: Mapping[str, str], what: str) -> None:
        self._url, self._size, self._headers, self._what = url, size, headers, what
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def size(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def read(self, size: int = -1) -> bytes:
        start = self._position
        stop = self._size if size is None or size < 0 else min(start + size, self._size)
        if stop <= start:
            return b""
        content = patiently(lambda: self._fetch(start, stop), self._what)
        self._position = stop
        return content

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def _fetch(self, start: int, stop: int) -> bytes:
        headers = {**self._headers, "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        with get_session().stream("GET", self._url, headers=headers) as response:
            hf_raise_for_status(response)
            if response.status_code != 206 and stop - start != self._size:
                raise UserError(f"{self._what}: the server does not give parts of a file, so it cannot be sampled.")
            content: bytes = response.read()
        if len(content) != stop - start:
            raise ShortReadError(f"{len(content)} bytes came where {stop - start} were due")
        return content


def download_file(
    url: str, what: str, target: Path, headers: Mapping[str, str], size: int | None = None, sha256: str | None = None
) -> None:
    """Download a file to `target`, whole or not at all; a partial file beside it is continued.

    what: what the file is called in messages. size: bytes it must have, else what the server announces. Without a
    checksum to settle it, a partial file is continued only where the server says that the file is still the one it was
    (a strong ETag in `If-Range`).
    Raises UserError where the checksum differs, and the last error where attempts ran out.
    """
    if target.exists():
        return
    partial, tag = target.with_name(f".{target.name}.partial"), target.with_name(f".{target.name}.etag")
    with progress_bar(what, size, "B", unit_scale=True) as bar:
        patiently(
            lambda: _continue(url, partial, tag, headers, size, sha256 is not None, bar),
            what,
            lambda: _length(partial),
        )
    if sha256 is not None and (found := sha256_of(partial)) != sha256:
        partial.unlink()
        raise UserError(f"{what}: its SHA-256 is {found}, not {sha256}; what came is discarded, try again.")
    tag.unlink(missing_ok=True)
    publish(partial, target)


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _continue(
    url: str, partial: Path, tag: Path, headers: Mapping[str, str], size: int | None, trusted: bool, bar: tqdm[None]
) -> None:
    have = _length(partial)
    if size is not None and have == size > 0:
        return
    asked = {**headers, "Accept-Encoding": "identity"}
    if have and (trusted or tag.exists()):
        asked["Range"] = f"bytes={have}-"
        if not trusted:
            asked["If-Range"] = tag.read_text()
    with get_session().stream("GET", url, headers=asked) as response:
        if response.status_code == 416:
            partial.unlink()
            raise ShortReadError(f"{have} bytes came, more than the file has")
        hf_raise_for_status(response)
        if url.startswith("https:") and response.url.scheme != "https":
            raise UserError(f"{url}: leads to an address without https; it is refused.")
        resumed = response.status_code == 206
        etag = response.headers.get("ETag", "")
        if etag.startswith('"'):
            tag.write_text(etag)
        elif not resumed:
            tag.unlink(missing_ok=True)
        announced = _announced(response.headers)
        due = size if size is not None else announced and announced + (have if resumed else 0)
        bar.total, bar.n = due, have if resumed else 0
        with naming(partial), partial.open("ab" if resumed else "wb") as out:
            for chunk in response.iter_bytes():
                out.write(chunk)
                bar.update(len(chunk))
    if due is not None and _length(partial) != due:
        message = f"truncated: {_length(partial)} of {due} bytes came"
        if _length(partial) > due:
            partial.unlink()
        raise ShortReadError(message)


def _announced(headers: Mapping[str, str]) -> int | None:
    """Length of the body in bytes, None where the server does not say or packs it."""
    if headers.get("Content-Encoding", "identity") != "identity" or "Content-Length" not in headers:
        return None
    return int(headers["Content-Length"])


class Download:
    """The plan and the finished parts of one folder."""

    def __init__(self, folder: Path, plan: dict[str, Any], parts: list[Part]) -> None:
        self.folder, self.plan, self.parts = folder, plan, parts

    @classmethod
    def open(cls, folder: Path, request: dict[str, Any], settle: Callable[[], dict[str, Any]]) -> Download:
        """Go on with the same request, else empty the folder and settle a plan.

        request: everything that decides the result; settle: resolves it, such as a branch to a commit. A later try
        keeps what the first one settled, though the branch may have moved meanwhile.
        """
        asked, plan_file = fingerprint(request), folder / ".plan.json"
        if (kept := read_note(plan_file, ("asked", "plan"))) and kept["asked"] == asked:
            parts_file = folder / ".parts.json"
            download = cls(folder, kept["plan"], read_json(parts_file) if parts_file.exists() else [])
            download._remove_rest()
            return download
        clear(folder)
        plan = settle()
        write_json(plan_file, {"asked": asked, "plan": plan})
        return cls(folder, plan, [])

    @property
    def size(self) -> int:
        """What the finished parts count against the limit."""
        return sum(part["size"] for part in self.parts)

    def add(self, part: Part) -> None:
        """Record a part that is whole."""
        self.parts.append(part)
        write_json(self.folder / ".parts.json", self.parts)

    def _remove_rest(self) -> None:
        """What a kill left half written."""
        for entry in list(self.folder.rglob(".*.part")):
            remove(entry)


def clear(folder: Path) -> None:
    """Remove everything in a folder."""
    for entry in folder.iterdir():
        remove(entry)


def clear_hidden(folder: Path) -> None:
    """Leave nothing in a folder but what was fetched."""
    for entry in folder.glob(".*"):
        remove(entry)


def remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
