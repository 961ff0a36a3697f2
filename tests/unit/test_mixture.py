import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.mixture import Mixture

weights = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1e6), min_size=1).filter(
    lambda values: sum(values.values()) > 1e-9
)


@given(weights)
def test_weights_sum_to_one_and_keep_their_ratios_and_order(values):
    mixture = Mixture(values)
    total = math.fsum(values.values())
    assert math.isclose(math.fsum(mixture.values()), 1.0)
    assert list(mixture) == list(values)
    for source, value in values.items():
        assert math.isclose(mixture[source], value / total, abs_tol=1e-300)


def test_equal_weights_make_equal_mixtures_whatever_their_scale_and_order():
    assert Mixture({"a": 3, "b": 1}) == Mixture({"b": 0.25, "a": 0.75}) == {"a": 0.75, "b": 0.25}
    assert hash(Mixture({"a": 3, "b": 1})) == hash(Mixture({"b": 1, "a": 3}))


def test_a_mixture_cannot_be_changed():
    with pytest.raises(TypeError):
        Mixture({"a": 1})["a"] = 2


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "0.5", None, True, 10**400])
def test_a_weight_that_is_no_share_is_refused_by_name(bad):
    with pytest.raises(UserError, match=r"strategies\.s\.b"):
        Mixture({"a": 1.0, "b": bad}, where="strategies.s")


@pytest.mark.parametrize("empty", [{}, {"a": 0.0}, {"a": 0, "b": 0}])
def test_weights_that_are_all_zero_are_refused(empty):
    with pytest.raises(UserError, match="at least one must be positive"):
        Mixture(empty)


def test_numpy_numbers_are_weights():
    assert Mixture({"a": np.float32(1), "b": np.int64(3)})["b"] == 0.75


def test_over_puts_weights_in_the_order_asked_for_and_fills_up_with_zero():
    assert list(Mixture({"a": 1, "b": 3}).over(["b", "c", "a"]).items()) == [("b", 0.75), ("c", 0.0), ("a", 0.25)]


def test_over_refuses_to_lose_a_source_that_weighs_something():
    with pytest.raises(UserError, match="'a'"):
        Mixture({"a": 1, "b": 3}).over(["b"])


def test_without_rescales_the_rest_in_proportion():
    rest = Mixture({"a": 0.5, "b": 0.3, "c": 0.2}).without("a")
    assert rest["a"] == 0
    assert math.isclose(rest["b"], 0.6)
    assert rest.support == ["b", "c"]


def test_uniform_weighs_every_source_the_same():
    assert Mixture.uniform(["a", "b", "c", "d"]) == dict.fromkeys("abcd", 0.25)


def test_weights_too_large_to_be_added_are_refused_in_words():
    with pytest.raises(UserError, match="too large to be added; write shares of 1"):
        Mixture({"a": 1e308, "b": 1e308})
