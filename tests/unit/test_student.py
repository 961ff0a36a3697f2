"""Student's t: quantiles, and estimates with their intervals and tests."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.student import LEVEL, Estimate, quantile


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20).filter(lambda values: np.std(values) > 1e-6))
def test_a_mean_has_the_interval_and_the_p_value_of_the_t_test(values):
    found, known = Estimate.mean(values), scipy.stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(known.pvalue, rel=1e-6)
    assert found.interval() == pytest.approx([*known.confidence_interval(LEVEL)], rel=1e-6, abs=1e-9)
    assert found.cell() == {"difference": found.value, "interval": found.interval(), "p": found.p}


def test_infinite_freedom_is_the_normal_distribution_and_less_freedom_reaches_further():
    assert quantile(math.inf) == pytest.approx(1.959964, abs=1e-6)
    assert quantile(1) > quantile(2) > quantile(30) > quantile(math.inf)


def test_an_error_of_nothing_is_certain_and_one_without_freedom_says_nothing():
    assert Estimate(0.5, 0.0, 3).p == 0 and Estimate(0.0, 0.0, 3).p == 1
    assert Estimate(0.5, 0.1, 0).p == 1 and math.isfinite(Estimate(0.5, 0.1, 0).interval()[0])


@pytest.mark.parametrize("level", [0, 1, 95, -0.5, math.nan])
def test_a_level_in_per_cent_is_refused(level):
    with pytest.raises(UserError, match="level: should be above 0 and below 1"):
        quantile(5, level)
