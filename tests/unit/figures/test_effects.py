"""The figure of effects: column sums over time, and the mean A beside its diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.figures.effects import apart, draw_effects, places, remark, set_title, shares_of_sums, unit_of
from law_results_cases import dynamic_result

NUMBERS = st.lists(st.floats(-100, 100), min_size=1, max_size=9)


def _texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_lines_are_the_mean_shares_of_column_sums_at_their_branch_points() -> None:
    found = dynamic_result(3, sets=("early", "middle", "late", "rest"))
    axes = draw_effects(found).axes[0]
    sets = [found["branches"][name] for name in ("early", "middle", "late")]
    means = np.array([shares_of_sums(branches, found["sources"]).mean(axis=0) for branches in sets])
    drawn = {line.get_label(): line for line in axes.lines if line.get_label() in found["sources"]}
    for j, source in enumerate(found["sources"]):
        np.testing.assert_allclose(drawn[source].get_ydata(), means[:, j])
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["Early\n360 thousand", "Middle\n540 thousand", "Late\n720 thousand"]
    np.testing.assert_allclose(axes.get_xticks(), [0, 0.5, 1])


def test_bars_span_the_standard_deviation_over_trunks() -> None:
    found = dynamic_result(2, sets=("early", "late"))
    axes = draw_effects(found).axes[0]
    table = shares_of_sums(found["branches"]["early"], found["sources"])
    low, high = axes.collections[0].get_segments()[0][:, 1]
    assert (low + high) / 2 == pytest.approx(table[:, 0].mean())
    assert (high - low) / 2 == pytest.approx(table[:, 0].std(ddof=1))


def test_shares_are_of_the_total_of_absolute_sums() -> None:
    trunks = [{"column_sums": {"full": sums}} for sums in ({"a": 3.0, "b": -1.0}, {"a": 0.0, "b": 0.0})]
    assert shares_of_sums({"trunks": trunks}, ["b", "a"]).tolist() == [[-0.25, 0.75], [0, 0]]


def test_changes_of_order_are_counted_and_shaded_and_none_is_not() -> None:
    found = dynamic_result(2, sets=("early", "middle", "late"))
    found["over_time"][0]["changed"], found["over_time"][1]["changed"] = 18, 0
    axes = draw_effects(found).axes[0]
    assert _texts(axes)[:2] == ["order changes in\n18 of 18 trunks", "order changes in\n0 of 18 trunks"]
    spans = [patch.get_x() + patch.get_width() for patch in axes.patches if hasattr(patch, "get_width")]
    assert spans == pytest.approx([1 / 2])


def test_every_source_is_named_beside_its_line() -> None:
    found = dynamic_result(9)
    assert set(found["sources"]) < set(_texts(draw_effects(found).axes[0]))


def test_one_set_is_drawn_as_sources_from_the_largest_down() -> None:
    found = dynamic_result(3, sets=("early",))
    axes = draw_effects(found).axes[0]
    means = shares_of_sums(found["branches"]["early"], found["sources"]).mean(axis=0)
    expected = [found["sources"][j] for j in np.argsort(-means)]
    assert [label.get_text() for label in axes.get_xticklabels()] == expected
    drawn = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert drawn == pytest.approx(sorted(means, reverse=True))


def test_cells_hold_the_mean_effects_in_the_unit_of_the_title() -> None:
    found = dynamic_result(2, sets=("early",))
    branches = found["branches"]["early"]
    full, diagonal = draw_effects(found).subfigs[1].axes[:2]
    assert (full.get_title(loc="left"), diagonal.get_title(loc="left")) == (
        "Full, in 0.001 nats",
        "Diagonal, in 0.001 nats",
    )
    sources = found["sources"]
    cells = [f"{1000 * branches['A'][group][source]:.0f}" for group in sources for source in sources]
    sums = [f"{1000 * branches['column_sums'][source]:.0f}" for source in sources]
    assert _texts(full) == cells + sums
    alone = [f"{1000 * branches['diagonal'][source]:.0f}" for source in sources]
    assert _texts(diagonal) == alone * 2
    assert [label.get_text() for label in full.get_yticklabels()] == [*sources, "column sum"]


def test_a_negative_effect_has_a_minus_and_one_that_rounds_to_nothing_no_sign() -> None:
    found = dynamic_result(2, sets=("early",))
    found["branches"]["early"]["A"] = {
        "openhermes": {"openhermes": 0.5, "magpie": -0.012},
        "magpie": {"openhermes": -1e-6, "magpie": 0.5},
    }
    assert _texts(draw_effects(found).subfigs[1].axes[0])[:4] == ["500", "−12", "0", "500"]


def test_the_title_counts_trunks_that_the_diagonal_ranks_otherwise() -> None:
    branches = {"trunks_count": 18, "same_order": 11}
    assert (
        set_title("early", branches)
        == "Early: mean A of 18 trunks; the diagonal alone ranks sources otherwise in 7 of 18"
    )
    assert "1 trunk;" in set_title("early", {"trunks_count": 1, "same_order": 1})


def test_one_trunk_has_no_spread() -> None:
    found = dynamic_result(2, seeds=(0,), parents=1)
    assert draw_effects(found).axes[0].lines
    assert "standard deviation" not in remark(found["branches"])


def test_a_matrix_of_zeros_is_drawn() -> None:
    found = dynamic_result(2, sets=("early",))
    zeros = dict.fromkeys(found["sources"], 0.0)
    found["branches"]["early"].update(A=dict.fromkeys(found["sources"], zeros), diagonal=zeros)
    assert _texts(draw_effects(found).subfigs[1].axes[0]) == ["0"] * 6


@pytest.mark.parametrize(("largest", "unit"), [(0.148, 1e-3), (0.0151, 1e-4), (2.5, 1e-2), (0.0, 1.0)])
def test_the_unit_leaves_three_figures(largest: float, unit: float) -> None:
    assert unit_of(largest) == pytest.approx(unit)


def test_branch_points_too_close_to_tell_apart_are_spaced_evenly() -> None:
    assert places([100, 200, 400]) == pytest.approx([0, 1 / 3, 1])
    assert places([100, 100, 400]) == [0, 0.5, 1]
    assert places([7]) == [0]


@given(NUMBERS, st.floats(0.1, 30))
def test_labels_are_moved_apart_in_order_and_as_a_whole_stay(values: list[float], gap: float) -> None:
    moved = apart(values, gap)
    assert np.diff(np.sort(moved)).min(initial=np.inf) >= gap - 1e-6
    assert (np.argsort(moved, kind="stable") == np.argsort(values, kind="stable")).all()
    assert moved.mean() == pytest.approx(np.mean(values), abs=1e-6)


def test_labels_that_are_apart_stay() -> None:
    assert apart([5.0, 1.0, 9.0], 2.0) == pytest.approx([5, 1, 9])


def test_an_incomplete_file_is_named() -> None:
    with pytest.raises(UserError, match=r"dynamic_law\.json: no sources, branches"):
        draw_effects({})
