"""Laws: fitted functions from a mixture to the loss of each group, behind one small interface (`interface.py`).

`A[i, j]` is the effect on group i of training on source j: row = evaluated, column = trained on.
"""

from emulsion.laws.minimize import minimize_law
from emulsion.laws.static import StaticLaw, fit_static_law

__all__ = ["StaticLaw", "fit_static_law", "minimize_law"]
