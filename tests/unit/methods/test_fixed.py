import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.methods.fixed import epoch_caps, proportional, temperature, unimax

sizes = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 10**9), min_size=1)


@given(sizes)
def test_temperature_one_is_proportional_and_a_large_one_is_nearly_uniform(tokens):
    assert dict(temperature(tokens, 1.0)) == pytest.approx(dict(proportional(tokens)))
    assert dict(temperature(tokens, 1e9)) == pytest.approx(dict.fromkeys(tokens, 1 / len(tokens)), rel=1e-6)


@given(sizes, st.floats(0.01, 8), st.floats(0.5, 8))
def test_unimax_keeps_every_cap_spends_the_budget_and_never_gives_a_larger_source_less(tokens, share, epochs):
    budget = share * sum(tokens.values())
    assume(budget <= epochs * sum(tokens.values()))
    mixture = unimax(tokens, budget, epochs)
    assert list(mixture) == list(tokens)
    assert all(mixture[source] * budget <= epochs * size * (1 + 1e-9) for source, size in tokens.items())
    by_size = [mixture[source] for source in sorted(tokens, key=tokens.get)]
    assert by_size == pytest.approx(sorted(by_size))


def test_unimax_is_uniform_where_no_cap_binds_and_fills_up_small_sources_where_one_does():
    assert dict(unimax({"a": 100, "b": 1000}, 100, 1)) == {"a": 0.5, "b": 0.5}
    assert dict(unimax({"a": 10, "b": 1000}, 100, 2)) == {"a": 0.2, "b": 0.8}


def test_unimax_refuses_a_budget_the_sources_cannot_fill():
    with pytest.raises(UserError, match="1,000 tokens wanted, but 2 epochs of all sources are 220"):
        unimax({"a": 10, "b": 100}, 1000, 2)


def test_a_temperature_must_be_positive():
    with pytest.raises(UserError, match="tau is 0"):
        temperature({"a": 1}, 0)


def test_a_source_is_capped_where_its_epochs_run_out_and_nowhere_above_one():
    assert epoch_caps({"small": 10, "large": 1000}, tokens=100, max_epochs=4) == {"small": 0.4, "large": 1.0}
