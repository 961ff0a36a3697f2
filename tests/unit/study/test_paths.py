"""Names of runs, and what they are of."""

import pytest

from emulsion.study.paths import mixture_and_seed, run_name


@pytest.mark.parametrize("mixture", ["equal_mix", "only-web", "a-seed", "seed3", "late-seedling"])
def test_the_name_of_a_run_says_its_mixture_and_its_seed(mixture):
    seeds = [4, 0, 17]
    assert [mixture_and_seed(run_name(mixture, seed, seeds)) for seed in seeds] == [
        (mixture, None),
        (mixture, 0),
        (mixture, 17),
    ]
