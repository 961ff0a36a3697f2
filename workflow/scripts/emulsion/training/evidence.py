"""From files to what a method may decide from: token stores, the runs of a swarm, and further finished runs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulsion.data.tokens import open_all
from emulsion.errors import UserError
from emulsion.evaluation.halves import selection_scores
from emulsion.files import read_object
from emulsion.laws.table import Floats
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture
from emulsion.perplexity import has_diverged
from emulsion.training.journal import unpacked

log = logging.getLogger(__name__)


def read_evidence(
    stores: Sequence[Path],
    tokens: int,
    max_epochs: float,
    swarm: Sequence[Path] = (),
    records: Sequence[Path] = (),
    capabilities: Sequence[Path] = (),
    strict: bool = True,
) -> Evidence:
    """Sizes of the sources, and the finished runs: those of a swarm, then others, each identity once.

    tokens, max_epochs, strict: of the run that is decided for, as in `Evidence`
    swarm: what each job of a swarm wrote
    records, capabilities: run.json and capabilities.json of other runs, in the same order
    Losses are those on validation text, scores those on the selection half: the test parts judge what comes of them.
    Runs of a swarm that diverged are left out and named: a law would be bent by what went wrong.
    """
    opened = open_all(stores)
    sizes = {source: store.tokens("train") for source, store in opened.items()}
    rows = [row for file in swarm for row in read_object(file, ("runs",))["runs"] if row["finished"]]
    vocabulary = max((int(store.header["vocab_size"]) for store in opened.values()), default=0)
    diverged = _diverged(rows, vocabulary) if vocabulary else []
    rows = [row for row in rows if row["run"] not in diverged]
    runs: dict[str, tuple[Mixture, Mapping[str, float], Mapping[str, float]]] = {}
    for row in rows:
        runs[row["run"]] = (Mixture(row["weights"]), row["validation"], row["capabilities"] or {})
    epochs = {row["run"]: row["epochs"] for row in rows if "epochs" in row}
    others, read = _others(records, capabilities)
    runs |= others
    epochs |= read
    found = Evidence(
        sizes=sizes,
        tokens=tokens,
        max_epochs=max_epochs,
        strict=strict,
        mixtures={run: mixture.over(list(sizes)) for run, (mixture, _, _) in runs.items()},
        losses={run: losses for run, (_, losses, _) in runs.items()},
        epochs=epochs,
        initial={row["run"]: row["initial"] for row in rows if row["initial"]},
        curves={
            row["run"]: [(each["tokens"], each["validation"]) for each in row["curve"]]
            for row in rows
            if "curve" in row
        },
        run_tokens={row["run"]: row["tokens"] for row in rows if "tokens" in row},
        sequence_losses={row["run"]: row["sequence_losses"] for row in rows if "sequence_losses" in row},
        token_losses={
            row["run"]: {source: unpacked(each) for source, each in row["token_losses"].items()}
            for row in rows
            if "token_losses" in row
        },
        capabilities={run: scores for run, (_, _, scores) in runs.items() if scores},
        diverged=diverged,
    )
    for warning in found.warnings:
        log.warning("%s", warning)
    return found


def _diverged(rows: Sequence[Mapping[str, Any]], vocabulary: int) -> list[str]:
    """The runs of a swarm that ended worse than blind guessing on their own mixtures.

    None where these are more than a quarter, as of runs too short to learn anything; nor of runs on one source each,
    which whatever measures losses before the first step cannot do without.
    """
    found = [
        row["run"] for row in rows if not row["initial"] and has_diverged(row["validation"], row["weights"], vocabulary)
    ]
    return found if len(found) <= len(rows) / 4 else []


def _others(
    records: Sequence[Path], capabilities: Sequence[Path]
) -> tuple[dict[str, tuple[Mixture, Mapping[str, float], Mapping[str, float]]], dict[str, Mapping[str, float]]]:
    """{run: mixture, losses and scores} and {run: epochs}."""
    runs: dict[str, tuple[Mixture, Mapping[str, float], Mapping[str, float]]] = {}
    epochs: dict[str, Mapping[str, float]] = {}
    identities = set()
    for file, scores in zip(records, capabilities, strict=True):
        record = read_object(file, ("identity", "experiment", "mixing_ratios", "validation", "epochs_per_source"))
        # A run of the same identity is the same model: it says nothing new.
        if record["identity"] not in identities:
            identities.add(record["identity"])
            name = file.parent.name.removeprefix(f"{record['experiment']}-")
            runs[name] = (Mixture(record["mixing_ratios"]), record["validation"], selection_scores(read_object(scores)))
            epochs[name] = record["epochs_per_source"]
    return runs, epochs


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a reference run reached.

    losses        {source: validation loss, nats per token}
    token_losses  {source: losses of the tokens of the validation sequences [n, T]}, where excess is cut token by token
    """

    losses: Mapping[str, float] = field(default_factory=dict)
    token_losses: Mapping[str, Floats] = field(default_factory=dict)


def reference_of(evidence: Evidence) -> Reference:
    """What the reference run reached. Raises UserError unless there is exactly one run."""
    if len(evidence.losses) != 1:
        raise UserError(
            f"reference run: one is needed, and the swarm has {len(evidence.losses)} runs; name a swarm whose points "
            "are {kind: uniform} or {kind: proportional}."
        )
    (run,) = evidence.losses
    return Reference(losses=evidence.losses[run], token_losses=evidence.token_losses.get(run, {}))
