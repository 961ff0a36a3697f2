"""Checks on swarms: what is said of branches that whole steps move."""

import pytest

from config_cases import SCHEMA, changed
from emulsion.study.check import check


@pytest.mark.parametrize(
    ("after", "tokens", "notes"),
    [
        (8_160, 4_320, []),
        (8_200, 4_320, []),  # half a per cent off
        (8_160, 1_200, ["tokens (of experiments.exp3): 1,200 tokens come to 2 whole step(s) of 480, 960."]),
        (700, 4_320, ["after (of experiments.exp3): 700 tokens come to 1 whole step(s) of 480, 480."]),
    ],
)
def test_branches_that_leave_or_end_elsewhere_than_was_asked_are_remarked_on(after, tokens, notes):
    config = changed("swarms/small/branches", {"early": {"after": after, "tokens": tokens}})
    assert check(config, SCHEMA) == [f"swarms.small.branches.early.{note}" for note in notes]
