"""What cleaning does to a source, read from the configuration; every key that is left out is off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from emulsion.errors import UserError, unknown

UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
FILTERS = ("gopher_quality", "gopher_repetition", "c4", "fineweb")


@dataclass(frozen=True)
class Near:
    """Near-duplicates by MinHash: documents with one of `bands` bands of `rows` hashes in common.

    Two documents whose sets of word n-grams have the Jaccard similarity s are found with the probability
    1 - (1 - s^rows)^bands; the defaults are FineWeb's (arXiv:2406.17557): 0.92 at s = 0.8, one half at about 0.69.
    """

    ngram: int = 5
    bands: int = 14
    rows: int = 8
    seed: int = 0


@dataclass(frozen=True)
class Deduplicate:
    """exact: equal texts (after Unicode normalisation)."""

    exact: bool = True
    near: Near | None = None


@dataclass(frozen=True)
class Decontaminate:
    """Which word n-grams a document must not share with evaluation suites and with held-out documents.

    sample: one in `sample` held-out n-grams is kept, which bounds memory; a run of k words in common is then missed
    with the probability (1 - 1/sample)^(k - ngram + 1): 0.87 for 13 words, 0.006 for 50, with the defaults.
    common: an n-gram in this many held-out documents is a phrase of the language or boilerplate, and proves nothing.
    """

    ngram: int = 13
    suites: bool = True
    held_out: bool = True
    sample: int = 8
    common: int = 3


@dataclass(frozen=True)
class Cleaning:
    """unicode: normal form, or None to leave every character as it is. words, characters: least and most of a document.

    filters: names from FILTERS, applied in that order. keep_removed: set removed documents aside in full.
    """

    unicode: str | None = None
    filters: tuple[str, ...] = ()
    words: tuple[int, int] | None = None
    characters: tuple[int, int] | None = None
    deduplicate: Deduplicate | None = None
    decontaminate: Decontaminate | None = None
    keep_removed: bool = field(default=False, compare=False)

    @classmethod
    def none(cls) -> Self:
        """Every document stays as it is."""
        return cls()

    @classmethod
    def from_json(cls, raw: Any, where: str = "cleaning") -> Self:
        """Read and check the configuration's mapping; raises UserError that names the key below `where`."""
        given = _mapping(raw, cls, where)
        form, filters = given.get("unicode"), given.get("filters", [])
        if form is not None and form not in UNICODE_FORMS:
            raise unknown("form", str(form), UNICODE_FORMS, f"{where}.unicode")
        if not isinstance(filters, list | tuple):
            raise UserError(f"{where}.filters: {filters!r} is not a list of names.")
        for name in filters:
            if name not in FILTERS:
                raise unknown("filter", str(name), FILTERS, f"{where}.filters")
        return cls(
            unicode=form,
            filters=tuple(name for name in FILTERS if name in filters),
            words=_range(given.get("words"), f"{where}.words"),
            characters=_range(given.get("characters"), f"{where}.characters"),
            deduplicate=_deduplicate(given.get("deduplicate"), f"{where}.deduplicate"),
            decontaminate=_part(given.get("decontaminate"), Decontaminate, f"{where}.decontaminate"),
            keep_removed=_flag(given.get("keep_removed", False), f"{where}.keep_removed"),
        )


Part = TypeVar("Part", Near, Decontaminate)


def _deduplicate(raw: Any, where: str) -> Deduplicate | None:
    if raw is None:
        return None
    given = _mapping(raw, Deduplicate, where)
    near = _part(given.get("near"), Near, f"{where}.near")
    return Deduplicate(exact=_flag(given.get("exact", True), f"{where}.exact"), near=near)


def _part(raw: Any, kind: type[Part], where: str) -> Part | None:
    """A record of whole numbers of 1 or more (a seed may be 0) and of switches, each with a default."""
    if raw is None:
        return None
    given = _mapping(raw, kind, where)
    for key, value in given.items():
        if isinstance(getattr(kind, key), bool):
            _flag(value, f"{where}.{key}")
        else:
            _whole(value, 0 if key == "seed" else 1, f"{where}.{key}")
    return kind(**given)


def _mapping(raw: Any, kind: type, where: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise UserError(f"{where}: {raw!r} is not a mapping of settings.")
    names: Iterable[str] = [each.name for each in fields(kind)]
    for key in raw:
        if key not in names:
            raise unknown("setting", str(key), names, where)
    return dict(raw)


def _range(raw: Any, where: str) -> tuple[int, int] | None:
    if raw is None:
        return None
    if not isinstance(raw, list | tuple) or len(raw) != 2:
        raise UserError(f"{where}: {raw!r} is not a list of two, the least and the most.")
    least, most = (_whole(value, 0, where) for value in raw)
    if least > most:
        raise UserError(f"{where}: the least, {least}, is more than the most, {most}.")
    return least, most


def _whole(value: Any, least: int, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UserError(f"{where}: {value!r} is not a whole number of {least} or more.")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UserError(f"{where}: {value!r} is neither true nor false.")
    return value
