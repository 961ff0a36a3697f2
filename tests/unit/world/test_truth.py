"""The loss of every kind of world after one path, by the formulas of its module's head."""

from __future__ import annotations

import numpy as np
import pytest

from emulsion.laws.table import Floats
from emulsion.world.truth import (
    Drifting,
    Flipping,
    Interacting,
    Linear,
    LogLinear,
    Path,
    Recent,
    Repeating,
    Saturating,
    Transfer,
    Truth,
)

BASE = {
    "floor": np.array([1.0, 2.0]),
    "fall": np.array([3.0, 2.0]),
    "rate": np.array([5.0, 10.0]),
    "power": np.array([0.5, 0.25]),
}
X, LATER = np.array([[1.0, 0.2], [-0.1, 0.8]]), np.array([[0.5, 0.6], [0.3, 1.0]])
MIXTURES, LENGTHS = np.array([[0.25, 0.75], [0.9, 0.1]]), np.array([0.4, 0.8])
PATH = Path(MIXTURES[None], LENGTHS)
READ, END = np.array([0.82, 0.38]), 1.2
# For integrals over the run: the middles of short steps, and the mixture of each.
MOMENTS = (np.arange(12_000) + 0.5) / 10_000
SHARES = np.where(MOMENTS[:, None] < 0.4, *MIXTURES)


def curve(worth: Floats) -> Floats:
    return np.asarray(BASE["floor"] + BASE["fall"] * (1 + BASE["rate"] * worth) ** -BASE["power"])


def repeated(size: float, read: float) -> float:
    """Fresh tokens, and what repeated ones are worth: 4 epochs at most."""
    return min(read, size) + 4 * size * (1 - np.exp(-max(read / size - 1, 0) / 4))


def drifted() -> Floats:
    """The integral of X(t) p(t), with X the later one from the end of a target run on."""
    late = np.minimum(MOMENTS, 1)[:, None, None]
    return np.asarray(np.einsum("tij,tj->i", X + late * (LATER - X), SHARES) / 10_000)


def recent() -> Floats:
    weights = np.exp((MOMENTS - END) / 0.3)
    return np.asarray(weights @ SHARES / weights.sum())


SIZES = np.array([0.1, 2.0])
TOGETHER = np.zeros((2, 2, 2))
TOGETHER[:, 0, 1] = 0.3, -0.2


@pytest.mark.parametrize(
    ("truth", "expected"),
    [
        (Linear(**BASE, slopes=X), curve(np.full(2, END / 2)) - X @ (READ - END / 2)),
        (
            LogLinear(**BASE, effects=X),
            BASE["floor"] + (curve(np.full(2, END)) - BASE["floor"]) * np.exp(-X @ READ / END),
        ),
        (Transfer(**BASE, effects=X), curve(X @ READ)),
        (
            Interacting(**BASE, effects=X, together=TOGETHER),
            curve(X @ READ + np.array([0.3, -0.2]) * np.sqrt(READ[0] * READ[1])),
        ),
        (Saturating(**BASE, effects=X, enough=SIZES), curve(X @ (READ / (1 + READ / SIZES)))),
        (Drifting(**BASE, effects=X, later=LATER), curve(drifted())),
        (
            Recent(**BASE, effects=X, lost=np.array([0.4, 0.1]), half=0.2, window=0.3),
            curve(X @ READ) + np.array([0.4, 0.1]) * 0.2 / (0.2 + recent()),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_losses_of_a_world_are_those_of_its_formula(truth: Truth, expected: Floats) -> None:
    assert truth.losses(PATH)[0] == pytest.approx(expected, rel=1e-5)


def test_repeated_tokens_are_worth_less_and_late_ones_hurt_their_own_source() -> None:
    truth = Repeating(**BASE, effects=X, sizes=SIZES, worth_again=4.0, hurts=0.05)
    path = Path(MIXTURES[None], LENGTHS, documents=0.5)
    worth = np.array([repeated(*each) for each in zip(0.5 * SIZES, READ, strict=True)])
    hurt = 0.05 * np.log2([READ[0] / 0.05 / 4, 1])  # 16.4 epochs of the first
    assert truth.losses(path)[0] == pytest.approx(curve(X @ worth) + hurt)


def test_short_runs_have_other_effects_and_runs_of_any_plan_those_between() -> None:
    truth = Flipping(**BASE, effects=X, short=LATER)
    turned = 1 / (1 + (2.0 / 0.4) ** -4)
    found = truth.losses(Path(MIXTURES[None], LENGTHS, planned=2.0))[0]
    assert found == pytest.approx(curve((turned * X + (1 - turned) * LATER) @ READ))


def test_harm_takes_no_more_than_was_learnt() -> None:
    truth = Transfer(**BASE, effects=np.array([[-1.0, -1.0], [0.0, 0.0]]))
    assert truth.losses(PATH)[0] == pytest.approx(BASE["floor"] + BASE["fall"])
