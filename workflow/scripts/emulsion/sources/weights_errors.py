"""What went wrong at the hub with a model, in words; `hub_errors` has those of datasets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from emulsion.errors import UserError, nearest
from emulsion.sources.hub_errors import token
from emulsion.sources.transfer import ATTEMPTS, ShortReadError


@contextmanager
def in_words(name: str, identifier: str, revision: str | None) -> Iterator[None]:
    """Within the block errors of the hub become UserErrors that say what to do. name: of the model."""
    try:
        yield
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OfflineModeIsEnabled, ShortReadError) as error:
        raise UserError(f"models.{name}.weights: {_words(error, identifier, revision)}") from error


def _words(error: Exception, identifier: str, revision: str | None) -> str:
    host = str(constants.ENDPOINT).partition("://")[2]
    if isinstance(error, HFValidationError):
        return f"'{identifier}' cannot be the id of a model; an id is owner/name."
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, so the hub is not asked. Unset it, or fetch on a machine with a connection."
    if isinstance(error, GatedRepoError):
        have = "the HF_TOKEN of the environment has no access" if token() else "HF_TOKEN is not in the environment"
        return (
            f"'{identifier}' is gated, and {have}. Accept its terms at {constants.ENDPOINT}/{identifier}, and put a "
            "token of the same account into the environment variable HF_TOKEN."
        )
    if isinstance(error, RepositoryNotFoundError):
        private = "" if token() else " If it is private, put a token into the environment variable HF_TOKEN."
        return f"no model '{identifier}' on {host}.{_hint(identifier, _models(identifier))}{private}"
    if isinstance(error, RevisionNotFoundError):
        known = _revisions(identifier)
        listed = f" Known: {', '.join(known[:20])}{', ...' if known[20:] else ''}." if known else ""
        return f"'{identifier}' has no revision '{revision}'.{_hint(str(revision), known)}{listed}"
    if isinstance(error, HfHubHTTPError) and error.response.status_code in (401, 403):
        have = "is not valid for it" if token() else "is missing"
        return f"{host} refuses '{identifier}' ({error.response.status_code}): the HF_TOKEN of the environment {have}."
    if isinstance(error, HfHubHTTPError):
        return f"{host} answers {error.response.status_code}. What has been fetched is kept; try again later."
    if isinstance(error, ShortReadError):
        return f"a file of '{identifier}' does not come whole after {ATTEMPTS} attempts: {error}."
    return f"no connection to {host} ({type(error).__name__}). What has been fetched is kept; try again."


def _models(identifier: str) -> list[str]:
    """The models of the same owner, or of the same name where it has none; none where the hub does not say."""
    owner, _, title = identifier.rpartition("/")
    api = HfApi(token=token())
    try:
        return [found.id for found in api.list_models(author=owner, limit=500)] or [
            found.id for found in api.list_models(search=title, limit=50)
        ]
    except (HfHubHTTPError, httpx2.HTTPError):
        return []


def _revisions(identifier: str) -> list[str]:
    try:
        found = HfApi(token=token()).list_repo_refs(identifier)
    except (HfHubHTTPError, httpx2.HTTPError):
        return []
    return [reference.name for reference in (*found.branches, *found.tags)]


def _hint(wanted: str, known: list[str]) -> str:
    guess = nearest(wanted, known)
    return f" Did you mean '{guess}'?" if guess else ""
