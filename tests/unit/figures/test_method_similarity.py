"""The figure of similarity against improvement: what is drawn where."""

import pytest

from emulsion.errors import UserError
from emulsion.figures.method_similarity import (
    DEGENERATE,
    NOT_SIGNIFICANT,
    NOTE,
    correlation_text,
    draw_method_similarity,
)


def method(similarity, each, difference, interval=None, verdict="no significant difference", note=""):
    improvement = {"difference": difference, "interval": interval, "verdict": verdict}
    return {"similarity": similarity, "each": each, "improvement": improvement, "note": note}


def found(**methods):
    return {"experiment": "exp", "methods": methods, "correlation": None}


def test_a_method_is_at_its_mean_similarity_and_its_improvement_with_its_states_beside():
    axes = draw_method_similarity(found(aioli=method(0.6, [0.4, 0.8], 0.5, [0.3, 0.7], "better"))).axes[0]
    places = {tuple(map(tuple, line.get_xydata())) for line in axes.lines}
    no_improvement = ((0.0, 0.0), (1.0, 0.0))  # across the whole panel
    assert {((0.4, 0.5), (0.8, 0.5)), ((0.6, 0.5),), no_improvement} <= places
    assert axes.get_xlabel() == "Similarity of the method's effects and the fitted ones"
    assert axes.get_xlim() == (-1.08, 1.08)  # markers of -1 and 1 are whole
    assert axes.collections[0].get_segments()[0][:, 1].tolist() == [0.3, 0.7]
    assert [text.get_text() for text in axes.texts] == ["better"]


def test_methods_that_were_not_compared_are_left_out_and_none_is_refused():
    figure = draw_method_similarity(found(aioli=method(0.6, [0.6], 0.5), odd={"improvement": None}))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Aioli"]
    with pytest.raises(UserError, match="no method was compared with stratified"):
        draw_method_similarity(found(odd={"improvement": None}))


@pytest.mark.parametrize(("note", "words"), [("", ""), ("with 2 sources the", DEGENERATE)])
def test_two_sources_and_differences_that_are_noise_are_told_of(note, words):
    for verdict, more in (("no significant difference", NOT_SIGNIFICANT), ("worse", "")):
        figure = draw_method_similarity(found(aioli=method(0.6, [0.6], 0.5, note=note, verdict=verdict)))
        assert " ".join(figure._supxlabel.get_text().split()) == NOTE + more + words


def test_the_correlation_is_told_where_there_is_one():
    assert correlation_text({"r": 0.7, "r2": 0.49, "methods": 4}) == "Correlation over 4 methods: r = 0.70 (R² 0.49)"


def test_methods_that_are_all_alike_are_not_said_to_be_few():
    alike = found(**{name: method(1.0, [1.0], 0.5) for name in ("aioli", "doge", "odm")})
    title = draw_method_similarity(alike).axes[0].get_title(loc="left")
    assert title == "No correlation: fewer than three methods, or all alike"
