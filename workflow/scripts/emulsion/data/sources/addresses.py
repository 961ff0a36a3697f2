"""Addresses of files on the web: which are taken, and what their files are called here."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from emulsion.data.sources.formats import RECORD_SUFFIXES, suffix_of
from emulsion.errors import UserError

_SECRET = re.compile(
    r"signature|^sig$|token|credential|secret|password|(?:api|access)[-_]?key|key-pair|auth(?!or)|jwt", re.IGNORECASE
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOST_AND_PORT = re.compile(r"(?:.*@)?(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::\d+)?")


def local_name(where: str, place: int, url: str) -> str:
    """What a file is called here: its place in the list and what is harmless of its address.

    Raises UserError for an address that is none, that is not to be recorded, or whose file cannot be read.
    """
    parts = _parts(where, url)
    if parts.username or parts.password:
        raise UserError(f"{where}: an address must not hold a password, for it is recorded.")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UserError(f"{where}: '{without_secrets(url)}' is not an https address.")
    named = parse_qsl(parts.query) + parse_qsl(parts.fragment)
    if signed := next((key for key, _ in named if _SECRET.search(key)), None):
        raise UserError(
            f"{where}: an address must not be signed, for it is recorded, and this one has '{signed}'. Download the "
            "file by hand and name it in a local source."
        )
    title = unquote(parts.path).replace("\\", "/").rpartition("/")[2]
    suffix = suffix_of(title)
    if suffix is None or not suffix.startswith(RECORD_SUFFIXES):
        raise UserError(f"{where}: '{title}' is not one of {', '.join(RECORD_SUFFIXES)}, packed (.gz, .zst) or not.")
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", title[: -len(suffix)])[:100].strip(".-")
    return f"{place:05d}-{stem}{suffix}" if stem else f"{place:05d}{suffix}"


def _parts(where: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")  # as it is looked up: no part of it is empty, or longer than 63
        is_host = _HOST_AND_PORT.fullmatch(parts.netloc) or parts.scheme not in ("http", "https")
        if not url.isprintable() or not is_host or parts.port == 0:
            raise ValueError
    except ValueError:
        shown = without_secrets(url).encode("unicode_escape").decode()
        raise UserError(
            f"{where}: '{shown}' is no address: what comes behind '//' must be the name or number of a host, and "
            "after a colon may be the number of a port."
        ) from None
    return parts


def without_secrets(url: str) -> str:
    """An address without what may be one: its query, its fragment, and who asks."""
    return re.sub("//[^/]*@", "//", re.split("[?#]", url, maxsplit=1)[0])
