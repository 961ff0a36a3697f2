"""Plans of many shapes and the digest of each, to hold their bytes against the recorded ones (plan_digests.json)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan
from emulsion.schedule import Schedule

SEQUENCES = 5000


def weights(kind: str, number: int, turn: int = 0) -> Mixture:
    """A mixture by formula alone, so that no version of a random generator decides it; every `turn` has another."""
    mixed = [((index + 1) * 7919 + turn * 104729) % 1009 + 1 for index in range(number)]
    values = {
        "equal": [1.0] * number,
        "mixed": [float(value) for value in mixed],
        "zipf": [1 / (1 + (index + turn) % number) for index in range(number)],
        "steep": [2.0 ** -((index + turn) % number) for index in range(number)],
        "gaps": [float(value) * (value % 3 > 0 or index == 0) for index, value in enumerate(mixed)],
        "tiny": [1e-9 if index % 4 == 1 else float(value) for index, value in enumerate(mixed)],
    }[kind]
    return Mixture(dict(zip(names(number), values, strict=True)))


def names(number: int) -> list[str]:
    # Not in the order of the alphabet, by which ties are broken.
    return [f"s{(index * 37) % 1000}-{index}" for index in range(number)]


def shapes() -> Iterator[tuple[str, SequencePlan]]:
    """(name, plan) of constant and staged schedules, and of plans that were changed, of 1 to 300 sources."""
    for number in (1, 2, 3, 7, 24, 300):
        sizes = {name: 5 + (index * 577) % 4001 for index, name in enumerate(names(number))}
        for seed, kind in enumerate(("equal", "mixed", "zipf", "steep", "gaps", "tiny")):
            yield f"{number} {kind}", SequencePlan(sizes, weights(kind, number), seed=seed)
        for count in (2, 5):
            schedule = Schedule.constant(weights("mixed", number))
            for turn in range(1, count):
                kind = ("gaps", "zipf", "equal", "mixed")[turn - 1]
                schedule = schedule.then(SEQUENCES * turn // (count + 2) + turn, weights(kind, number, turn))
            yield f"{number} staged {count}", SequencePlan(sizes, schedule, seed=count)
        changed = SequencePlan(sizes, weights("mixed", number), seed=9)
        for turn, start in enumerate((1, 250, 256, 4095, 4096, 4100), start=1):
            changed.change(start, weights(("gaps", "zipf", "mixed")[turn % 3], number, turn))
        yield f"{number} changed", changed


def digest(plan: SequencePlan) -> str:
    """SHA-256 of the sources, rows and counts of the first SEQUENCES sequences."""
    found = hashlib.sha256()
    for values in (plan.sources(0, SEQUENCES), plan.rows(0, SEQUENCES), plan.counts(SEQUENCES)):
        found.update(values.astype("<i8").tobytes())
    return found.hexdigest()
