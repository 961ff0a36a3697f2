"""The account of a source's rows: every row that was read was kept or has one reason why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from emulsion.errors import UserError


@dataclass
class Ledger:
    """Counts of rows: `read` as they come, `kept` and `removed` (by reason) as they are decided on."""

    read: int = 0
    kept: int = 0
    removed: Counter[str] = field(default_factory=Counter)

    def add(self, reasons: Iterable[str | None]) -> None:
        """Enter decisions: a reason for each row that goes, None for each that stays."""
        for reason in reasons:
            if reason is None:
                self.kept += 1
            else:
                self.removed[reason] += 1

    def __add__(self, other: Ledger) -> Ledger:
        """Of both shards."""
        return Ledger(self.read + other.read, self.kept + other.kept, self.removed + other.removed)

    def then(self, following: Ledger) -> Ledger:
        """Of both steps, where the second read what the first kept; raises UserError where it did not."""
        if self.kept != following.read:
            raise UserError(f"cleaning: one step kept {self.kept:,} rows and the next read {following.read:,}.")
        return Ledger(self.read, following.kept, self.removed + following.removed)

    def to_json(self) -> dict[str, Any]:
        """Raises UserError where rows are not accounted for."""
        decided = self.kept + self.removed.total()
        if self.read != decided:
            raise UserError(f"cleaning: {self.read:,} rows were read, but {decided:,} kept or removed.")
        return {"read": self.read, "kept": self.kept, "removed": dict(sorted(self.removed.items()))}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw["read"], raw["kept"], Counter(raw["removed"]))

    @classmethod
    def of_steps(cls, accounts: Iterable[Mapping[str, Any]], shards: int) -> Ledger:
        """The account of a source from those of its shards, which come step by step."""
        read = [cls.from_json(account) for account in accounts]
        total: Ledger | None = None
        for first in range(0, len(read), shards):
            step = sum(read[first : first + shards], Ledger())
            total = step if total is None else total.then(step)
        return total or Ledger()
