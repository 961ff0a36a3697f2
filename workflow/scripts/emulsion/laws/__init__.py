"""Laws: fitted functions from a mixture to the loss of each group, behind one small interface (`law.py`).

`A[i, j]` is the effect on group i of training on source j: row = evaluated, column = trained on.
"""

from emulsion.laws.choice import fit_best_law
from emulsion.laws.dynamic import DynamicLaw, fit_diagonal_law, fit_dynamic_law
from emulsion.laws.epochs import EpochsLaw, fit_epochs_law
from emulsion.laws.law_registry import FITS, fit_law, load_law, save_law
from emulsion.laws.minimize import law_optimum, minimize_law
from emulsion.laws.parameter_intervals import parameter_intervals
from emulsion.laws.similarity import diagonal_form, similarity
from emulsion.laws.static import StaticLaw, fit_static_law
from emulsion.laws.trajectory_fit import fit_trajectory_law

__all__ = [
    "FITS",
    "DynamicLaw",
    "EpochsLaw",
    "StaticLaw",
    "diagonal_form",
    "fit_best_law",
    "fit_diagonal_law",
    "fit_dynamic_law",
    "fit_epochs_law",
    "fit_law",
    "fit_static_law",
    "fit_trajectory_law",
    "law_optimum",
    "load_law",
    "minimize_law",
    "parameter_intervals",
    "save_law",
    "similarity",
]
