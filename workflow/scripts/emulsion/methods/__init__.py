"""What decides mixtures: fixed, offline and online methods, all by name (`create`), and what they are made of."""

from emulsion.methods.designs import design
from emulsion.methods.interface import Evidence, Observation
from emulsion.methods.objective import Objective
from emulsion.methods.optimum import optimise, optimise_directly
from emulsion.methods.registry import create, create_offline, names
from emulsion.methods.search import Pull, search

__all__ = [
    "Evidence",
    "Objective",
    "Observation",
    "Pull",
    "create",
    "create_offline",
    "design",
    "names",
    "optimise",
    "optimise_directly",
    "search",
]
