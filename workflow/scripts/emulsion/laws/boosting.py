"""Boosted trees over the weights: RegMix's regressor (Liu et al., 2407.01492)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from emulsion.laws.law import FittedLaw
from emulsion.laws.table import Floats, as_rows, read_table

if TYPE_CHECKING:
    import lightgbm

# RegMix has 1,000 rounds at rate .01; these take half the time for the same error.
_ROUNDS = 500
_RATE = 0.02


@dataclass(frozen=True)
class BoostedLaw(FittedLaw):
    """One ensemble of trees per group."""

    kind: ClassVar[str] = "lightgbm"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    trees: tuple[lightgbm.Booster, ...]

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m]."""
        rows = as_rows(mixtures, self.sources)[:, _alphabetical(self.sources)]
        return np.column_stack([np.asarray(trees.predict(rows, num_threads=1)) for trees in self.trees])

    def parameters(self) -> dict[str, Any]:
        """The trees of each group in LightGBM's own text."""
        texts = [trees.model_to_string() for trees in self.trees]
        return {"trees": dict(zip(self.groups, texts, strict=True))}

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        import lightgbm

        groups = tuple(law["groups"])
        trees = tuple(lightgbm.Booster(model_str=law["trees"][group]) for group in groups)
        return cls(tuple(law["sources"]), groups, trees)


def fit_boosted_law(
    mixtures: Any, values: Any, *, weights: Floats | None = None, rounds: int = _ROUNDS, rate: float = _RATE
) -> BoostedLaw:
    """Fit trees to values [n, g], on one thread and deterministically.

    A leaf may hold n / 20 runs: LightGBM's own least of 20 makes a constant of a sweep of fewer than 40 runs.
    """
    import lightgbm  # here, so that checking a configuration does not pay for it

    table = read_table(mixtures, values)
    settings = {
        "objective": "regression",
        "learning_rate": rate,
        "min_data_in_leaf": int(np.clip(len(table.values) // 20, 1, 20)),
        "min_data_in_bin": 1,
        "min_sum_hessian_in_leaf": 1e-3,
        "num_leaves": 31,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "seed": 0,
        "verbose": -1,
    }
    trees, rows = [], table.mixtures[:, _alphabetical(table.sources)]
    for column in table.values.T:
        data = lightgbm.Dataset(rows, label=column, weight=weights, params={"verbose": -1})
        trees.append(lightgbm.train(settings, data, num_boost_round=rounds, keep_training_booster=True))
    return BoostedLaw(table.sources, table.groups, tuple(trees))


def _alphabetical(sources: Sequence[str]) -> NDArray[np.int64]:
    """The order [m] in which trees see sources: of two that split runs alike they take the first."""
    return np.argsort(np.array(sources))
