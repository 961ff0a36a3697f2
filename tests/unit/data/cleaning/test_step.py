from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.cleaning import Ledger
from emulsion.errors import UserError

REASONS = st.lists(st.sampled_from([None, "empty", "exact duplicate in a"]))


def ledger(reasons):
    entered = Ledger(read=len(reasons))
    entered.add(reasons)
    return entered


@given(REASONS, REASONS)
def test_shards_add_up_to_their_source(one, other):
    assert ledger(one) + ledger(other) == ledger(one + other)
    assert (ledger(one) + ledger(other)).to_json() == ledger(one + other).to_json()


@given(REASONS, st.data())
def test_steps_add_up_row_by_row(first, data):
    stay = first.count(None)
    second = data.draw(st.lists(st.sampled_from([None, "near duplicate in b"]), min_size=stay, max_size=stay))
    both = ledger(first).then(ledger(second)).to_json()
    assert both["read"] == len(first)
    assert both["kept"] == second.count(None)
    assert both["removed"] == dict(sorted(Counter(reason for reason in first + second if reason).items()))
    assert both["read"] == both["kept"] + sum(both["removed"].values())


def test_a_row_that_is_not_accounted_for_is_an_error():
    with pytest.raises(UserError, match="3 rows were read, but 2 kept or removed"):
        Ledger(3, 1, Counter({"empty": 1})).to_json()
    with pytest.raises(UserError, match="kept 1 rows and the next read 2"):
        Ledger(1, 1).then(Ledger(2, 2))


def test_a_ledger_comes_back_from_json():
    entered = ledger([None, "empty", None, "empty"])
    assert Ledger.from_json(entered.to_json()) == entered


def test_the_account_of_a_source_adds_up_shards_within_steps_and_follows_step_after_step():
    first = [ledger([None, "empty"]), ledger([None])]
    second = [ledger(["exact duplicate in a"]), ledger([None])]
    total = Ledger.of_steps([each.to_json() for each in [*first, *second]], shards=2)
    assert total.to_json() == {
        "read": 3,
        "kept": 1,
        "removed": {"empty": 1, "exact duplicate in a": 1},
        "set_aside": {},
        "columns": {"characters": 0, "read": [], "unread": {}},
    }
    assert Ledger.of_steps([], shards=2) == Ledger()
