"""Bytes over HTTP, patiently: retries with back-off, byte ranges, and downloads that go on where they were cut.

Everything goes through the session of `huggingface_hub`, so that its proxies, certificates and offline switch hold.
Its own file download is not used: it starts a file again from nothing after a kill, and retries neither a reset
connection nor a server's error.
"""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import get_session, hf_raise_for_status, parse_ratelimit_headers
from huggingface_hub.utils._http import hf_request_event_hook
from tqdm import tqdm

from emulsion.errors import UserError
from emulsion.files import sha256 as sha256_of

T = TypeVar("T")

TIMEOUT = 60.0  # seconds without a byte; the hub's client waits for ever unless told otherwise
ATTEMPTS = 6
LONGEST_PAUSE = 300.0  # seconds; a rate limit of the hub is over five minutes
RETRIED = (408, 429, 500, 502, 503, 504)


class ShortReadError(OSError):
    """A server gave fewer or more bytes than it announced."""


TRANSIENT = (HfHubHTTPError, httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError, ShortReadError)


def start_session() -> None:
    """Give the hub's client a time limit, and keep signed addresses of its storage out of the log."""

    def client() -> httpx2.Client:
        hooks = {"request": [hf_request_event_hook]}
        return httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=TIMEOUT)

    huggingface_hub.set_client_factory(client)
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def progress_bar(what: str, total: int | None, unit: str, **options: Any) -> tqdm[None]:
    """Rate and remaining time on standard error of what takes longer than five seconds; seldom where that is a file."""
    seconds = 1 if sys.stderr.isatty() else 30
    return tqdm(desc=what, total=total, unit=unit, delay=5, mininterval=seconds, maxinterval=seconds, **options)


def patiently(
    action: Callable[[], T],
    what: str,
    progress: Callable[[], int] = lambda: 0,
    final: tuple[type[Exception], ...] = (),
) -> T:
    """The action's result, tried again with back-off while its failure may pass.

    what: what is tried, for the log. progress: a number that grows while the action gets on, such as bytes on disk;
    growth starts the count of attempts afresh. final: errors that are raised at once. Raises the last error after
    ATTEMPTS without progress.
    """
    attempt, reached = 0, progress()
    while True:
        try:
            return action()
        except final:
            raise
        except TRANSIENT as error:
            attempt, reached = (1, progress()) if progress() > reached else (attempt + 1, reached)
            wait = pause(error, attempt)
            if wait is None or attempt >= ATTEMPTS:
                raise
            logging.warning("%s: %s; attempt %d of %d in %.0f s", what, brief(error), attempt + 1, ATTEMPTS, wait)
            time.sleep(wait)


def pause(error: Exception, attempt: int) -> float | None:
    """Seconds to wait after attempt 1, 2, ...: what the server asks for, else 1, 2, 4, ...; None: do not retry."""
    if isinstance(error, HfHubHTTPError):
        headers = error.response.headers
        if error.response.status_code not in RETRIED:
            return None
        limit = parse_ratelimit_headers(headers)
        if headers.get("Retry-After", "").isdigit():
            return min(float(headers["Retry-After"]), LONGEST_PAUSE)
        if error.response.status_code == 429 and limit is not None:
            return min(float(limit.reset_in_seconds) + 1, LONGEST_PAUSE)
    return min(2.0 ** (attempt - 1), LONGEST_PAUSE)


def brief(error: Exception) -> str:
    """One line without addresses, which may be signed."""
    if isinstance(error, HfHubHTTPError):
        return f"the server answers {error.response.status_code}"
    return str(error) if isinstance(error, ShortReadError) else f"the connection broke ({type(error).__name__})"


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
    partial.replace(target)


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
        with partial.open("ab" if resumed else "wb") as out:
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
