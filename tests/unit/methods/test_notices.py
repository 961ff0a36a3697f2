import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emulsion.methods.notices import notices


def trajectory(*shares):
    return [{"web": share, "code": 1 - share} for share in shares]


def test_a_calm_trajectory_has_no_notices():
    assert notices([]) == notices(trajectory(0.5)) == notices(trajectory(*np.linspace(0.5, 0.8, 20))) == []


def test_collapse_to_one_source_is_noticed_in_the_last_quarter():
    [text] = notices(trajectory(0.5, 0.7, 0.9, 0.96, 0.97, 0.98, 0.99, 0.99))
    assert "collapsed to 'web' (99.0 % of the tokens)" in text
    assert notices(trajectory(0.5, 0.97, 0.97, 0.9, 0.8, 0.8, 0.8, 0.8)) == []


def test_a_source_that_is_left_behind_is_named_unless_it_was_never_there():
    rows = [{"a": 0.4, "b": 0.6 - last, "c": last} for last in (0.2, 0.1, 0.01, 0.001, 0.001)]
    [text] = notices(rows)
    assert "Nearly nothing is left of 'c'" in text
    assert notices([{"a": 0.5, "b": 0.5, "c": 0.0}] * 5) == []


def test_swinging_to_and_fro_is_noticed_and_going_one_way_is_not():
    [text] = notices(trajectory(0.3, 0.6, 0.3, 0.6, 0.3, 0.6, 0.3))
    assert "swings to and fro by 30 % of the tokens" in text
    assert notices(trajectory(0.1, 0.25, 0.4, 0.55, 0.7, 0.85)) == []
    assert notices(trajectory(0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 0.7)) == []  # one turn in five
    assert notices(trajectory(0.3, 0.6, 0.3)) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.permutations(["web", "code"]))
def test_the_order_of_sources_changes_nothing_but_which_of_two_is_named(shares, order):
    rows = trajectory(*shares)
    turned = [{source: row[source] for source in order} for row in rows]
    assert len(notices(rows)) == len(notices(turned))
