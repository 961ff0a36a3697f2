"""Which files of which commit a hub source is made of, settled before anything is downloaded."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

import httpx2
import yaml
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers

from emulsion.data.sources.network import gated, in_words, patiently, token
from emulsion.data.sources.streams import READ_AHEAD_BYTES
from emulsion.data.sources.transfer import RemoteFile
from emulsion.errors import UnreachableError, UserError, unknown

log = logging.getLogger(__name__)

ROW_SUFFIXES = tuple(f".{kind}{packing}" for kind in ("json", "jsonl", "csv") for packing in ("", ".gz", ".zst"))
SUFFIXES = (".parquet", *ROW_SUFFIXES)
PATHS_PER_REQUEST = 100
# Files about a dataset, by the beginnings of their names.
_ABOUT = (".", "_", "dataset_", "metadata", "config", "state", "README")
_SHOWN = 3

# What `datasets` raises where it makes nothing of the files of a repository.
_UNUSABLE = (ValueError, OSError, RuntimeError, zipfile.BadZipFile)

# Of a machine whose connections are refused, and of one whose packets are dropped.
_NO_CONNECTION = (httpx2.ConnectError, httpx2.ConnectTimeout)

Plan = dict[str, Any]


def resolve(name: str, source: Mapping[str, Any]) -> Plan:
    """The commit and the files of a source: {id, revision, files: [{path, bytes, sha256}]}.

    The revision is resolved once, and everything after it is read at that commit. Files are found as `datasets`
    finds them (configurations and patterns of the card, or names of folders and files); sha256 is None for small
    files, whose checksum the hub does not give. Raises UserError where the repository, revision, config or split does
    not exist, and where the repository is refused: a loading script, paths out of the folder, other formats.
    """
    identifier, revision = source["id"], source.get("revision")
    with in_words(f"sources.{name}", identifier, revision):
        found = _first_contact(name, identifier, revision)
        _check_listing(name, found.id, [entry.rfilename for entry in found.siblings or []])
        builder = _builder(name, source, found)
        _check_layout(name, builder.config)
        split = source["split"]
        if split not in (builder.config.data_files or {}):
            raise unknown("split", split, map(str, builder.config.data_files or {}), f"sources.{name}.split")
        paths = [_path(name, found.id, found.sha, url) for url in builder.config.data_files[split]]
        if not (found.card_data or {}).get("configs") and not source.get("data_dir"):
            _tell_left_out(name, found, [url for urls in builder.config.data_files.values() for url in urls])
        return {
            "id": found.id,
            "revision": found.sha,
            "files": _described(found.id, found.sha, paths),
        }


def open_remote(plan: Plan, file: Mapping[str, Any]) -> RemoteFile:
    """A file of the plan, to be read by ranges."""
    return RemoteFile(url_of(plan, file), file["bytes"], headers(), file["path"])


@dataclass(frozen=True)
class HubFile:
    """A file of the plan that is read in place, by ranges; what the network refuses is a UserError of the source.

    most_ahead: the most bytes that are read at once where fewer are asked for.
    """

    source: str
    plan: Plan
    entry: Mapping[str, Any]
    most_ahead: int = READ_AHEAD_BYTES

    @property
    def name(self) -> str:
        return str(self.entry["path"])

    @property
    def size(self) -> int:
        return int(self.entry["bytes"])

    def open(self, ahead: int) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_InWords(self), min(ahead, self.most_ahead)))


class _InWords(RemoteFile):
    def __init__(self, file: HubFile) -> None:
        super().__init__(url_of(file.plan, file.entry), file.size, headers(), file.name)
        self._words = partial(in_words, f"sources.{file.source}", file.plan["id"], file.plan["revision"])

    def read(self, size: int = -1) -> bytes:
        with self._words():
            return super().read(size)


def url_of(plan: Plan, file: Mapping[str, Any]) -> str:
    return str(hf_hub_url(plan["id"], file["path"], repo_type="dataset", revision=plan["revision"]))


def row_suffix(path: str) -> str:
    """The suffix of a file of rows, compression and all."""
    return max((suffix for suffix in ROW_SUFFIXES if path.endswith(suffix)), key=len)


def headers() -> dict[str, str]:
    return dict(build_hf_headers(token=token()))


def _first_contact(name: str, identifier: str, revision: str | None) -> Any:
    """The repository at the revision. Being offline shows here, and is said at once."""
    api = HfApi(token=token())
    try:
        ask = partial(api.dataset_info, identifier, revision=revision, timeout=30)
        return patiently(ask, identifier, final=_NO_CONNECTION)
    except _NO_CONNECTION as error:
        raise UnreachableError(
            f"sources.{name}: no connection to {api.endpoint}: {_sentence(error) or 'no answer'}. Fetch on a machine "
            "that has one; compute nodes of a cluster often do not."
        ) from None


def _check_listing(name: str, identifier: str, paths: list[str]) -> None:
    for path in paths:
        parts = PurePosixPath(path).parts
        if ".." in parts or path.startswith("/") or "\\" in path or "\0" in path:
            raise UserError(f"sources.{name}: '{identifier}' lists {path!r}, a path out of its folder; it is refused.")
    script = f"{identifier.rpartition('/')[2]}.py"
    if script in paths:
        raise UserError(
            f"sources.{name}: '{identifier}' is loaded by a script of its own ({script}), and Emulsion runs no code "
            "of a repository. Look for a revision or a copy that holds plain data files, such as refs/convert/parquet."
        )


def _tell_left_out(name: str, found: Any, urls: list[str]) -> None:
    """Log which files look like data of a repository, but are in none of its splits: `datasets` takes one format."""
    listed = [entry.rfilename for entry in found.siblings or []]
    data = [path for path in listed if path.endswith(SUFFIXES) and not PurePosixPath(path).name.startswith(_ABOUT)]
    if left := [path for path in data if not any(url.endswith(f"/{path}") for url in urls)]:
        shown = ", ".join([*left[:_SHOWN], *(["..."] if left[_SHOWN:] else [])])
        log.warning("%s: %d files of '%s' are in none of its splits and not read: %s", name, len(left), found.id, shown)


def _builder(name: str, source: Mapping[str, Any], found: Any) -> Any:
    import datasets

    path = f"hf://datasets/{found.id}"
    where, config, folder = f"sources.{name}", source.get("config"), source.get("data_dir")
    try:
        return patiently(
            lambda: datasets.load_dataset_builder(path, config, folder, revision=found.sha, token=token()),
            f"files of {found.id}",
        )
    except datasets.exceptions.DatasetNotFoundError as error:
        raise UserError(f"{where}: {gated(found.id) if found.gated else _sentence(error)}") from error
    except (HfHubHTTPError, httpx2.HTTPError):
        raise
    except ImportError:  # of a file system that the card asks for, such as that of the web
        raise UserError(f"{where}: the card of '{found.id}' names data outside of it; it is refused.") from None
    except ConnectionError as error:
        raise UserError(f"{where}: the connection to the hub is gone: {_sentence(error)}. Try again.") from error
    except yaml.YAMLError as error:
        raise UserError(
            f"{where}: the settings in the card of '{found.id}' (README.md) are not YAML, so its files are not known: "
            f"{_sentence(error)}. Name another `revision`, or download the files and name them in a local source."
        ) from error
    except _UNUSABLE as error:
        names = _configs(path, found.sha)
        if config is not None and names and config not in names:
            raise unknown("config", config, names, f"{where}.config") from None
        if config is None and len(names) > 1:
            raise UserError(f"{where}.config: '{found.id}' has several, name one of: {', '.join(names)}.") from None
        raise UserError(
            f"{where}: no data that Emulsion reads in '{found.id}' ({', '.join(SUFFIXES)}): {_sentence(error)}"
        ) from error


def _configs(path: str, commit: str) -> list[str]:
    """The configs of a dataset, none where they cannot be listed."""
    import datasets

    try:
        return list(datasets.get_dataset_config_names(path, revision=commit, token=token()))
    except _UNUSABLE:
        return []


def _check_layout(name: str, config: Any) -> None:
    """Refuse what a card can say about JSON and CSV files that is not read here, rather than read them wrongly."""
    if getattr(config, "field", None):
        raise UserError(
            f"sources.{name}: its rows lie under the field '{config.field}' of one object; that is not read."
        )
    if getattr(config, "sep", None) not in (None, ","):
        raise UserError(f"sources.{name}: its values are separated by {config.sep!r}; only commas are read.")


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())


def _path(name: str, identifier: str, revision: str, url: str) -> str:
    """The path inside the repository; a card can also name files elsewhere, even on this machine."""
    match = re.fullmatch(rf"hf://datasets/{re.escape(identifier)}@{re.escape(revision)}/(.+)", url)
    path = match and match[1]
    if path is None or ".." in PurePosixPath(path).parts:
        raise UserError(f"sources.{name}: the card of '{identifier}' names data outside of it: {url!r}; it is refused.")
    if not path.endswith(SUFFIXES):
        raise UserError(
            f"sources.{name}: '{identifier}' holds {path!r}; of the hub Emulsion reads only {', '.join(SUFFIXES)}. "
            "Download its files, and name them in a local source."
        )
    return path


def _described(identifier: str, revision: str, paths: list[str]) -> list[dict[str, Any]]:
    api = HfApi(token=token())
    found: dict[str, Any] = {}
    for start in range(0, len(paths), PATHS_PER_REQUEST):
        ask = partial(
            api.get_paths_info,
            identifier,
            paths[start : start + PATHS_PER_REQUEST],
            revision=revision,
            repo_type="dataset",
        )
        found |= {entry.path: entry for entry in patiently(ask, f"sizes of the files of {identifier}")}
    return [
        {"path": path, "bytes": found[path].size, "sha256": found[path].lfs and found[path].lfs.sha256}
        for path in paths
    ]
