"""The table of scores: order, what is marked as best, and refusals in words."""

import pytest

from emulsion.analysis import decide
from emulsion.analysis.decide import decide_all
from emulsion.analysis.scores import by_number
from emulsion.errors import UserError
from emulsion.figures.score_cells import capability_scores, clear_best
from figure_results import capabilities


def test_runs_keep_their_order_and_capabilities_have_a_fixed_one() -> None:
    first = capabilities({"code": 0.5, "reasoning": 0.4, "instruction_following": 0.3})
    second = capabilities({"reasoning": 0.4, "instruction_following": 0.3, "code": 0.5})
    scores = capability_scores({"zeta": first, "alpha": second})
    assert scores.runs == ["zeta", "alpha"]
    assert scores.columns == ["instruction_following", "reasoning", "code", "mean"]
    assert scores.cells["zeta"] == scores.cells["alpha"]


def test_the_best_of_a_column_is_the_one_its_decision_names() -> None:
    runs = {"a": capabilities({"reasoning": 0.80, "code": 0.60}), "b": capabilities({"reasoning": 0.30, "code": 0.52})}
    decisions = {
        "reasoning": decide({"a": [0.80, 0.81], "b": [0.30, 0.31]}),
        "code": decide({"a": [0.60, 0.50], "b": [0.52, 0.56]}),
    }
    assert clear_best(capability_scores(runs), decisions) == {"reasoning": "a"}


def test_intervals_far_apart_make_no_best_where_each_was_trained_once_or_stands_alone() -> None:
    runs = {"a": capabilities({"reasoning": 0.9}), "b": capabilities({"reasoning": 0.1})}
    once = decide_all(by_number({run: [result] for run, result in runs.items()}))
    assert clear_best(capability_scores(runs), once) == {}
    alone = {"a": runs["a"]}
    assert clear_best(capability_scores(alone), decide_all(by_number({"a": [runs["a"], runs["a"]]}))) == {}


@pytest.mark.parametrize("order", [("full", "partial"), ("partial", "full")])
def test_a_missing_capability_names_the_run_and_the_capability(order: tuple[str, str]) -> None:
    runs = {
        "full": capabilities({"reasoning": 0.5, "code": 0.5}),
        "partial": capabilities({"reasoning": 0.5}),
    }
    with pytest.raises(UserError, match=r"run 'partial': no score for capability 'code', which run 'full' has"):
        capability_scores({run: runs[run] for run in order})


def test_different_items_are_not_compared() -> None:
    runs = {"a": capabilities({"reasoning": 0.5}, items=40), "b": capabilities({"reasoning": 0.5}, items=30)}
    with pytest.raises(UserError, match=r"'b'.* has 30 items, run 'a' has 40"):
        capability_scores(runs)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"score": None}, "needs a 'score'"),
        ({"interval": [0.4]}, "needs a 'score'"),
        ({"interval": [0.6, 0.4]}, "between 0 and 1"),
        ({"score": 72.0, "interval": [70.0, 74.0]}, "between 0 and 1"),
        ({"score": float("nan")}, "between 0 and 1"),
    ],
)
def test_a_malformed_cell_is_named(cell: dict, words: str) -> None:
    run = capabilities({"reasoning": 0.5})
    run["capabilities"]["reasoning"].update(cell)
    with pytest.raises(UserError, match=f"run 'a', reasoning: .*{words}"):
        capability_scores({"a": run})


@pytest.mark.parametrize("content", [[], {}, {"capabilities": {}}, {"capabilities": {"reasoning": 0.5}}])
def test_a_file_of_another_kind_is_refused(content: object) -> None:
    with pytest.raises(UserError, match="run 'a'"):
        capability_scores({"a": content})
