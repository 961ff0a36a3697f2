"""The figure of methods over several settings."""

import pytest

from emulsion.errors import UserError
from emulsion.figures.setting_differences import ABREAST, MEAN, draw_setting_differences
from emulsion.figures.style import INK

NONE = {"difference": None, "interval": None}


def cell(difference, half=0.01):
    return {"difference": difference, "interval": [difference - half, difference + half]}


def row(method, verdict="no significant difference", **settings):
    """A row of settings.json with these differences by setting."""
    known = [each for each in settings.values() if each is not None]
    return {
        "method": method,
        "by_setting": {label: {"loss": NONE if each is None else cell(each)} for label, each in settings.items()},
        "mean": cell(sum(known) / len(known)) if known else NONE,
        "verdict": verdict,
    }


def found(*rows, settings=("web", "code")):
    return {"title": "Which method?", "settings": [{"label": label} for label in settings], "methods": list(rows)}


def marks(axes):
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]


def test_the_mean_and_every_setting_have_a_panel_and_a_method_is_where_it_was_trained():
    figure = draw_setting_differences(found(row("dml", web=-0.1, code=0.3), row("odm", code=0.2)))
    mean, web, code = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == [MEAN, "web", "code"]
    assert [text.get_text() for text in mean.get_yticklabels()] == ["DML", "ODM"]
    assert marks(mean) == [(pytest.approx(0.1), 0), (0.2, 1)]
    assert marks(web) == [(-0.1, 0)] and marks(code) == [(0.3, 0), (0.2, 1)]
    assert code.collections[0].get_segments()[0][:, 0] == pytest.approx([0.29, 0.31])


def test_what_is_significant_on_average_is_filled_there_and_nowhere_else():
    rows = row("dml", "worse", web=0.1, code=0.3), row("odm", "no claim", web=0.1, code=0.2)
    faces = [
        [line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"]
        for axes in draw_setting_differences(found(*rows)).axes
    ]
    assert faces == [[INK, "white"], ["white", "white"], ["white", "white"]]


def test_more_settings_than_have_room_abreast_stand_in_rows_without_empty_panels():
    names = [f"setting {number}" for number in range(ABREAST + 1)]
    figure = draw_setting_differences(found(row("dml", **dict.fromkeys(names, 0.1)), settings=names))
    figure.draw_without_rendering()
    assert len(figure.axes) == 1 + len(names)
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert len({round(box.y0) for box in boxes}) == 2
    assert all(box.x1 <= figure.bbox.width for box in boxes)


def test_a_method_that_diverged_flattens_no_other_one_and_the_note_says_where():
    near = [row(name, web=0.1, code=0.1) for name in ("ado", "odm", "aioli", "doge")]
    figure = draw_setting_differences(found(*near, row("dml", web=0.1, code=900.0)))
    assert [axes.get_xscale() for axes in figure.axes] == ["symlog", "linear", "symlog"]
    assert "the axis of code is logarithmic" in " ".join(figure.get_supxlabel().split())


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(UserError, match="add a method of kind stratified"):
        draw_setting_differences(found(row("dml", web=None, code=None)))
