"""ODM: its steps by hand, and what it does with losses beyond all bounds."""

import math

import pytest

from emulsion.methods import registry
from method_cases import observation


def _exploration(turn, count=2):
    return min(1 / count, math.sqrt(math.log(count) / (count * turn))) if turn else 1 / count


@pytest.mark.parametrize("variant", ["smoothed_linear", "smoothed_exp", "exp3"])
def test_odm_is_its_steps_by_hand(variant):
    method = registry.create("odm", sources=["a", "b"], variant=variant)
    rewards, weights = [0.0, 0.0], [0.5, 0.5]
    rounds = [((2.0, 1.0), (4, 4)), ((1.5, 3.0), (8, 0)), ((1.0, 2.0), (2, 6)), ((0.5, 2.5), (1, 7))]
    for turn, (losses, counts) in enumerate(rounds, start=1):
        for j in range(2):
            if counts[j]:
                if variant == "exp3":
                    rewards[j] += losses[j] / 10 / weights[j]
                else:
                    rewards[j] = 0.9 * rewards[j] + 0.1 * math.exp(losses[j])
        powers = rewards
        if variant != "smoothed_linear":
            powers = [math.exp(_exploration(turn - 1) * reward) for reward in rewards]
        explore = _exploration(turn)
        weights = [(1 - 2 * explore) * power / sum(powers) + explore for power in powers]
        named = {
            what: dict(zip("ab", values, strict=True)) for what, values in (("losses", losses), ("counts", counts))
        }
        assert list(method.update(observation(0, names=["a", "b"], **named)).values()) == pytest.approx(weights)


def test_odm_survives_huge_losses_and_leaves_its_warm_up_alone():
    seen = observation(0, names=["a", "b"], losses={"a": 9000.0, "b": 1.0})
    for variant in ("smoothed_linear", "smoothed_exp", "exp3"):
        method = registry.create("odm", sources=["a", "b"], variant=variant)
        for _ in range(20):
            mixture = method.update(seen)
        assert math.isfinite(mixture["a"]) and mixture["a"] > mixture["b"] > 0
    assert registry.create("odm", sources=["a", "b"], warmup=0.5).update(seen)["a"] == 0.5
