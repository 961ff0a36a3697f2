"""The best mixture of a surrogate: which of several answers is taken, and that slopes lead to the top."""

import numpy as np
import pytest

from emulsion.laws.region import Region
from emulsion.methods.optimum_settings import Settings
from emulsion.methods.propose import propose
from emulsion.methods.surrogates import Runs, Surrogate

PEAK = np.array([0.6, 0.3, 0.1])


class Trees(Surrogate):
    """Scores that fall with the distance from a peak, known up to an error."""

    name = "lightgbm"

    def __init__(self, error):
        rows = np.eye(3)
        self.runs = Runs(("a", "b", "c"), rows, -self.predict(rows)[:, None], np.ones(1))
        self.left_out = self.runs.scores + error

    def predict(self, rows):
        return -np.abs(rows - PEAK).sum(axis=1)


@pytest.mark.parametrize(("error", "searched"), [(1.0, False), (1e-6, True)])
def test_of_trees_the_search_is_believed_only_where_it_is_better_than_the_best_draws_by_more_than_their_error(
    error, searched
):
    trees = Trees(error)
    best, path = propose(trees, Region.of(trees.runs.sources), Settings.of({"objective": "mean_loss"}), None)
    assert path[-1].tolist() == best.tolist()
    assert (np.abs(best - PEAK).max() < 1e-4) == searched and np.abs(best - PEAK).max() < 0.05


class Hill(Surrogate):
    """Scores that fall with the squared distance from a peak, of twelve sources, the same score for every run."""

    name = "hill"
    peak = np.arange(1, 13) / 78

    def __init__(self):
        rows = np.eye(12)
        self.runs = Runs(tuple("abcdefghijkl"), rows, np.ones((12, 1)), np.ones(1))
        self.left_out = self.runs.scores

    def predict(self, rows):
        return -((rows - self.peak) ** 2).sum(axis=1)


def test_slopes_lead_to_the_top_from_where_a_search_of_one_generation_ends():
    hill = Hill()
    settings = Settings.of({"objective": "mean_loss", "generations": 1, "population": 1})
    best, _ = propose(hill, Region.of(hill.runs.sources), settings, None)
    assert best == pytest.approx(hill.peak, abs=1e-3)
