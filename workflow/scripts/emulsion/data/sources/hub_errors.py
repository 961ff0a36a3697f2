"""What went wrong at the hub, in words: what to write instead, or what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from emulsion.data.sources.transfer import ATTEMPTS, RETRIED, ShortReadError
from emulsion.errors import PassingError, UserError, nearest

Kind = Literal["dataset", "model"]


def token() -> str | bool:
    """HF_TOKEN, or False: a token that lies about in a home folder is not used."""
    return os.environ.get("HF_TOKEN", "").strip() or False


@contextmanager
def in_words(where: str, identifier: str, revision: str | None = None, kind: Kind = "dataset") -> Iterator[None]:
    """Within the block errors of the hub become UserErrors that say what to do. where: key path of the setting."""
    try:
        yield
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OfflineModeIsEnabled, ShortReadError) as error:
        chosen: type[UserError] = PassingError if _may_pass(error) else UserError
        raise chosen(f"{where}: {_words(error, identifier, revision, kind)}") from error


def _may_pass(error: Exception) -> bool:
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in RETRIED
    return not isinstance(error, HFValidationError | OfflineModeIsEnabled)


def _words(error: Exception, identifier: str, revision: str | None, kind: Kind) -> str:
    if isinstance(error, HFValidationError):
        return f"'{identifier}' cannot be the id of a {kind}; an id is owner/name."
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so the hub is not asked. Unset it, or fetch on a machine with a connection."
    if isinstance(error, GatedRepoError):
        return gated(identifier, kind)
    if isinstance(error, RepositoryNotFoundError):
        return _no_repository(identifier, kind)
    if isinstance(error, RevisionNotFoundError):
        known = _ask(lambda: [ref.name for refs in _references(identifier, kind) for ref in refs])
        return f"'{identifier}' has no revision '{revision}'.{_hint(str(revision), known)}{_listed(known)}"
    if isinstance(error, EntryNotFoundError):
        return f"a file that '{identifier}' lists is not there: {_host()} answers 404."
    if isinstance(error, HfHubHTTPError):
        return _refused(error.response.status_code, identifier)
    if isinstance(error, ShortReadError):
        return f"a file of '{identifier}' does not come whole after {ATTEMPTS} attempts: {error}."
    return f"no connection to {_host()} ({type(error).__name__}). What has been fetched is kept; try again."


def gated(identifier: str, kind: Kind = "dataset") -> str:
    """How to get at a gated dataset or model."""
    page = f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{identifier}"
    have = "the HF_TOKEN of the environment has no access to it" if token() else "HF_TOKEN is not in the environment"
    return (
        f"'{identifier}' is gated, and {have}. Accept its terms at {page}, and put a token of the same account into "
        "the environment variable HF_TOKEN."
    )


def _no_repository(identifier: str, kind: Kind) -> str:
    owner, _, title = identifier.rpartition("/")
    api = HfApi(token=token())
    listed: Callable[..., Any] = api.list_datasets if kind == "dataset" else api.list_models
    known = _ask(lambda: [found.id for found in listed(author=owner, limit=500)])
    known = known or _ask(lambda: [found.id for found in listed(search=title, limit=50)])
    private = "" if token() else " If it is private, put a token into the environment variable HF_TOKEN."
    return f"no {kind} '{identifier}' on {_host()}.{_hint(identifier, known)}{private}"


def _refused(status: int, identifier: str) -> str:
    if status in (401, 403):
        have = "is not valid for it" if token() else "is missing"
        return f"{_host()} refuses '{identifier}' ({status}): the HF_TOKEN of the environment {have}."
    return f"{_host()} keeps answering {status}. What has been fetched is kept; try again later."


def _references(identifier: str, kind: Kind) -> tuple[list[Any], list[Any]]:
    found = HfApi(token=token()).list_repo_refs(identifier, repo_type=kind)
    return found.branches, found.tags


def _ask(question: Callable[[], list[str]]) -> list[str]:
    """The answer, or nothing where the hub does not give one: a hint is not worth a second error."""
    try:
        return question()
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError):
        return []


def _hint(wanted: str, known: list[str]) -> str:
    guess = nearest(wanted, known)
    return f" Did you mean '{guess}'?" if guess else ""


def _listed(known: list[str]) -> str:
    return f" Known: {', '.join(known[:20])}{', ...' if known[20:] else ''}." if known else ""


def _host() -> str:
    return str(constants.ENDPOINT).partition("://")[2]
