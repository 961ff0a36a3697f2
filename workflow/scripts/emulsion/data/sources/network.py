"""The network's faults: tried again with back-off while they may pass, else said in words.

Everything goes through the session of `huggingface_hub`, so that its proxies, certificates and offline switch hold.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import httpx2
import huggingface_hub
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
from huggingface_hub.utils import parse_ratelimit_headers
from huggingface_hub.utils._http import hf_request_event_hook
from tqdm import tqdm

from emulsion.errors import UnreachableError, UserError, nearest

Kind = Literal["dataset", "model"]
T = TypeVar("T")

TIMEOUT = 60.0  # seconds without a byte; the hub's client waits for ever unless told otherwise
# Two minutes without progress. The workflow does not try again: most that is left by then will not go away.
ATTEMPTS = 8
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


def token() -> str | bool:
    """HF_TOKEN, or False: a token that lies about in a home folder is not used.

    Raises UserError for one that no header can hold: whatever came upon it later would quote it.
    """
    found = os.environ.get("HF_TOKEN", "").strip()
    if not re.fullmatch(r"[!-~]*", found):
        raise UserError(
            "HF_TOKEN in the environment has white space or a character beyond ASCII within it; no token has."
        )
    return found or False


@contextmanager
def in_words(where: str, identifier: str, revision: str | None = None, kind: Kind = "dataset") -> Iterator[None]:
    """Within the block errors of the hub become UserErrors that say what to do. where: key path of the setting."""
    try:
        yield
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OfflineModeIsEnabled, ShortReadError) as error:
        said = UnreachableError if isinstance(error, OfflineModeIsEnabled) else UserError
        raise said(f"{where}: {_words(error, identifier, revision, kind)}") from error


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
