"""Sources that are files at fixed addresses, such as the tasks of Natural Instructions at a commit on GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from emulsion.data.sources.formats import RECORD_SUFFIXES, suffix_of
from emulsion.data.sources.journal import Journal
from emulsion.data.sources.transfer import RETRIED, ShortReadError, download_file, start_session
from emulsion.errors import PassingError, UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def fetch_files(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Download files as they are; a try that was cut off goes on where it was.

    source: {files: addresses, sha256: their checksums, optional}. Only https, but for this machine itself. Raises
    UserError for an address that is refused or fails, and for a checksum that differs.
    """
    start_session()
    addresses, checksums = source["files"], source.get("sha256") or [None] * len(source["files"])
    if len(checksums) != len(addresses):
        raise UserError(f"sources.{name}.sha256: {len(checksums)} checksums for {len(addresses)} files.")
    names = [local_name(f"sources.{name}.files[{place}]", place, url) for place, url in enumerate(addresses)]
    Journal.open(folder, {"files": list(addresses), "sha256": list(checksums)}, dict)
    for url, file, checksum in zip(addresses, names, checksums, strict=True):
        _download(name, url, folder / file, checksum)
    origin = {"kind": "web", "addresses": list(addresses), "paths": dict(zip(names, addresses, strict=True))}
    return [folder / file for file in names], origin


def local_name(where: str, place: int, url: str) -> str:
    """What a file is called here: its place in the list and what is harmless of its address."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UserError(f"{where}: '{url}' is not an https address.")
    if parts.username or parts.password:
        raise UserError(f"{where}: an address must not hold a password, for it is recorded.")
    title = unquote(parts.path).replace("\\", "/").rpartition("/")[2]
    suffix = suffix_of(title)
    if suffix is None or not suffix.startswith(RECORD_SUFFIXES):
        raise UserError(f"{where}: '{title}' is not one of {', '.join(RECORD_SUFFIXES)}, packed (.gz, .zst) or not.")
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", title[: -len(suffix)])[:100].strip(".-")
    return f"{place:05d}-{stem}{suffix}" if stem else f"{place:05d}{suffix}"


def _download(name: str, url: str, target: Path, checksum: str | None) -> None:
    host = urlsplit(url).hostname
    try:
        download_file(url, url, target, {}, sha256=checksum)
    except HfHubHTTPError as error:
        status = error.response.status_code
        hint = " Look for the file's name at the commit that the address names." if status == 404 else ""
        kind: type[UserError] = PassingError if status in RETRIED else UserError
        raise kind(f"sources.{name}: {host} answers {status} for '{url}'.{hint}") from error
    except OfflineModeIsEnabled as error:
        raise UserError(f"sources.{name}: HF_HUB_OFFLINE is set, so nothing is downloaded.") from error
    except (httpx2.HTTPError, ShortReadError) as error:
        told = str(error) if isinstance(error, ShortReadError) else f"no connection ({type(error).__name__})"
        raise PassingError(f"sources.{name}: '{url}': {told}. What has come is kept; try again.") from error
