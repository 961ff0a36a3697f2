"""Similarity of two matrices of effects, worked out by hand, and where it says nothing."""

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.laws import diagonal_form, similarity


def test_the_formula_on_column_sums():
    a, b = np.diag([3.0, 4.0, 0.0]), np.diag([4.0, 3.0, 0.0])
    found = similarity(a, b)
    assert found["cosine"] == pytest.approx(24 / 25) and found["spearman"] == pytest.approx(0.5)
    assert found["similarity"] == pytest.approx(0.5 * 24 / 25 + 0.25) and not found["degenerate"]


def test_scale_and_the_order_of_rows_do_not_matter_but_columns_do():
    a = np.random.default_rng(0).normal(size=(4, 4))
    same = similarity(a, 7 * a[::-1])
    assert same["similarity"] == pytest.approx(1.0)
    assert similarity(a, a[:, ::-1])["similarity"] < 0.99
    assert similarity(a, -a)["similarity"] == pytest.approx(-1.0)


def test_frames_are_matched_by_name():
    a = pd.DataFrame([[1.0, 2.0, 4.0]] * 3, columns=list("xyz"), index=list("xyz"))
    assert similarity(a, a[["z", "x", "y"]])["similarity"] == pytest.approx(1.0)
    with pytest.raises(UserError, match="name different sources"):
        similarity(a, a.rename(columns={"x": "w"}))


def test_two_sources_are_flagged_as_degenerate():
    found = similarity(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 3.0]]))
    assert found["spearman"] == pytest.approx(1.0) and found["degenerate"] and "2 sources" in found["note"]
    tied = similarity(np.eye(2), np.diag([1.0, 2.0]))
    assert tied["spearman"] == 0.0 and tied["similarity"] == 0.5 * tied["cosine"] and "all the same" in tied["note"]


def test_a_matrix_of_zeros_has_no_direction():
    found = similarity(np.zeros((3, 3)), np.eye(3))
    assert (found["cosine"], found["spearman"], found["similarity"]) == (0.0, 0.0, 0.0) and found["degenerate"]


def test_the_diagonal_form_of_two_sources():
    assert diagonal_form([[3.0, 1.0], [0.5, 4.0]]).tolist() == [[2.0, 0.0], [0.0, 3.5]]
    with pytest.raises(UserError, match="2 groups"):
        diagonal_form(np.eye(3))


@pytest.mark.parametrize("other", [np.eye(2), np.full((3, 3), np.nan), np.ones(3)])
def test_matrices_that_do_not_compare_are_refused(other):
    with pytest.raises(UserError, match="similarity"):
        similarity(np.eye(3), other)


def test_effects_by_name_are_matched_as_frames_are():
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 5.0]], index=["a", "b"], columns=["a", "b"])
    other = {"b": {"b": 5.0, "a": 3.0}, "a": {"b": 2.0, "a": 1.0}}
    assert similarity(frame, other)["similarity"] == pytest.approx(1) == similarity(other, other)["similarity"]
    with pytest.raises(UserError, match="different sources or groups"):
        similarity(frame, {"a": {"a": 1.0, "c": 2.0}, "b": {"a": 1.0, "c": 2.0}})
