"""The diagonal dynamic law: recovery, robustness, groups by name."""

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.laws import fit_diagonal_law


def planted(m=3, n=12, noise=0.0):
    random = np.random.default_rng(m)
    rows, effects = random.dirichlet(np.ones(m), n), random.uniform(0.1, 0.3, m)
    before = random.uniform(2, 3, m)
    return rows, before, effects, before - rows * effects + random.normal(0, noise, (n, m))


def test_the_effect_of_each_source_on_itself_is_recovered():
    rows, before, effects, after = planted()
    law = fit_diagonal_law(rows, after, before, sources=list("abc"), groups=list("abc"))
    assert np.diag(effects) == pytest.approx(law.A, abs=1e-6)
    assert law.predict(rows) == pytest.approx(after, abs=1e-6)
    assert max(law.left_out.values()) < 1e-6


def test_groups_are_matched_to_sources_by_name():
    rows, before, effects, after = planted()
    frame = pd.DataFrame(after, columns=list("abc"))[["c", "a", "b"]]
    law = fit_diagonal_law(pd.DataFrame(rows, columns=list("abc")), frame, dict(zip("abc", before, strict=True)))
    assert law.groups == ("c", "a", "b")
    assert np.diag(effects)[[2, 0, 1]] == pytest.approx(law.A, abs=1e-6)


def test_one_diverged_branch_does_not_bend_the_fit():
    rows, before, effects, after = planted(noise=0.001)
    after[4] += 2.0
    robust, plain = (
        np.abs(np.diag(fit_diagonal_law(rows, after, before, robust=r).A) - effects).max() for r in (True, False)
    )
    assert robust < 0.02 < plain


def test_a_group_without_a_source_is_refused():
    rows, before, _, after = planted()
    with pytest.raises(UserError, match=r"unknown source 'cc'\. Did you mean 'c'"):
        fit_diagonal_law(rows, after, before, sources=["a", "b", "c"], groups=["a", "b", "cc"])


def test_a_source_that_no_branch_trains_on_has_no_effect():
    rows = np.array([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0]])
    law = fit_diagonal_law(rows, 2.0 - 0.1 * rows, np.full(3, 2.0))
    assert np.diag(law.A) == pytest.approx([0.1, 0.1, 0.0], abs=1e-6)
