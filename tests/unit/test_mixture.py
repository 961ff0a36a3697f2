import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.mixture import Mixture, mean_of_stages, mixture_file, read_mixture

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


def test_the_mean_of_stages_weighs_each_by_its_share_of_the_run():
    stages = [(0.25, Mixture({"a": 1})), (0.5, Mixture({"b": 1, "a": 1})), (1.0, Mixture({"b": 3, "c": 1}))]
    assert mean_of_stages(stages) == pytest.approx({"a": 0.375, "b": 0.5, "c": 0.125})


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


def test_a_mixture_file_is_read_as_it_was_made(tmp_path):
    costs = [{"what": "swarm small", "runs": 3, "tokens": 9, "evaluation_tokens": 0}]
    made = mixture_file("exp", "even", "stratified", [(1.0, Mixture({"a": 1, "b": 2}))], costs)
    write_json(tmp_path / "even.json", made)
    assert read_mixture(tmp_path / "even.json") == made


WHOLE_RUN = {"experiment": "e", "name": "n", "schedule": [{"until": 1, "weights": {"a": 1}}]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], ": should be fields with values"),
        (None, ": should be fields with values"),
        ({}, "experiment: is missing"),
        ({**WHOLE_RUN, "experiment": None}, "experiment: is missing"),
        ({**WHOLE_RUN, "name": 5}, "name: should be text, but is 5"),
        ({**WHOLE_RUN, "schedul": 1}, "unknown field 'schedul'. Did you mean 'schedule'"),
        ({**WHOLE_RUN, "schedule": []}, "schedule: should be a list of stages"),
        ({**WHOLE_RUN, "schedule": {"a": 1}}, "schedule: should be a list of stages"),
        ({**WHOLE_RUN, "schedule": ["a"]}, r"schedule\[0\]: should be fields with values"),
        ({**WHOLE_RUN, "schedule": [{"weights": {"a": 1}}]}, r"schedule\[0\].until: is missing"),
        ({**WHOLE_RUN, "schedule": [{"until": "1", "weights": {"a": 1}}]}, r"until: should be a number"),
        ({**WHOLE_RUN, "schedule": [{"until": 1, "weights": [1]}]}, "weights: should be a mapping by source"),
        ({**WHOLE_RUN, "schedule": [{"until": 1, "weights": {"a": "1"}}]}, r"weights.a: the weight '1' is not"),
        ({**WHOLE_RUN, "needed": 5}, "needed: should be a list of costs"),
    ],
)
def test_a_mixture_file_of_another_form_is_refused_before_anything_is_trained_on_it(tmp_path, content, words):
    write_json(tmp_path / "odd.json", content)
    with pytest.raises(UserError, match=rf"odd\.json.*{words}"):
        read_mixture(tmp_path / "odd.json")
