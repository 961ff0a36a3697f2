"""All laws by name: fit one, save it, load it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulsion.errors import unknown
from emulsion.files import read_json, write_json
from emulsion.laws.boosting import BoostedLaw, fit_boosted_law
from emulsion.laws.choice import fit_best_law
from emulsion.laws.dynamic import DynamicLaw
from emulsion.laws.epochs import EpochsLaw, fit_epochs_law
from emulsion.laws.gaussian import GaussianLaw, fit_calibrated_law
from emulsion.laws.law import FittedLaw
from emulsion.laws.linear import LinearLaw, fit_linear_law, fit_ridge_law
from emulsion.laws.power_laws import AutoScaleLaw, BiMixLaw, fit_autoscale_law, fit_bimix_law
from emulsion.laws.static import StaticLaw, fit_static_law
from emulsion.laws.trajectory import TrajectoryLaw
from emulsion.laws.trajectory_fit import fit_trajectory_law

# From mixtures [n, m] and values [n, g] to a law. "best" is the log-linear law, the Gaussian process or, where runs
# repeat sources, the law that sees epochs, by cross-validation; "ridge" is the linear law with a ridge chosen likewise.
FITS: dict[str, Callable[..., FittedLaw]] = {
    "best": fit_best_law,
    LinearLaw.kind: fit_linear_law,
    "ridge": fit_ridge_law,
    StaticLaw.kind: fit_static_law,
    BiMixLaw.kind: fit_bimix_law,
    AutoScaleLaw.kind: fit_autoscale_law,
    BoostedLaw.kind: fit_boosted_law,
    GaussianLaw.kind: fit_calibrated_law,
    EpochsLaw.kind: fit_epochs_law,
    TrajectoryLaw.kind: fit_trajectory_law,
}
# Those that also take the epochs [n, m] that runs read their sources.
_SEE_EPOCHS = ("best", EpochsLaw.kind, TrajectoryLaw.kind)
_CLASSES: tuple[type[FittedLaw], ...] = (
    LinearLaw,
    StaticLaw,
    DynamicLaw,
    BiMixLaw,
    AutoScaleLaw,
    BoostedLaw,
    GaussianLaw,
    EpochsLaw,
    TrajectoryLaw,
)


def fit_law(name: str, mixtures: Any, values: Any, epochs: Any = None) -> FittedLaw:
    """The named law fitted to runs: mixtures [n, m] and values [n, g], arrays or data frames.

    epochs  [n, m]: how often each run read each source; "epochs", "trajectory" and "best" use them, others do without
    """
    if name not in FITS:
        raise unknown("law", name, FITS, "law")
    seen = (epochs,) if name in _SEE_EPOCHS else ()
    return FITS[name](mixtures, values, *seen)


def save_law(path: Path | str, law: FittedLaw) -> None:
    write_json(path, law.to_json())


def load_law(path: Path | str) -> FittedLaw:
    """The law of a file, whatever its kind; UserError where the file holds none."""
    found = read_json(path)
    kinds = {each.kind: each for each in _CLASSES}
    kind = found.get("law") if isinstance(found, dict) else None
    if kind not in kinds:
        raise unknown("law", str(kind), kinds, str(path))
    return kinds[kind].from_json(found)
