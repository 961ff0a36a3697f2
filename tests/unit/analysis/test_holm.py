"""Holm's correction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.analysis.holm import holm, holm_by_name

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P_VALUES)
def test_holm_keeps_the_order_and_only_ever_raises_a_p_value(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_its_step_down_procedure_rejects(p: list[float], alpha: float) -> None:
    rejected = set()
    for rank, index in enumerate(np.argsort(p, kind="stable").tolist()):
        if p[index] * (len(p) - rank) >= alpha:
            break
        rejected.add(index)
    assert rejected == set(np.flatnonzero(holm(p) < alpha).tolist())


@given(P_VALUES, st.randoms())
def test_holm_does_not_depend_on_the_order_of_the_tests(p: list[float], random) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    np.testing.assert_array_equal(np.sort(holm(p)), np.sort(holm([p[i] for i in order])))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm_by_name({"b": 0.01, "a": 0.5}) == {"b": 0.02, "a": 0.5}
    assert holm([]).size == 0
