"""ADO: curves recovered, outliers withstood, and its steps by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from emulsion.methods import ado, registry
from emulsion.methods.ado import UNIT, fit_curve
from method_cases import observation


@pytest.mark.parametrize(
    ("eps", "beta", "alpha"), [(1.5, 6.0, 0.4), (0.4, 3.0, 0.15), (2.2, 20.0, 0.7), (1.0, 0.5, 0.3)]
)
def test_ado_recovers_planted_curves(eps, beta, alpha):
    n = np.geomspace(50, 20_000, 60)
    curve = fit_curve(n, eps + beta * n**-alpha)
    assert [math.exp(curve.ln_eps), math.exp(curve.ln_beta), curve.alpha] == pytest.approx([eps, beta, alpha], rel=1e-3)


def test_ado_is_not_bent_by_an_outlier_and_takes_flat_and_rising_losses():
    n = np.geomspace(50, 20_000, 60)
    losses = 1.5 + 6 * n**-0.4
    losses[30] *= 1.5
    assert fit_curve(n, losses).alpha == pytest.approx(0.4, abs=0.03)
    for flat in (np.full(60, 2.0), 2 + 1e-5 * n):
        curve = fit_curve(n, flat)
        assert all(map(math.isfinite, (curve.ln_eps, curve.ln_beta, curve.alpha)))


def test_ado_steps_by_hand_towards_the_source_whose_loss_falls_fastest():
    planted = {"a": (1.0, 6.0, 0.4), "b": (2.0, 2.0, 0.3)}
    method = registry.create("ado", sources=["a", "b"], ignored=0.0, refit=0.0)
    method.start()
    mean, history = np.full(2, 0.5), np.full(2, 0.5)
    for number in range(8):
        n = 200.0 * (number + 1)
        losses = {name: eps + beta * n**-alpha for name, (eps, beta, alpha) in planted.items()}
        seen = observation(number, names=["a", "b"], losses=losses, tokens=int(n * UNIT))
        weights = list(method.update(seen).values())
        if number >= 4:  # five points make a curve
            falls = np.array([alpha * beta * n**-alpha / n for _, beta, alpha in planted.values()])
            rho = falls * 0.5 * np.sqrt(history)
            rho = rho / rho.sum()
            assert weights == pytest.approx((0.9 * mean + 0.1 * rho).tolist(), rel=1e-3)
            assert [method.effects[name][name] for name in "ab"] == pytest.approx(falls.tolist(), rel=1e-3)
            mean = mean + (rho - mean) / (number + 2)
        history = 0.9 * history + 0.1 * np.array(weights)
    assert weights[0] > 0.5


def test_ado_leaves_the_prior_behind_though_inertia_is_large():
    # Only a's loss falls, so rho has all but the floor of it; a mean of p would keep most of the prior for ever.
    method = registry.create("ado", sources=["a", "b"], ignored=0.0, refit=0.0)
    for number in range(50):
        losses = {"a": 2 + 8 * (20 + 10 * number) ** -0.5, "b": 2.0}
        mixture = method.update(observation(number, names=["a", "b"], losses=losses, tokens=UNIT * (20 + 10 * number)))
    assert mixture["a"] > 0.85


@pytest.mark.parametrize(("refit", "fitted"), [(0.02, range(5, 12)), (0.1, (5, 10))])
@pytest.mark.parametrize("steps", [187, 200, 1875])
def test_ado_fits_as_often_as_it_is_to_though_some_rounds_are_a_step_shorter(steps, refit, fitted, monkeypatch):
    fits = []
    monkeypatch.setattr(ado, "fit_curve", lambda n, losses: fits.append(len(n)) or fit_curve(n, losses))
    method = registry.create("ado", sources=["a", "b"], ignored=0.0, refit=refit, rounds=50)
    for number in range(1, 12):
        step = round(number * steps / 50)
        losses = {"a": 2 + 3 / number, "b": 2 + 4 / number}
        method.update(replace(observation(number, names=["a", "b"], losses=losses), step=step, steps=steps))
    assert fits == [points for points in fitted for _ in "ab"]
