"""Baselines that follow from the sizes of the sources alone. Trivial and strong, so every experiment has them."""

from __future__ import annotations

from collections.abc import Mapping

from emulsion.errors import UserError
from emulsion.mixture import Mixture


def proportional(sizes: Mapping[str, float]) -> Mixture:
    """Each source by its share of all tokens. sizes: {source: tokens}."""
    return Mixture(sizes)


def temperature(sizes: Mapping[str, float], tau: float) -> Mixture:
    """p proportional to size^(1/tau): tau 1 is proportional, a large one uniform (Arivazhagan et al., 1907.05019)."""
    if tau <= 0:
        raise UserError(f"temperature: tau is {tau}; it must be positive.")
    total = sum(sizes.values())
    return Mixture({source: (size / total) ** (1 / tau) if size else 0.0 for source, size in sizes.items()})


def unimax(sizes: Mapping[str, float], tokens: float, max_epochs: float) -> Mixture:
    """As uniform as a cap on epochs allows (UniMax, Chung et al., arXiv 2304.09151, algorithm 1).

    sizes: {source: tokens}; tokens: the run's budget. From the smallest source up, each gets its even part of what is
    left, or all the epochs it is allowed. Raises UserError where the sources together cannot fill the budget.
    """
    if tokens > max_epochs * sum(sizes.values()):
        raise UserError(
            f"unimax: {tokens:,.0f} tokens wanted, but {max_epochs:g} epochs of all sources are "
            f"{max_epochs * sum(sizes.values()):,.0f}."
        )
    left, allotted = tokens, {}
    for number, source in enumerate(sorted(sizes, key=lambda name: sizes[name])):
        allotted[source] = min(left / (len(sizes) - number), max_epochs * sizes[source])
        left -= allotted[source]
    return Mixture({source: allotted[source] for source in sizes})


def epoch_caps(sizes: Mapping[str, float], tokens: float, max_epochs: float) -> dict[str, float]:
    """The greatest weight of each source that repeats it no more than `max_epochs` times in so many tokens."""
    return {source: min(1.0, max_epochs * size / tokens) for source, size in sizes.items()}
