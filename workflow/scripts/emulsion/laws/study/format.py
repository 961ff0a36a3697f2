"""Numbers of tables as text, and the plural of what is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NOTHING = "–"
# The ceiling is an estimate, right to about this much where it is high (`laws/goodness`).
_FOLLOWS_NOISE = 0.003


def error_text(value: float | None) -> str:
    """A mean squared error with two digits, as 2.1e-4."""
    if value is None:
        return NOTHING
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}e{int(power)}" if value else "0"


def share_text(value: float | None) -> str:
    """An R2, a cosine or a correlation with three decimals."""
    return NOTHING if value is None else f"{value:.3f}"


def beside_ceiling(cell: Mapping[str, float | None] | None) -> str:
    """An R2 with its ceiling: 0.990 (0.994)."""
    if cell is None:
        return NOTHING
    ceiling = cell.get("ceiling")
    return share_text(cell["r2"]) + ("" if ceiling is None else f" ({ceiling:.3f})")


def count(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def mixture_text(weights: Mapping[str, float]) -> str:
    """The weights in the order of the sources: [0.1, 0.9]."""
    return f"[{', '.join(f'{weight:.2g}' for weight in weights.values())}]"


def sums_text(sums: Mapping[str, float]) -> str:
    """Column sums, the largest first, with three digits: web 0.135, code 0.098."""
    ranked = sorted(sums.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{source} {value:.3g}" for source, value in ranked)


def against_ceiling(r2: float, ceiling: float) -> str:
    """An R2 beside what noise between seeds allows; above that, a fit follows noise, which is no success."""
    if r2 > ceiling + _FOLLOWS_NOISE:
        return f"R² {r2:.3f}, above the {ceiling:.3f} that noise between seeds allows: the fit follows noise"
    side = "at" if r2 >= ceiling else f"{ceiling - r2:.3f} below"
    return f"R² {r2:.3f}, {side} the {ceiling:.3f} that noise between seeds allows"


def sentences(parts: Sequence[str]) -> str:
    """Sentences without their full stops, joined to a text."""
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts if part)
