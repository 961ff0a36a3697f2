"""One identity, one run: mixtures that come to the same trained model are one mixture, and count once.

A run's identity is that of its spec, its weights and its data, seed included (`run.json`). An even mixture and one that
caps epochs nobody reaches, say, have equal weights and so the same runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from emulsion.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Same:
    """Which mixtures are one and the same.

    first   {mixture: the first of those it is the same as; itself where it is the only one}
    labels  {first: 'A = B', or its own name}, in the order of the mixtures
    kept    positions of the runs that count: the first of each identity
    """

    first: Mapping[str, str]
    labels: Mapping[str, str]
    kept: Sequence[int]

    def once(self, mixtures: Iterable[str]) -> list[str]:
        """The mixtures in order, of those that are the same only the first."""
        return list(dict.fromkeys(self.first[mixture] for mixture in mixtures))

    def merged(self, results: Mapping[str, Mapping[int, T]]) -> dict[str, dict[int, T]]:
        """{first: {seed: value}} of {mixture: {seed: value}}: of runs that are the same, those of the first count."""
        merged: dict[str, dict[int, T]] = {}
        for mixture, runs in results.items():
            counted = merged.setdefault(self.first[mixture], {})
            counted.update({seed: value for seed, value in runs.items() if seed not in counted})
        return merged

    @property
    def note(self) -> str:
        """' A = B: the same weights, so the same runs, counted once.'; empty where all differ."""
        equal = [label for mixture, label in self.labels.items() if label != mixture]
        if not equal:
            return ""
        return f" {', '.join(equal)}: the same weights and so the same runs, counted once."


def same_mixtures(mixtures: Sequence[str], identities: Sequence[str]) -> Same:
    """Which mixtures are the same, from one name and one identity per run.

    Two mixtures with a run of the same identity are one. Raises UserError where there are not as many of both.
    """
    if len(mixtures) != len(identities):
        raise UserError(f"identities: {len(identities)} for {len(mixtures)} runs; they go in pairs.")
    first = {mixture: mixture for mixture in mixtures}
    owner: dict[str, str] = {}
    kept = []
    for position, (mixture, identity) in enumerate(zip(mixtures, identities, strict=True)):
        if identity not in owner:
            owner[identity] = mixture
            kept.append(position)
        ours, theirs = first[mixture], first[owner[identity]]
        earlier, later = sorted((ours, theirs), key=list(first).index)
        first = {name: earlier if leads == later else leads for name, leads in first.items()}
    labels = {
        leads: " = ".join(name for name in first if first[name] == leads) for leads in dict.fromkeys(first.values())
    }
    return Same(first=first, labels=labels, kept=kept)


def by_mixture(mixtures: Sequence[str], seeds: Sequence[int], values: Iterable[T]) -> dict[str, dict[int, T]]:
    """{mixture: {seed: value}} of the values of runs, one of each for every run, in order."""
    grouped: dict[str, dict[int, T]] = {}
    for mixture, seed, value in zip(mixtures, seeds, values, strict=True):
        grouped.setdefault(mixture, {})[seed] = value
    return grouped
