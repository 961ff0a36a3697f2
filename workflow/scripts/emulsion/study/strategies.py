"""Strategies: from what the configuration says of a mixture by name to its stages."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from emulsion.data.recipes import load_recipe, staged
from emulsion.errors import UserError
from emulsion.files import found

# Once for each, as every job asks for the stages of many mixtures.
_read = functools.cache(load_recipe)


def strategy_stages(strategy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A strategy as stages [{"until": share of the run, "weights": {source: weight}}].

    A stage has its weights from its `ratios` or from a `recipe`. Where no stage says `until`, they are recipes, and as
    long as those say in tokens. Raises UserError where only some say it, or a recipe cannot be read.
    """
    listed = strategy.get("stages") or [{"until": 1.0, "ratios": strategy["ratios"]}]
    with_end = [stage for stage in listed if "until" in stage]
    if not with_end:
        return staged([_read(found(stage["recipe"])) for stage in listed])
    if len(with_end) < len(listed):
        raise UserError("stages: either each stage says `until`, or none does and all are recipes.")
    return [{"until": float(stage["until"]), "weights": _weights(stage)} for stage in listed]


def _weights(stage: Mapping[str, Any]) -> dict[str, float]:
    if "ratios" in stage:
        return dict(_shares(tuple(stage["ratios"].items())))
    return _read(found(stage["recipe"])).weights


@functools.cache
def _shares(ratios: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    """The same shares however ratios are written, 2 : 4 : 1 : 3 or .2 : .4 : .1 : .3, so that nothing is made again."""
    exact = [(source, Fraction(str(ratio))) for source, ratio in ratios]
    total = sum(ratio for _, ratio in exact)
    return tuple((source, float(ratio / total)) for source, ratio in exact) if total else ratios
