"""Checks on swarms: what is said of branches that whole steps move, and of designs without room."""

import pytest

from config_cases import SCHEMA, changed, problems
from emulsion.methods.designs import design
from emulsion.study import check_swarms
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


@pytest.mark.parametrize(
    ("count", "bounds", "drawn", "there"),
    [
        (50, [0.2495, 1], True, 5),
        (6, [0.2495, 1], True, 5),
        (5, [0.2495, 1], True, None),
        (700, [0.2, 0.26], True, None),
        (12, [0.2, 0.26], False, None),
        (200, [0, 1], False, None),
    ],
)
def test_a_design_has_room_for_as_many_mixtures_as_are_asked_for(monkeypatch, count, bounds, drawn, there):
    """Where there is room at a glance nothing is drawn, which would take a tenth of a second or more."""
    draws = []
    monkeypatch.setattr(check_swarms, "design", lambda *given, **more: draws.append(given) or design(*given, **more))
    config = changed("swarms/small/points", {"kind": "spread", "count": count, "bounds": bounds})
    if there is None:
        check(config, SCHEMA)
    else:
        said = f"room for only {there} different mixtures of cosmopedia, fineweb, magpie, openhermes, but {count} were"
        assert f"swarms.small.points (of experiments.exp3): design: the bounds leave {said}" in problems(config)
    assert bool(draws) == drawn


@pytest.mark.parametrize(
    ("points", "fault"),
    [
        ({"count": 30, "concentration": 0.05, "oversampling": 1}, "30 draws of a Dirichlet of concentration 0.05 over"),
        ({"count": 30, "concentration": 0.05, "oversampling": 16}, None),
        ({"count": 30, "oversampling": 1}, None),
    ],
)
def test_draws_of_a_dirichlet_that_are_the_same_are_refused_before_any_job(points, fault):
    config = changed("swarms/small/points", {"kind": "dirichlet", **points})
    if fault is None:
        check(config, SCHEMA)
    else:
        assert f"swarms.small.points (of experiments.exp3): points: {fault}" in problems(config)
