"""Skill-It: its update by hand, and the graph from runs on each source alone."""

import math

import pytest

from emulsion.errors import UserError
from emulsion.methods import registry
from emulsion.methods.interface import Evidence
from emulsion.methods.skillit import skill_graph
from emulsion.mixture import Mixture
from method_cases import observation


def test_skillit_is_its_update_by_hand():
    graph = {"a": {"a": 0.5, "b": 0.1}, "b": {"a": 0.3, "b": 0.4}}
    method = registry.create("skillit", sources=["a", "b"], graph=graph, eta=0.2, window=2)
    assert math.log(method.start()["a"] / method.start()["b"]) == pytest.approx(0.2 * ((0.5 + 0.3) - (0.1 + 0.4)))
    losses = [{"a": 3.0, "b": 2.0}, {"a": 2.0, "b": 2.0}, {"a": 1.0, "b": 2.0}]
    for number, (low, high) in enumerate([(0, 1), (0, 2), (1, 3)]):
        mixture = method.update(observation(0, names=["a", "b"], losses=losses[number]))
        a, b = (sum(each[name] for each in losses[low:high]) for name in ("a", "b"))
        assert math.log(mixture["a"] / mixture["b"]) == pytest.approx(0.2 * (0.5 * a + 0.3 * b - 0.1 * a - 0.4 * b))
    assert method.effects == {"a": {"a": 0.5, "b": 0.1}, "b": {"a": 0.6, "b": 0.8}}


def test_skillit_learns_its_graph_from_runs_on_each_source_alone():
    start = {"a": 4.0, "b": 2.0}
    alone = {
        "a": {"before": start, "after": {"a": 2.0, "b": 1.8}},
        "b": {"before": start, "after": {"a": 4.4, "b": 1.0}},
    }
    graph = skill_graph(alone)
    assert graph["a"] == pytest.approx({"a": 0.5, "b": -0.1}) and graph["b"] == pytest.approx({"a": 0.1, "b": 0.5})
    with pytest.raises(UserError, match="graph: is missing; it comes from one run per source"):
        registry.create("skillit", sources=["a", "b"]).start()
    with pytest.raises(UserError, match=r"graph.b.b: is missing"):
        registry.create("skillit", sources=["a", "b"], graph={"a": {"a": 1, "b": 1}, "b": {"a": 1}})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"a": 1, "b": "1"}, "skillit.graph.b.b: should be a number, but is '1'."),
        ({"a": 1, "b": float("inf")}, "skillit.graph.b.b: should be a number, but is inf."),
        ({"a": 1, "b": None}, "skillit.graph.b.b: is missing."),
        ({"a": 1, "c": 1}, "skillit.graph.b: unknown field 'c'. Known: a, b."),
        (0.5, "skillit.graph.b: should be fields with values, but is 0.5."),
    ],
)
def test_a_graph_that_is_no_table_of_numbers_is_refused(row, words):
    with pytest.raises(UserError) as refusal:
        registry.create("skillit", sources=["a", "b"], graph={"a": {"a": 1, "b": 1}, "b": row})
    assert str(refusal.value) == words


def test_skillit_takes_the_mean_graph_of_several_seeds():
    ends = {"a": {"a": 2.0, "b": 1.8}, "a-seed1": {"a": 3.0, "b": 1.6}, "b": {"a": 4.0, "b": 1.0}}
    method = registry.create("skillit", sources=["a", "b"])
    method.prepare(
        Evidence(
            mixtures={run: Mixture({source: float(source == run[0]) for source in "ab"}) for run in ends},
            initial={run: {"a": 4.0, "b": 2.0} for run in ends},
            losses=ends,
        )
    )
    assert method.graph.ravel().tolist() == pytest.approx([0.375, 0.0, 0.15, 0.5])
