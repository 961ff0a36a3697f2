"""Shares that trunks and branches of a sweep draw, known from their plans."""

from itertools import product

from swarm_cases import MIXTURES
from training_cases import SPEC

from emulsion.mixture import Mixture
from emulsion.spec import RunSpec
from emulsion.training.sweep_draws import Draws


def test_each_trunk_and_branch_has_its_own_shares_whatever_was_asked_for_before(inputs):
    whole = {name: Mixture(weights).over(list(inputs.stores)) for name, weights in MIXTURES.items()}

    def draws():
        return Draws(RunSpec.from_json(SPEC), inputs, whole, 0)

    trunks = list(product(("sweep_00", "stratified"), (1, 2, 3)))
    branches = list(product(("sweep_00", "sweep_01"), (2, 3), ("sweep_00", "stratified"), (4, 5)))
    alone = [draws().of_trunk(*each) for each in trunks], [draws().of_branch(*each) for each in branches]
    shared = draws()
    assert ([shared.of_trunk(*each) for each in trunks], [shared.of_branch(*each) for each in branches]) == alone
