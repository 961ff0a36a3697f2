"""Weights of a model on the Hugging Face hub, at one commit: the folder that a training starts from.

Only safetensors are taken: PyTorch's own files are pickles, which run code when they are read.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_url

from emulsion.data.sources.hub_plan import headers
from emulsion.data.sources.network import in_words, patiently, start_session, token
from emulsion.data.sources.transfer import Download, clear_hidden, download_file
from emulsion.errors import UserError
from emulsion.files import publish, sha256, write_json

WEIGHTS = "model.safetensors"
SETTINGS = "config.json"


def fetch_weights(identifier: str, revision: str | None, folder: Path) -> dict[str, Any]:
    """Bring config.json and model.safetensors of a model to `folder`, whole or not at all; returns the provenance.

    revision: branch, tag or commit, None for the newest; it is resolved once, and `provenance.json` has the commit. A
    fetch that was cut off resumes from the hidden folder beside it. HF_TOKEN is read from the environment
    and written nowhere. Raises UserError where the model, the revision or safetensors are missing, or access is.
    """
    start_session()
    beside = folder.with_name(f".{folder.name}.fetching")
    beside.mkdir(parents=True, exist_ok=True)
    try:
        with in_words(f"models.{folder.name}.weights", identifier, revision, "model"):
            plan = _download(folder.name, identifier, revision, beside)
    except UserError:
        with suppress(OSError):  # where something has come it is not empty, and is kept
            beside.rmdir()
        raise
    provenance = {
        "id": plan["id"],
        "revision": plan["revision"],
        "revision_asked_for": revision,
        "licence": plan["licence"],
        "sha256": {file["path"]: sha256(beside / file["path"]) for file in plan["files"]},
    }
    write_json(beside / "provenance.json", provenance)
    clear_hidden(beside)
    publish(beside, folder)
    return provenance


def _download(name: str, identifier: str, revision: str | None, folder: Path) -> dict[str, Any]:
    """Bring the files of the plan to the folder; returns the plan."""
    request = {"id": identifier, "revision": revision}
    plan = Download.open(folder, request, partial(_resolve, name, identifier, revision)).plan
    for file in plan["files"]:
        url = hf_hub_url(plan["id"], file["path"], revision=plan["revision"])
        download_file(url, file["path"], folder / file["path"], headers(), file["bytes"], file["sha256"])
    return plan


def _resolve(name: str, identifier: str, revision: str | None) -> dict[str, Any]:
    """The commit and its files: {id, revision, licence, files: [{path, bytes, sha256 or None}]}."""
    api = HfApi(token=token())
    ask = partial(api.model_info, identifier, revision=revision, timeout=30)
    try:
        found = patiently(ask, identifier, final=(httpx2.ConnectError,))
    except httpx2.ConnectError as error:
        raise UserError(
            f"models.{name}.weights: no connection to {api.endpoint}: {error}. Fetch on a machine that has one; "
            "compute nodes of a cluster often do not."
        ) from None
    paths = {file.rfilename for file in found.siblings or []}
    _check(name, f"'{found.id}' at {revision or 'its newest commit'}", paths)
    describe = partial(api.get_paths_info, found.id, [SETTINGS, WEIGHTS], revision=found.sha)
    files = patiently(describe, f"sizes of the files of {identifier}")
    return {
        "id": found.id,
        "revision": found.sha,
        "licence": (found.card_data or {}).get("license") or "unstated",
        "files": [{"path": file.path, "bytes": file.size, "sha256": file.lfs and file.lfs.sha256} for file in files],
    }


def _check(name: str, what: str, paths: set[str]) -> None:
    where = f"models.{name}.weights"
    if WEIGHTS in paths and SETTINGS in paths:
        return
    if WEIGHTS in paths:
        raise UserError(f"{where}: {what} has no {SETTINGS}, which says what its weights are of.")
    mend = (
        "Load it once with transformers where you trust it, from_pretrained(..., weights_only=True), "
        "save_pretrained(FOLDER, max_shard_size='100GB'), and give `weights: {folder: FOLDER}`."
    )
    if f"{WEIGHTS}.index.json" in paths:
        raise UserError(f"{where}: {what} has its weights in several files; only a single {WEIGHTS} is read. {mend}")
    pickles = sorted(path for path in paths if path.endswith((".bin", ".pt", ".pth", ".ckpt")) and "/" not in path)
    if pickles:
        raise UserError(
            f"{where}: {what} has no {WEIGHTS}, only {', '.join(pickles[:3])}: a pickle, which can run code when it is "
            f"read, so Emulsion does not. {mend}"
        )
    raise UserError(f"{where}: {what} has no {WEIGHTS}; it holds {', '.join(sorted(paths)[:10]) or 'nothing'}.")
