import pytest

from emulsion.errors import UserError
from emulsion.figures.shares_over_time import draw_schedule, grouping, shares
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan, describe_plan
from emulsion.schedule import Schedule

MANY = [f"s{number}" for number in range(9)]
TYPES = {name: "odd" if place % 2 else "even" for place, name in enumerate(MANY)}


def info(*stages, sequences=100):
    pairs = [(until, Mixture(weights)) for until, weights in stages]
    names = list(stages[0][1])
    plan = SequencePlan(dict.fromkeys(names, 1000), Schedule.staged(pairs, sequences))
    return describe_plan(plan, sequences, 8, dict.fromkeys(names, 10))


STAGED = info((0.25, {"a": 3, "b": 1}), (1.0, {"a": 1, "b": 3}))


def test_shares_are_those_drawn_in_each_stage_by_its_end():
    table = shares(STAGED, "staged")
    assert list(table.index) == [0.25, 1.0]
    assert table.loc[0.25].to_dict() == pytest.approx({"a": 0.75, "b": 0.25}, abs=1 / 25)
    assert table.sum(axis=1).to_list() == pytest.approx([1, 1])


def test_every_stage_is_a_block_as_wide_as_it_is_long_and_boundaries_are_drawn():
    figure = draw_schedule({"staged": STAGED, "even": info((1.0, {"a": 1, "b": 1}))}, {"a": "x", "b": "x"})
    first, second = figure.axes
    assert first.get_ylabel() == second.get_ylabel() == "Share of tokens"
    assert sorted({round(bar.get_width(), 3) for bar in first.patches}) == [0.25, 0.75]
    assert [line.get_xdata()[0] for line in first.lines] == [0.25]
    assert len(second.lines) == 0
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert "no source is off by more than" in figure.get_supxlabel()


def test_many_sources_are_drawn_by_type():
    assert set(grouping(MANY, TYPES).values()) == {"odd", "even"}
    assert grouping(MANY[:7], TYPES) == {name: name for name in MANY[:7]}
    figure = draw_schedule({"wide": info((1.0, dict.fromkeys(MANY, 1)), sequences=90)}, TYPES)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["even", "odd"]
    assert [round(bar.get_height(), 3) for bar in figure.axes[0].patches] == [round(5 / 9, 3), round(4 / 9, 3)]


@pytest.mark.parametrize("count", [8, 11])
def test_no_two_types_have_one_colour(count):
    names = [f"s{number}" for number in range(count)]
    types = {name: f"type {name}" for name in names}
    figure = draw_schedule({"wide": info((1.0, dict.fromkeys(names, 1)), sequences=10 * count)}, types)
    legend = figure.legends[0]
    assert len({patch.get_facecolor() for patch in legend.get_patches()}) == len(legend.get_texts()) == 8
    assert legend.get_texts()[-1].get_text() == {8: "type s7", 11: "Other (4 types)"}[count]
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == pytest.approx(1)


def test_sources_too_small_for_a_sequence_are_counted():
    figure = draw_schedule({"tiny": info((0.5, {"a": 1, "b": 0.001}), (1.0, {"a": 1, "b": 0}))}, {"a": "x", "b": "x"})
    assert "1 sources are due less than one sequence" in figure.get_supxlabel().replace("\n", " ")


def test_an_info_without_stages_is_refused():
    with pytest.raises(UserError, match="strategy 'old': no 'stages'"):
        draw_schedule({"old": {"sequences": 1}}, {})
