"""The three steps together."""

from __future__ import annotations

import numpy as np
import pytest

from cleaning_texts import clean, prose, shards, with_changes
from emulsion.data.cleaning import Cleaning

SETTINGS = Cleaning.from_json(
    {
        "filters": ["gopher_quality"],
        "deduplicate": {"exact": True, "near": {}},
        "decontaminate": {"sample": 1},
    }
)
SUITES = {"quiz": {"one": [prose(900, 30)]}}


def sources() -> dict[str, list[tuple[str, str]]]:
    """Two sources with copies within and across them, texts that are too short, and some of a suite or held out."""
    a = [(f"a{seed}", prose(seed)) for seed in range(80)] + [(f"again{seed}", prose(seed)) for seed in range(20)]
    b = [(f"b{seed}", with_changes(prose(seed), (30, 90))) for seed in range(60, 90)]
    b += [(f"c{seed}", f"{prose(seed)} {' '.join(prose(seed - 100).split()[:30])}") for seed in range(100, 200)]
    b += [(f"short{seed}", prose(seed, 20)) for seed in range(5)] + [("cheat", f"{prose(500)} {prose(900, 30)}")]
    return {"a": a, "b": b}


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 2), (2, 5)])
def test_what_is_kept_depends_on_neither_order_nor_shards_and_every_row_is_accounted_for(tmp_path, first, second):
    rng = np.random.default_rng(first)
    given = sources()
    expected, _ = clean(tmp_path, {name: [rows] for name, rows in given.items()}, SUITES, SETTINGS)
    mixed = {name: [rows[place] for place in rng.permutation(len(rows))] for name, rows in given.items()}
    parts = {"a": shards(mixed["a"], first), "b": shards(mixed["b"], second)}
    kept, ledgers = clean(tmp_path, parts, SUITES, SETTINGS)
    for name, rows in given.items():
        assert sorted(kept[name]) == sorted(expected[name])
        account = ledgers[name].to_json()
        assert (account["read"], account["kept"]) == (len(rows), len(kept[name]))
    reasons = ledgers["b"].to_json()["removed"]
    assert reasons["evaluation suite quiz"] == 1
    assert reasons["near duplicate in a"] == 20
    assert reasons["gopher_quality: fewer than 50 or more than 100,000 words"] == 5
    assert reasons["held-out document of a"] > 0
    assert ledgers["a"].to_json()["removed"]["exact duplicate in a"] == 20


def test_copies_on_both_sides_of_a_split_are_not_both_lost(tmp_path):
    """Each text is in both sources, held out here or there; one of each stays."""
    given = {
        "a": [[(f"a{seed}", prose(seed)) for seed in range(150)]],
        "b": [[(f"b{seed}", prose(seed)) for seed in range(150)]],
    }
    kept, _ = clean(tmp_path, given, {}, SETTINGS)
    assert sorted(text for rows in kept.values() for _, text in rows) == sorted(prose(seed) for seed in range(150))


def test_without_settings_everything_stays(tmp_path):
    given = {name: [rows] for name, rows in sources().items()}
    kept, ledgers = clean(tmp_path, given, SUITES, Cleaning.none())
    assert kept == sources()
    assert all(ledger.to_json()["removed"] == {} for ledger in ledgers.values())
