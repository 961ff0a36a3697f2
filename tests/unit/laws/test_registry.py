"""Every law by its name: fitted, saved and loaded again, with names and not positions."""

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.files import write_json
from emulsion.laws import FITS, fit_dynamic_law, fit_law, load_law, minimize_law, save_law
from emulsion.world.planted import noisy, planted_law

NAMES = ["web", "code", "books"]


def frames(n=24):
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(3), n)
    losses = noisy(planted_law(3, 0).predict(rows), 0.01, random)
    return pd.DataFrame(rows, columns=NAMES), pd.DataFrame(losses, columns=["x", "y", "z"])


@pytest.mark.parametrize("name", FITS)
def test_a_law_is_the_same_after_a_file(name, tmp_path):
    mixtures, losses = frames()
    law = fit_law(name, mixtures, losses)
    save_law(tmp_path / "law.json", law)
    again = load_law(tmp_path / "law.json")
    assert type(again) is type(law) and (again.sources, again.groups) == (tuple(NAMES), ("x", "y", "z"))
    assert np.array_equal(again.predict(mixtures), law.predict(mixtures))
    assert np.array_equal(again.predict(mixtures[["books", "web", "code"]]), law.predict(mixtures))
    assert again.to_json() == law.to_json()


@pytest.mark.parametrize("name", FITS)
def test_parameters_have_the_names_of_groups(name):
    mixtures, losses = frames()
    tables = [value for value in fit_law(name, mixtures, losses).parameters().values() if isinstance(value, dict)]
    assert any(set(table) == {"x", "y", "z"} for table in tables)


@pytest.mark.parametrize("known", ["no", "all", "some"])
@pytest.mark.parametrize("repeats", [True, False])
@pytest.mark.parametrize("name", FITS)
def test_every_law_is_of_runs_of_some_size_and_has_an_optimum_or_says_why_not(name, repeats, known):
    mixtures, losses = frames()
    epochs = mixtures * ([20.0, 5.0, 1.0] if repeats else 0.5)
    if repeats:
        losses = 2 + np.exp(-epochs.to_numpy() / 3).mean(axis=1, keepdims=True) + 0 * losses
    if known == "some":
        epochs.iloc[3, 1] = np.nan
        if name in ("best", "epochs", "trajectory"):
            with pytest.raises(UserError, match="run 3: 'code' is read nan times"):
                fit_law(name, mixtures, losses, epochs)
            return
    law = fit_law(name, mixtures, losses, None if known == "no" else epochs)
    law = law.for_run(2e6, dict.fromkeys(NAMES, 1e6))
    assert np.isfinite(law.predict(mixtures)).all()
    if name in ("bimix", "autoscale", "lightgbm"):
        with pytest.raises(UserError, match="search it with emulsion"):
            minimize_law(law, (0.1, 0.6))
    else:
        assert all(0.1 <= share <= 0.6 for share in minimize_law(law, (0.1, 0.6)).values())


@pytest.mark.parametrize("name", FITS)
def test_a_single_source_is_no_reason_to_fail(name):
    losses = 3 + 0.1 * np.random.default_rng(0).normal(size=(6, 2))
    assert fit_law(name, np.ones((6, 1)), losses).predict([[1.0]])[0] == pytest.approx(losses.mean(axis=0), abs=0.1)


@pytest.mark.parametrize("n", [24, 70])
@pytest.mark.parametrize("name", FITS)
def test_a_law_depends_on_no_order_of_runs_sources_or_groups(name, n):
    random, (mixtures, losses) = np.random.default_rng(3), frames(n)
    epochs = mixtures * [20.0, 5.0, 1.0]
    fresh = pd.DataFrame(random.dirichlet(np.ones(3), 50), columns=NAMES)
    law = fit_law(name, mixtures, losses, epochs).predict(fresh)
    rows = random.permutation(n)
    shuffled = fit_law(name, mixtures.iloc[rows], losses.iloc[rows], epochs.iloc[rows]).predict(fresh)
    assert shuffled == pytest.approx(law, abs=1e-6)
    turned = fit_law(name, mixtures[["books", "web", "code"]], losses[["z", "x", "y"]], epochs).predict(fresh)
    assert turned == pytest.approx(law[:, [2, 0, 1]], abs=1e-5)


def test_a_dynamic_law_is_the_same_after_a_file(tmp_path):
    mixtures, losses = frames()
    law = fit_dynamic_law(mixtures, losses, losses.iloc[0] + 0.1, "free", "log_linear")
    save_law(tmp_path / "law.json", law)
    assert np.array_equal(load_law(tmp_path / "law.json").predict(mixtures), law.predict(mixtures))


def test_a_replay_may_ask_for_every_law(request):
    schema = read_yaml(request.config.rootpath / "workflow/schemas/config.schema.yaml")
    replay = schema["properties"]["replays"]["additionalProperties"]["properties"]
    assert replay["laws"]["items"]["enum"] == list(FITS)


def test_unknown_laws_are_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UserError, match="Did you mean 'log_linear'"):
        fit_law("loglinear", *frames())
    write_json(tmp_path / "law.json", {"law": "cubic"})
    with pytest.raises(UserError, match=r"law\.json: unknown law 'cubic'"):
        load_law(tmp_path / "law.json")
