"""What mixtures are judged by, and which methods aim at it."""

import pytest

from emulsion.study.judges import aims_at, judged_by, objective_of, weights

WEIGHTS = {"a": 2.0, "b": 1.0}
LOSSES, CAPABILITIES = "losses", "capabilities"


def settings(judge, suites=("facts",), **weighed):
    return {"judge": judge, "suites": list(suites), "loss_weights": weighed.get("weights")}


@pytest.mark.parametrize(
    ("judge", "suites", "kinds"),
    [
        ("auto", [], [LOSSES]),
        ("auto", ["facts"], [CAPABILITIES]),
        ("losses", ["facts"], [LOSSES]),
        ("both", ["facts"], [CAPABILITIES, LOSSES]),
    ],
)
def test_suites_judge_where_there_are_any_and_nothing_else_is_said(judge, suites, kinds):
    assert judged_by(settings(judge, suites)) == kinds


@pytest.mark.parametrize("given", [{}, {"objective": "mean_loss"}])
def test_the_mean_loss_that_a_method_aims_at_has_the_weights_that_judge(given):
    method, judged = {"kind": "optimum", **given}, settings("losses", weights=WEIGHTS)
    assert objective_of(judged, method) == {LOSSES: WEIGHTS}
    assert aims_at(judged, method) == LOSSES
    assert objective_of(settings("losses"), method) == "mean_loss"


@pytest.mark.parametrize("given", [{}, {"objective": "mean_loss"}])
def test_the_mean_loss_has_its_weights_where_capabilities_judge_first(given):
    assert objective_of(settings("both", weights=WEIGHTS), {"kind": "dml", **given}) == {LOSSES: WEIGHTS}
    assert objective_of(settings("both", weights=WEIGHTS), {"kind": "optimum"}) == "mean_capability"


@pytest.mark.parametrize("kind", ["emulsion", "emulsion_online"])
def test_a_method_of_weighted_sources_has_the_weights_that_judge_unless_they_are_given(kind):
    judged = settings("losses", weights=WEIGHTS)
    assert weights(judged, {"kind": kind}) == WEIGHTS
    assert weights(judged, {"kind": kind, "weights": {"a": 1.0}}) is None
    assert weights(settings("losses"), {"kind": kind}) is None and weights(judged, {"kind": "aioli"}) is None


@pytest.mark.parametrize(
    ("judge", "aim", "kind"),
    [
        ("both", "mean_loss", LOSSES),
        ("both", None, CAPABILITIES),
        ("capabilities", "mean_loss", None),
        ("losses", "mean_capability", None),
        ("losses", {LOSSES: {"a": 1.0}}, None),
    ],
)
def test_a_method_is_held_to_its_own_measure_where_that_judges(judge, aim, kind):
    assert aims_at(settings(judge), {"kind": "optimum", "objective": aim}) == kind
