"""Rows of a source that became no document or were removed: said in words, and refused where they are too many."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from emulsion.errors import UserError

REASONS_SHOWN = 5
_READ = "say in `schema`, `text_field` or `columns` how they are read"
_REMEDIES = {  # by words of the reason
    "not valid UTF-8": "those in Latin-1, for instance, by `iconv -f latin1 -t UTF-8`",
    "enclosed in double quotes": "Python's own text becomes JSON by `json.dumps(ast.literal_eval(line))`",
    "is list, not a record": 'give the values of a list names, as in `{"text": "..."}`',
    "is str, not a record": 'give a text a name, as in `{"text": "..."}`',
}
NO_PLACES: Mapping[str, str] = MappingProxyType({})


def first_places(quarantines: Iterable[Path]) -> dict[str, str]:
    """{reason: file and row of the first row set aside for it}."""
    places: dict[str, str] = {}
    for quarantine in quarantines:
        with quarantine.open(encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if "row" in record:
                    places.setdefault(record["reason"], f"{record['file']}, row {record['row']}")
    return places


def loss_text(source: str, read: int, reasons: Mapping[str, int], places: Mapping[str, str] = NO_PLACES) -> str:
    """How many rows of a source became no document, and why; empty where all did."""
    return _sentence(source, read, reasons, places, "are no documents")


def ungrouped_text(source: str, read: int, reasons: Mapping[str, int]) -> str:
    """How many rows of a source came into none of its groups, and why; empty where all did."""
    return _sentence(source, read, reasons, NO_PLACES, "are in no group")


def removal_text(
    source: str, read: int, removed: Mapping[str, int], set_aside: Mapping[str, int], most: float = 0.0
) -> str:
    """How many documents of a source cleaning removed, and why; empty where it is no more than this share of its rows.

    removed: as in the ledger, with what was set aside for being no document.
    """
    cleaned = Counter(removed) - Counter(set_aside)
    text = _sentence(source, read, cleaned, NO_PLACES, "were removed by cleaning")
    return text if cleaned.total() > most * read else ""


def _sentence(source: str, read: int, reasons: Mapping[str, int], places: Mapping[str, str], what: str) -> str:
    if not (gone := sum(reasons.values())):
        return ""
    return f"{source}: {gone:,} of {read:,} rows ({100 * gone / read:.1f} %) {what}: {_counted(reasons, places)}."


def _counted(reasons: Mapping[str, int], places: Mapping[str, str]) -> str:
    shown = []
    for reason, count in Counter(reasons).most_common(REASONS_SHOWN):
        place = f" (first: {places[reason]})" if reason in places else ""
        shown.append(f"{count:,} x {reason}{place}")
    more = [f"and {len(reasons) - REASONS_SHOWN} more reasons"] if len(reasons) > REASONS_SHOWN else []
    return "; ".join([*shown, *more])


def remedies(reasons: Iterable[str]) -> str:
    """What to do about rows that could not be read, in brackets behind a blank, as far as their reasons tell it."""
    given = list(reasons)
    advice = "; ".join(how for words, how in _REMEDIES.items() if any(words in reason for reason in given))
    return f" ({advice})" if advice else ""


def check_some_are_left(
    source: str, documents: int, reasons: Mapping[str, int], places: Mapping[str, str] = NO_PLACES
) -> None:
    """Raises UserError where no document is left of a source; reasons: {why rows were removed: how many}."""
    if not documents:
        counted = _counted(reasons, places) or "it has no rows"
        how = f" Mend the rows{remedies(places)}, or {_READ}." if places else ""
        raise UserError(f"sources.{source}: nothing is left of {sum(reasons.values()):,} rows: {counted}.{how}")


def check_losses(source: str, read: int, reasons: Mapping[str, int], places: Mapping[str, str], limit: float) -> None:
    """Raises UserError where more than this share of a source's rows became no document."""
    if sum(reasons.values()) > limit * read:
        said, how = loss_text(source, read, reasons, places), f"Mend the rows{remedies(reasons)}, {_READ}"
        most = f"At most {100 * limit:.1f} % may be lost."
        raise UserError(f"sources.{said} {most} {how}, {_allow(source, read, reasons)}")


def check_ungrouped(source: str, read: int, reasons: Mapping[str, int], limit: float) -> None:
    """Raises UserError where more than this share of a source's rows came into none of its groups."""
    if sum(reasons.values()) > limit * read:
        said = ungrouped_text(source, read, reasons)
        raise UserError(
            f"sources.{said} At most {100 * limit:.1f} % may be lost. Mend the rows, {_allow(source, read, reasons)}"
        )


def _allow(source: str, read: int, reasons: Mapping[str, int]) -> str:
    needed = -(-sum(reasons.values()) * 100 // read) / 100
    return f"or allow the loss by sources.{source}.max_loss: {needed:g}."
