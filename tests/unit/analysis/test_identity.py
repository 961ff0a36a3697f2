"""Mixtures with the same runs are one."""

from __future__ import annotations

import pytest

from emulsion.analysis.identity import same_mixtures
from emulsion.errors import UserError

RUNS = ["equal", "equal", "other", "other", "unimax", "unimax"]


def test_mixtures_with_the_same_runs_count_once_and_are_named_together() -> None:
    same = same_mixtures(RUNS, ["e0", "e1", "o0", "o1", "e0", "e1"])
    assert same.first == {"equal": "equal", "other": "other", "unimax": "equal"}
    assert same.labels == {"equal": "equal = unimax", "other": "other"}
    assert same.kept == [0, 1, 2, 3]
    assert same.once(["unimax", "other", "equal"]) == ["equal", "other"]
    assert same.note == " equal = unimax: the same weights and so the same runs, counted once."


def test_where_all_differ_nothing_changes() -> None:
    same = same_mixtures(["a", "b"], ["1", "2"])
    assert same.first == same.labels == {"a": "a", "b": "b"}
    assert same.kept == [0, 1] and same.note == ""


def test_seeds_that_only_one_of_them_has_are_kept() -> None:
    same = same_mixtures(["a", "b", "b"], ["1", "1", "2"])
    assert same.kept == [0, 2]
    assert same.merged({"a": {0: "x"}, "b": {0: "y", 1: "z"}}) == {"a": {0: "x", 1: "z"}}


def test_three_that_share_runs_in_pairs_are_one() -> None:
    same = same_mixtures(["a", "b", "c", "c"], ["1", "2", "2", "1"])
    assert set(same.first.values()) == {"a"} and same.labels == {"a": "a = b = c"}


def test_every_run_has_an_identity() -> None:
    with pytest.raises(UserError, match="1 for 2 runs"):
        same_mixtures(["a", "b"], ["1"])
