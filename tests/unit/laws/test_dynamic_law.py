"""Dynamic laws: recovery, both intercepts, both forms, a diagonal A, and what they refuse."""

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.laws import DynamicLaw, fit_diagonal_law, fit_dynamic_law
from emulsion.laws.static import FewRunsWarning


def branches(m, n, seed=0):
    random = np.random.default_rng([seed, m])
    a = random.uniform(0.0, 0.05, (m, m)) + 0.2 * np.eye(m)
    return a, random.uniform(2.0, 3.0, m), random.dirichlet(np.ones(m), n), random


@pytest.mark.parametrize("m", [2, 3, 9])
@pytest.mark.parametrize("form", ["linear", "log_linear"])
def test_the_effects_of_a_round_are_recovered_with_their_level(m, form):
    a, before, rows, _ = branches(m, 3 * m)
    after = DynamicLaw(tuple(map(str, range(m))), tuple(map(str, range(m))), a, before, form).predict(rows)
    law = fit_dynamic_law(rows, after, before, form=form)
    assert pytest.approx(a, abs=1e-4) == law.A and law.intercept == pytest.approx(before)
    assert law.predict(rows) == pytest.approx(after, abs=1e-6)
    assert max(law.left_out.values()) < 1e-4


@pytest.mark.parametrize("form", ["linear", "log_linear"])
def test_a_free_intercept_predicts_the_same_and_leaves_what_tells_sources_apart(form):
    a, before, rows, random = branches(3, 20)
    after = before - rows @ a.T + 0.001 * random.normal(size=(20, 3))
    pinned, free = (fit_dynamic_law(rows, after, before, kind, form) for kind in ("pinned", "free"))
    assert free.predict(rows) == pytest.approx(pinned.predict(rows), abs=1e-4)
    assert free.A.sum(axis=1) == pytest.approx(np.zeros(3), abs=1e-9)
    assert pytest.approx(pinned.A - pinned.A.mean(axis=1, keepdims=True), abs=1e-3) == free.A
    uniform = np.full((1, 3), 1 / 3)
    assert free.predict(uniform)[0] == pytest.approx(free.intercept)


def test_one_diverged_branch_does_not_bend_a_robust_fit():
    a, before, rows, random = branches(3, 15)
    after = before - rows @ a.T + 0.001 * random.normal(size=(15, 3))
    after[4] += 2.0
    robust, plain = (np.abs(fit_dynamic_law(rows, after, before, robust=r).A - a).max() for r in (True, False))
    assert robust < 0.02 < plain


@pytest.mark.parametrize("diverged", [5.0, 30.0, 700.0])
@pytest.mark.parametrize("intercept", ["pinned", "free"])
def test_one_diverged_branch_of_eight_is_set_aside(intercept, diverged):
    a, before, rows, random = branches(3, 8)
    after = before - rows @ a.T + 0.001 * random.normal(size=(8, 3))
    others = fit_dynamic_law(np.delete(rows, 4, 0), np.delete(after, 4, 0), before, intercept)
    after[4] = diverged
    assert pytest.approx(fit_dynamic_law(rows, after, before, intercept).A, abs=2e-3) == others.A


def test_fewer_branches_than_sources_share_the_effect_and_say_so():
    _, before, rows, _ = branches(4, 2)
    with pytest.warns(FewRunsWarning, match="2 branches for 4 parameters.*at least 2 branches"):
        law = fit_dynamic_law(rows, np.tile(before - 0.1, (2, 1)), before)
    assert pytest.approx(np.full((4, 4), 0.1), abs=1e-3) == law.A
    assert law.left_out == {}


def test_one_mixture_only_gives_every_source_the_same_effect():
    _, before, _, _ = branches(3, 5)
    law = fit_dynamic_law(np.full((5, 3), 1 / 3), np.tile(before - 0.1, (5, 1)), before)
    assert pytest.approx(np.full((3, 3), 0.1), abs=1e-6) == law.A


