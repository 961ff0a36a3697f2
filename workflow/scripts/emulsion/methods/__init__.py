"""The optimiser: a design of proxy mixtures, surrogates fitted to their results, and the search for the best one."""

from emulsion.laws.hull import hull_distance
from emulsion.methods.designs import design
from emulsion.methods.objective import Objective
from emulsion.methods.optimum import optimise, optimise_directly
from emulsion.methods.search import Pull, SearchResult, search
from emulsion.methods.settings import Settings

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
