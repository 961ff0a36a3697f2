"""Sets of mixtures that the evidence cannot tell from the best one."""

import numpy as np
import pytest

from emulsion.laws.region import Region
from emulsion.methods import design, optimise
from emulsion.methods.tied import TiedSet, mixtures_around
from emulsion.world.planted import best_and_uniform, noisy, planted_law

BOUNDS = (0.05, 0.7)
SETTINGS = {"objective": "mean_loss", "generations": 20, "population": 5, "bounds": BOUNDS}


def found(sd, seed=0, sizes=None, **settings):
    law = planted_law(3, seed, "plain")
    mixtures = design(12, law.sources, BOUNDS, None, seed)
    losses = noisy(law.predict(np.array([list(each.values()) for each in mixtures])), sd, np.random.default_rng(seed))
    results = [{"run": f"run{n}", "losses": dict(zip(law.groups, row, strict=True))} for n, row in enumerate(losses)]
    chosen = {**SETTINGS, "surrogates": ["log_linear"], "resamples": 40, **settings}
    return law, optimise(mixtures, results, law.sources, chosen, sizes=sizes)


def width(record):
    return sum(most - least for least, most in record["set"]["ranges"].values())


def test_the_set_has_the_pick_and_the_truth_inside_its_ranges_and_grows_with_the_noise():
    held = []
    for seed in range(12):
        law, record = found(0.01, seed)
        best, _, _ = best_and_uniform(law, BOUNDS)
        told = record["set"]
        for source, (least, most) in told["ranges"].items():
            assert least - 1e-9 <= record["ratios"][source] <= most + 1e-9
            assert told["vertices"][f"least {source}"][source] == pytest.approx(least)
            assert told["vertices"][f"most {source}"][source] == pytest.approx(most)
            assert BOUNDS[0] - 1e-9 <= least <= most <= BOUNDS[1] + 1e-9
        ranges = told["ranges"].values()
        held.append(all(a - 0.03 <= share <= b + 0.03 for (a, b), share in zip(ranges, best.values(), strict=True)))
        assert width(record) < width(found(0.05, seed)[1])
    assert sum(held) >= 11


def test_where_no_refits_say_how_sure_it_is_the_leave_one_out_error_does():
    assert found(0.01, surrogates=["gaussian_process"])[1]["set"]["by"] == "by less than the leave-one-out error"
    assert found(0.01)[1]["set"]["by"].startswith("by refits to resampled runs")


def test_the_member_nearest_to_the_sizes_is_nearer_to_them_than_the_pick():
    sizes = {"s0": 10.0, "s1": 30.0, "s2": 60.0}
    _, record = found(0.05, sizes=sizes)

    def apart(mixture):
        return sum(abs(mixture[name] - size / 100) for name, size in sizes.items())

    assert apart(record["set"]["nearest_to_sizes"]) < apart(record["ratios"])


def test_mixtures_that_are_looked_at_begin_with_the_best_and_keep_to_the_region():
    region, best = Region.of(("a", "b", "c"), BOUNDS), np.array([0.2, 0.3, 0.5])
    rows = mixtures_around(region, best, {"a": 1.0, "b": 1.0, "c": 98.0}, 0)
    assert rows[0].tolist() == best.tolist() and np.allclose(rows.sum(axis=1), 1)
    assert rows.min() >= BOUNDS[0] - 1e-9 and rows.max() <= BOUNDS[1] + 1e-9
    alone = TiedSet.of(rows[:1], ("a", "b", "c"), {})
    assert alone.nearest.tolist() == best.tolist()