def test_losses_at_the_checkpoint_are_matched_by_name():
    a, before, rows, _ = branches(3, 10)
    names = ["web", "code", "books"]
    after = pd.DataFrame(before - rows @ a.T, columns=names)
    mixtures = pd.DataFrame(rows, columns=names)
    shuffled = {name: before[names.index(name)] for name in ("books", "web", "code")}
    for losses in (shuffled, pd.Series(shuffled), before):
        assert pytest.approx(a, abs=1e-4) == fit_dynamic_law(mixtures, after, losses).A
    with pytest.raises(UserError, match=r"\['books', 'code'\] at the checkpoint"):
        fit_dynamic_law(mixtures, after, {"books": 1.0, "code": 1.0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"intercept": "fixed"}, "unknown intercept 'fixed'"),
        ({"form": "linaer"}, "unknown form 'linaer'. Did you mean 'linear'"),
        ({"losses": [1.0, 2.0]}, "one per group"),
        ({"losses": [1.0, np.nan, 2.0]}, "loss of '1' at the checkpoint"),
        ({"losses": [-1.0, 1.0, 2.0], "form": "log_linear"}, "positive losses"),
        ({"mixtures": np.full((6, 3), 0.5)}, "sums to 1.5"),
    ],
)
def test_bad_input_is_refused_in_words(change, words):
    given = {"mixtures": np.full((6, 3), 1 / 3), "next_losses": np.ones((6, 3)), "losses": [1.0, 1.0, 1.0]}
    with pytest.raises(UserError, match=words):
        fit_dynamic_law(**{**given, **change})


def diagonal(m=3, n=12, noise=0.0):
    random = np.random.default_rng(m)
    rows, effects = random.dirichlet(np.ones(m), n), random.uniform(0.1, 0.3, m)
    before = random.uniform(2, 3, m)
    return rows, before, effects, before - rows * effects + random.normal(0, noise, (n, m))


def test_the_effect_of_each_source_on_itself_is_recovered():
    rows, before, effects, after = diagonal()
    law = fit_diagonal_law(rows, after, before, sources=list("abc"), groups=list("abc"))
    assert np.diag(effects) == pytest.approx(law.A, abs=1e-6)
    assert law.predict(rows) == pytest.approx(after, abs=1e-6)
    assert max(law.left_out.values()) < 1e-6


def test_groups_are_matched_to_sources_by_name():
    rows, before, effects, after = diagonal()
    frame = pd.DataFrame(after, columns=list("abc"))[["c", "a", "b"]]
    law = fit_diagonal_law(pd.DataFrame(rows, columns=list("abc")), frame, dict(zip("abc", before, strict=True)))
    assert law.groups == ("c", "a", "b")
    assert np.diag(effects)[[2, 0, 1]] == pytest.approx(law.A, abs=1e-6)


def test_one_diverged_branch_does_not_bend_the_fit():
    rows, before, effects, after = diagonal(noise=0.001)
    after[4] += 2.0
    robust, plain = (
        np.abs(np.diag(fit_diagonal_law(rows, after, before, robust=r).A) - effects).max() for r in (True, False)
    )
    assert robust < 0.02 < plain


@pytest.mark.parametrize(
    ("fit", "settings"),
    [(fit_dynamic_law, {}), (fit_dynamic_law, {"form": "log_linear"}), (fit_diagonal_law, {})],
)
def test_the_error_of_branches_left_out_is_that_of_fits_without_them(fit, settings):
    rows, before, _, after = diagonal(noise=0.01)
    law = fit(rows, after, before, robust=False, **settings)
    errors = [
        after[n]
        - fit(np.delete(rows, n, 0), np.delete(after, n, 0), before, robust=False, **settings).predict(rows[n])[0]
        for n in range(len(rows))
    ]
    expected = np.sqrt((np.array(errors) ** 2).mean(axis=0))
    assert list(law.left_out.values()) == pytest.approx(expected.tolist(), rel=0.01 if settings else 1e-5)


def test_a_group_without_a_source_is_refused():
    rows, before, _, after = diagonal()
    with pytest.raises(UserError, match=r"unknown source 'cc'\. Did you mean 'c'"):
        fit_diagonal_law(rows, after, before, sources=["a", "b", "c"], groups=["a", "b", "cc"])


def test_a_source_that_no_branch_trains_on_has_no_effect():
    rows = np.array([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0]])
    law = fit_diagonal_law(rows, 2.0 - 0.1 * rows, np.full(3, 2.0))
    assert np.diag(law.A) == pytest.approx([0.1, 0.1, 0.0], abs=1e-6)
