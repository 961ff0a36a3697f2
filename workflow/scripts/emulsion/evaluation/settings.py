"""How an evaluation is done: what changes its numbers, and the batch size, which does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.evaluation.suites import FORMATS


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """Frozen settings of one evaluation."""

    test_sequences: int = 200  # at most, per source
    samples: int = 1  # per generation item
    temperature: float = 0.0  # 0 is greedy
    seed: int = 0
    batch: int = 64  # sequences at once
    resamples: int = 2000  # of each bootstrap
    formats: tuple[str, ...] = ("dialogue",)  # that chat suites are asked in: see emulsion.evaluation.suites
    selection: bool = True  # whether half of each suite's items choose mixtures; without it all items judge

    def __post_init__(self) -> None:
        if not isinstance(self.selection, bool):
            raise UserError(f"evaluation.selection: {self.selection!r} is neither true nor false.")
        for form in self.formats:
            if form not in FORMATS:
                raise unknown("chat format", str(form), FORMATS, "evaluation.formats")
        if not self.formats:
            raise UserError("evaluation.formats: it is empty; chat suites are asked in one format at least.")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("selection", "formats"):
                continue
            least = 0 if field.name in ("temperature", "seed") else 1
            kinds = (int, float) if field.name == "temperature" else (int,)
            if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value < float("inf"):
                raise UserError(f"evaluation.{field.name}: {value!r} is not a number of {least} or more.")

    @classmethod
    def of(cls, raw: Any) -> EvaluationSettings:
        """The settings in a mapping; raises UserError for an unknown key or a value out of range."""
        if not isinstance(raw, Mapping):
            raise UserError(f"evaluation: {raw!r} is not a mapping of settings.")
        names = [field.name for field in fields(cls)]
        for key in raw:
            if key not in names:
                raise unknown("setting", str(key), names, "evaluation")
        return cls(**{**raw, "formats": tuple(raw["formats"])} if "formats" in raw else raw)
