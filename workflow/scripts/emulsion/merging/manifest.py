"""The account of a merge: what was asked for, what was drawn, and how far shares of text are from the weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulsion.data.recipes import normalising_note
from emulsion.merging.cursor import Progress
from emulsion.merging.journal import Journal
from emulsion.merging.request import Request

# Repeated up to four times, data is worth nearly what fresh data is; beyond that less and less (Muennighoff et al.,
# Scaling data-constrained language models, 2023).
MANY_PASSES = 4


def manifest(request: Request, journal: Journal, tokenizer: str | None) -> dict[str, Any]:
    """tokenizer: fingerprint of the one that counted the tokens; None where none did."""
    progress = {source.name: journal.progress.get(source.name, Progress()) for source in request.sources}
    documents = sum(each.documents for each in progress.values())
    return {
        "fingerprint": journal.fingerprint,
        "mode": "weighted: a weight is a share of documents" if request.weighted else "concatenated",
        "seed": request.seed,
        "max_samples": request.max_samples,
        "max_passes": request.max_passes,
        "shard_bytes": request.shard_bytes,
        "tokenizer": tokenizer,
        "ended": _ended(request, progress, documents),
        "documents": documents,
        "bytes": sum(each.bytes for each in progress.values()),
        "tokens": sum(each.tokens for each in progress.values()) if tokenizer else None,
        "notes": _notes(request, progress),
        "drift": drift(request.mixture, progress, by_tokens=bool(tokenizer)) if request.weighted else None,
        "sources": {
            source.name: {
                "weight": source.weight,
                "share_due": request.mixture[source.name] if request.weighted else None,
                **_drawn(progress[source.name], documents),
                "type": source.type,
                "evidence": source.evidence,
                **journal.provenance.get(source.name, {}),
            }
            for source in request.sources
        },
        "shards": journal.shards,
    }


def _drawn(progress: Progress, documents: int) -> dict[str, Any]:
    return {
        "documents": progress.documents,
        "share_of_documents": progress.documents / documents,
        "bytes": progress.bytes,
        "tokens": progress.tokens or None,
        "passes_completed": progress.passes,
        "documents_per_pass": progress.documents_per_pass,
        "set_aside": progress.set_aside,
    }


def _ended(request: Request, progress: Mapping[str, Progress], documents: int) -> str:
    if documents == request.max_samples:
        return "at max_samples"
    drawn = [each for each in progress.values() if each.documents]
    if all(each.passes for each in drawn):
        return "every source was read to its end"
    return "at max_passes of a source"


def _notes(request: Request, progress: Mapping[str, Progress]) -> list[str]:
    """What the user should know, in sentences."""
    if not request.weighted:
        return []
    note = normalising_note({source.name: source.weight or 0.0 for source in request.sources})
    notes = [note] if note else []
    for name, each in progress.items():
        if not each.documents:
            notes.append(f"'{name}' (share {request.mixture[name]:.3g}) is not drawn: too small for so few documents.")
        elif each.documents_per_pass and each.documents > MANY_PASSES * each.documents_per_pass:
            passes = each.documents / each.documents_per_pass
            notes.append(
                f"'{name}' is read {passes:.1f} times; data repeated more than {MANY_PASSES} times teaches less."
            )
    return notes


def drift(weights: Mapping[str, float], progress: Mapping[str, Progress], by_tokens: bool) -> dict[str, Any]:
    """How far the shares of text, by tokens or by bytes of UTF-8, are from the weights, which are shares of documents.

    misplaced: the share of the text that would have to be of other sources for the weights to be met, half the sum of
    all differences.
    """
    unit = "tokens" if by_tokens else "bytes"
    sizes = {name: each.tokens if by_tokens else each.bytes for name, each in progress.items()}
    total = sum(sizes.values())
    shares = {name: size / total for name, size in sizes.items()}
    differences = {name: share - weights[name] for name, share in shares.items()}
    most = max(differences, key=lambda name: abs(differences[name]))
    note = (
        f"A weight is a share of documents here, and sources differ in the length of their documents. By {unit} "
        f"'{most}' makes {shares[most]:.2%}, its weight is {weights[most]:.2%}. "
        + ("" if by_tokens else "Bytes stand for tokens, of which they are an estimate. ")
        + "Runs of the workflow draw packed sequences, so their shares are of tokens and exact."
    )
    return {
        "unit": unit,
        "misplaced": sum(map(abs, differences.values())) / 2,
        "largest": {"source": most, "difference": differences[most]},
        "shares": shares,
        "differences": differences,
        "note": note,
    }
