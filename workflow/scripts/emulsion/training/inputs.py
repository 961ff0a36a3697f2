"""What runs on the same data and model have in common, opened once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from emulsion.data import tokenizers
from emulsion.data.batches import train_sizes
from emulsion.data.held_out import check_splits
from emulsion.data.tokens import TokenStore, open_all
from emulsion.errors import UserError
from emulsion.models import ModelSettings, build_model, vocabulary_size
from emulsion.plan import SequencePlan
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec, run_identity
from emulsion.training.initial_weights import InitialWeights, initial_weights


@dataclass(frozen=True, kw_only=True)
class RunInputs:
    """Token stores by source, what a model must know of their tokenizer, and the weights it starts from, if any."""

    stores: Mapping[str, TokenStore]
    tokens: int
    end_of_text: int
    weights: InitialWeights | None

    @classmethod
    def open(cls, stores: list[Path], tokenizer: Path, spec: RunSpec, weights: Path | None) -> RunInputs:
        """What runs of this spec read. Raises UserError where stores, tokenizer, model and weights do not fit."""
        model = spec.model
        tokens = max(tokenizers.vocabulary(tokenizer).values()) + 1
        if (rows := vocabulary_size(model, tokens)) < tokens:
            raise UserError(
                f"models: the model's vocab_size is {rows}, but {tokenizer} has {tokens} tokens. Write {tokens} or "
                "more, or leave vocab_size out."
            )
        start = initial_weights(model, weights)
        if start is not None:
            start.check_tokenizer(tokenizer)
        return cls(
            stores=open_stores(stores, tokenizer, spec.part),
            tokens=tokens,
            end_of_text=tokenizers.end_of_text(tokenizer),
            weights=start,
        )

    def model(self, model: ModelSettings) -> torch.nn.Module:
        """The model that training starts from; seed torch first."""
        size = vocabulary_size(model, self.tokens)
        if self.weights is not None:
            return self.weights.load(model, size, self.end_of_text)
        fresh: torch.nn.Module = build_model(model, size, self.end_of_text)
        return fresh

    def plan(self, spec: RunSpec, schedule: Schedule) -> SequencePlan:
        """Raises UserError where a split of a source has not one sequence: it would show when all is trained."""
        check_splits((store.header for store in self.stores.values()), spec.context, "the token stores")
        return SequencePlan(train_sizes(self.stores, spec.context), schedule, spec.seed)

    def identity(self, spec: Mapping[str, Any], mixture: Mapping[str, Any]) -> str:
        """The identity of the run of a mixture file."""
        contents = {source: store.header for source, store in self.stores.items()}
        return run_identity(spec, mixture, contents, self.weights.sha256 if self.weights else None)

    def describe_weights(self, model: ModelSettings) -> dict[str, Any] | None:
        """What a record says of the initial weights: their hash and where they are from."""
        return {"sha256": self.weights.sha256, **model["weights"]} if self.weights else None


def open_stores(folders: list[Path], tokenizer: Path, share: float = 1.0) -> dict[str, TokenStore]:
    """{source: its store}, or this share of it.

    Raises UserError where a store is damaged or was made with another tokenizer, and for two of one source.
    """
    wanted = tokenizers.fingerprint(tokenizer)
    stores = open_all(folders, share)
    for store in stores.values():
        if store.tokenizer != wanted:
            raise UserError(f"{store.folder}: made with tokenizer {store.tokenizer}, but {tokenizer} is {wanted}.")
        if os.environ.get("LOCAL_RANK", "0") == "0":  # of the processes of one machine, one reads it all
            store.verify()
    return stores
