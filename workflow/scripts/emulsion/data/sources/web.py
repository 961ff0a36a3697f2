"""Sources that are files at fixed addresses, such as the tasks of Natural Instructions at a commit on GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx2
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from emulsion.data.sources.formats import RECORD_SUFFIXES, suffix_of
from emulsion.data.sources.network import ShortReadError, start_session
from emulsion.data.sources.streams import HEAD_BYTES, not_data
from emulsion.data.sources.transfer import Download, download_file
from emulsion.errors import UserError

_SECRET = re.compile(r"signature|^sig$|token|credential|secret|password|api[-_]?key|key-pair", re.IGNORECASE)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def fetch_files(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Download files as they are; a try that was cut off goes on where it was.

    source: {files: addresses, sha256: their checksums, optional}. Only https, but for this machine itself. Raises
    UserError for an address that is refused or fails, and for a checksum that differs.
    """
    start_session()
    addresses, checksums = source["files"], source.get("sha256") or [None] * len(source["files"])
    if len(checksums) != len(addresses):
        raise UserError(f"sources.{name}.web.sha256: {len(checksums)} checksums for {len(addresses)} files.")
    names = [local_name(f"sources.{name}.web.files[{place}]", place, url) for place, url in enumerate(addresses)]
    Download.open(folder, {"files": list(addresses), "sha256": list(checksums)}, dict)
    for url, file, checksum in zip(addresses, names, checksums, strict=True):
        _download(name, url, folder / file, checksum)
    origin = {"kind": "web", "addresses": list(addresses), "paths": dict(zip(names, addresses, strict=True))}
    return [folder / file for file in names], origin


def local_name(where: str, place: int, url: str) -> str:
    """What a file is called here: its place in the list and what is harmless of its address."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UserError(f"{where}: '{url.partition('?')[0]}' is not an https address.")
    if parts.username or parts.password:
        raise UserError(f"{where}: an address must not hold a password, for it is recorded.")
    if signed := next((key for key, _ in parse_qsl(parts.query) if _SECRET.search(key)), None):
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


def _download(name: str, url: str, target: Path, checksum: str | None) -> None:
    host, shown = urlsplit(url).hostname, url.partition("?")[0]
    try:
        download_file(url, shown, target, {}, sha256=checksum)
    except HfHubHTTPError as error:
        status = error.response.status_code
        hint = " Look for the file's name at the commit that the address names." if status == 404 else ""
        raise UserError(f"sources.{name}: {host} answers {status} for '{shown}'.{hint}") from error
    except OfflineModeIsEnabled as error:
        raise UserError(f"sources.{name}: HF_HUB_OFFLINE is set, so nothing is downloaded.") from error
    except (httpx2.HTTPError, ShortReadError) as error:
        told = str(error) if isinstance(error, ShortReadError) else f"no connection ({type(error).__name__})"
        raise UserError(f"sources.{name}: '{shown}': {told}. What has come is kept; try again.") from error
    with target.open("rb") as raw:
        if reason := not_data(raw.read(HEAD_BYTES), target.name):
            raw.close()
            target.unlink()
            raise UserError(f"sources.{name}: '{shown}': {reason}.")
