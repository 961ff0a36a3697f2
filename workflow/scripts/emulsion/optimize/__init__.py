"""The optimiser: a design of proxy mixtures, surrogates fitted to their results, and the search for the best one."""

from emulsion.laws.hull import hull_distance
from emulsion.optimize.design import design
from emulsion.optimize.objective import Objective
from emulsion.optimize.record import optimise, optimise_directly
from emulsion.optimize.search import Pull, SearchResult, search
from emulsion.optimize.settings import Settings

__all__ = [
    "Objective",
    "Pull",
    "SearchResult",
    "Settings",
    "design",
    "hull_distance",
    "optimise",
    "optimise_directly",
    "search",
]
