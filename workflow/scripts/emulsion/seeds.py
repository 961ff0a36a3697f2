"""Seeds are derived, not shared: each use of randomness has a name and a stream of its own."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *names: str | int, bits: int = 64) -> int:
    """An integer of `bits` bits that depends on the seed and on every name, the same on every machine."""
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> (64 - bits)
