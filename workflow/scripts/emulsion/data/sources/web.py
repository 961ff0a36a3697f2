"""Sources that are files at fixed addresses, such as the tasks of Natural Instructions at a commit on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from emulsion.data.sources.addresses import local_name
from emulsion.data.sources.network import ShortReadError, start_session
from emulsion.data.sources.streams import HEAD_BYTES, not_data
from emulsion.data.sources.transfer import Download, download_file
from emulsion.errors import UserError


def fetch_files(name: str, source: Mapping[str, Any], folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """Download files as they are; a try that was cut off is resumed.

    source: {files: addresses, sha256: their checksums, optional}. Only https, except from this machine itself. Raises
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
        cause = str(error) if isinstance(error, ShortReadError) else f"no connection ({type(error).__name__})"
        raise UserError(f"sources.{name}: '{shown}': {cause}. What has come is kept; try again.") from error
    with target.open("rb") as raw:
        if reason := not_data(raw.read(HEAD_BYTES), target.name):
            raw.close()
            target.unlink()
            raise UserError(f"sources.{name}: '{shown}': {reason}.")
