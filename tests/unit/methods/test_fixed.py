import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.methods import create
from emulsion.methods.designs import epoch_caps
from emulsion.methods.interface import Evidence

sizes = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 10**9), min_size=1)


def mixture(kind, tokens, budget=0, epochs=0.0, **settings):
    method = create(kind, sources=list(tokens), **settings)
    [(until, found)] = method.propose(Evidence(sizes=tokens, tokens=budget, max_epochs=epochs))
    assert until == 1.0
    return found


@given(sizes)
def test_temperature_one_is_proportional_and_a_large_one_is_nearly_uniform(tokens):
    assert dict(mixture("temperature", tokens, tau=1.0)) == pytest.approx(dict(mixture("proportional", tokens)))
    uniform = dict.fromkeys(tokens, 1 / len(tokens))
    assert dict(mixture("temperature", tokens, tau=1e9)) == pytest.approx(uniform, rel=1e-6)
    assert dict(mixture("stratified", tokens)) == pytest.approx(uniform)


@given(sizes, st.floats(0.01, 8), st.floats(0.5, 8))
def test_unimax_keeps_every_cap_spends_the_budget_and_never_gives_a_larger_source_less(tokens, share, epochs):
    budget = share * sum(tokens.values())
    assume(budget <= epochs * sum(tokens.values()))
    found = mixture("unimax", tokens, budget, epochs)
    assert list(found) == list(tokens)
    assert all(found[source] * budget <= epochs * size * (1 + 1e-9) for source, size in tokens.items())
    by_size = [found[source] for source in sorted(tokens, key=tokens.get)]
    assert by_size == pytest.approx(sorted(by_size))


def test_unimax_is_uniform_where_no_cap_binds_and_fills_up_small_sources_where_one_does():
    assert dict(mixture("unimax", {"a": 100, "b": 1000}, 100, 1)) == {"a": 0.5, "b": 0.5}
    assert dict(mixture("unimax", {"a": 10, "b": 1000}, 100, 2)) == {"a": 0.2, "b": 0.8}


def test_unimax_refuses_a_budget_the_sources_cannot_fill():
    with pytest.raises(UserError, match="1,000 tokens wanted, but 2 epochs of all sources are 220"):
        mixture("unimax", {"a": 10, "b": 100}, 1000, 2)


def test_a_temperature_near_zero_takes_the_largest_sources():
    assert dict(mixture("temperature", {"a": 5, "b": 5, "c": 1}, tau=1e-4)) == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_a_temperature_must_be_positive():
    with pytest.raises(UserError, match=r"temperature\.tau: should be a number above 0, but is 0"):
        mixture("temperature", {"a": 1}, tau=0)
    with pytest.raises(UserError, match=r"temperature\.tau: is missing"):
        mixture("temperature", {"a": 1})


STAGES = [{"until": 0.5, "weights": {"a": 1, "b": 1, "c": 2}}, {"until": 1.0, "weights": {"b": 3, "a": 1}}]


def test_what_is_given_keeps_its_stages_and_leaving_a_source_out_rescales_the_rest_of_each():
    nothing, sources = Evidence(), ["c", "b", "a"]
    given_stages = create("given", sources=sources, stages=STAGES).propose(nothing)
    assert [(until, dict(each)) for until, each in given_stages] == [
        (0.5, {"c": 0.5, "b": 0.25, "a": 0.25}),
        (1.0, {"c": 0.0, "b": 0.75, "a": 0.25}),
    ]
    left_out = create("without", sources=sources, stages=STAGES, source="b").propose(nothing)
    assert [dict(each) for _, each in left_out] == [
        pytest.approx({"c": 2 / 3, "b": 0.0, "a": 1 / 3}),
        {"c": 0.0, "b": 0.0, "a": 1.0},
    ]
    assert create("only", sources=sources, source="b").propose(nothing) == [(1.0, {"c": 0.0, "b": 1.0, "a": 0.0})]
    with pytest.raises(UserError, match=r"only\.source: unknown source 'd'"):
        create("only", sources=sources, source="d")


def test_a_point_is_one_of_its_design():
    point = create("point", sources=["b", "a"], points={"kind": "grid", "count": 3}, number=2)
    assert [dict(each) for _, each in point.propose(Evidence())] == [{"b": 0.75, "a": 0.25}]


def test_a_source_is_capped_where_its_epochs_run_out_and_nowhere_above_one():
    evidence = Evidence(sizes={"small": 10, "large": 1000}, tokens=100, max_epochs=4)
    assert epoch_caps(evidence, ["small", "large"], None) == {"small": 0.4, "large": 1.0}


def test_caps_that_no_mixture_keeps_are_left_out_where_more_epochs_are_only_warned_of(caplog):
    evidence = {"sizes": {"a": 10, "b": 1000}, "tokens": 1000, "max_epochs": 4}
    bounds = (0.1, 0.9)
    assert epoch_caps(Evidence(**evidence), ["a", "b"], bounds) == {"a": 0.04, "b": 1.0}
    assert not caplog.records
    assert epoch_caps(Evidence(**evidence, strict=False), ["a", "b"], bounds) == {}
    assert "'a' must weigh at least 0.1 but its cap is 0.04" in caplog.text
    assert epoch_caps(Evidence(**evidence, strict=False), ["a", "b"], None) == {"a": 0.04, "b": 1.0}


def test_unimax_repeats_all_sources_alike_where_they_cannot_fill_the_run_and_more_is_only_warned_of(caplog):
    evidence = {"sizes": {"a": 10, "b": 30}, "tokens": 1000, "max_epochs": 4}
    with pytest.raises(UserError, match="1,000 tokens wanted, but 4 epochs of all sources are 160"):
        create("unimax", sources=["a", "b"]).propose(Evidence(**evidence))
    [(until, found)] = create("unimax", sources=["a", "b"]).propose(Evidence(**evidence, strict=False))
    assert (until, dict(found)) == (1.0, {"a": 0.25, "b": 0.75})
    assert "1,000 tokens wanted" in caplog.text
    assert epoch_caps(Evidence(sizes={"small": 10}), ["small"], None) == {}
