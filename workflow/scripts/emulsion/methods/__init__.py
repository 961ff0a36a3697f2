"""What decides mixtures: fixed, offline and online methods, all by name (`create`), and what they are made of."""

from emulsion.methods.designs import design
from emulsion.methods.objective import Objective
from emulsion.methods.optimum import optimise, optimise_directly
from emulsion.methods.registry import create, names
from emulsion.methods.search import Pull, search

__all__ = [
    "Objective",
    "Pull",
    "create",
    "design",
    "names",
    "optimise",
    "optimise_directly",
    "search",
]
