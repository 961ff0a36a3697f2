import numpy as np
import pytest

from emulsion.methods.surrogates import Runs, choose

SCORES = np.linspace(0.0, 1.0, 9)


class Judged:
    """A surrogate of which only the errors are known."""

    def __init__(self, errors):
        rows = np.full((9, 2), 0.5)
        self.runs = Runs(("a", "b"), rows, -SCORES[:, None], np.ones(1))
        self.left_out = SCORES + errors
        self.rmse = float(np.sqrt(np.mean(np.square(errors))))


def judged(law, other):
    return {"log_linear": Judged(np.array(law)), "gaussian_process": Judged(np.array(other))}


def test_a_surrogate_that_is_clearly_better_than_the_law_is_chosen():
    assert choose(judged([0.2] * 9, [0.1, -0.1, 0.1, 0.05, -0.05, 0.1, 0.1, -0.1, 0.1])) == "gaussian_process"


def test_the_law_stays_where_another_is_better_by_one_lucky_run():
    errors = [0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.3]
    assert choose(judged(errors, [*errors[:-1], 0.05])) == "log_linear"


def test_the_law_is_chosen_where_it_is_best():
    assert choose(judged([0.05] * 9, [0.2] * 9)) == "log_linear"


@pytest.mark.parametrize("best", ["a", "b"])
def test_without_the_law_the_least_error_decides(best):
    errors = {name: np.full(9, 0.1 if name == best else 0.2) for name in "ab"}
    assert choose({name: Judged(error) for name, error in errors.items()}) == best
