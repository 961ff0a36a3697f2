"""The shared look: labels, colours, and bytes that depend on the figure alone."""

import logging
import warnings
from pathlib import Path

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph
from matplotlib.figure import Figure

from emulsion.errors import UserError
from emulsion.figures import style


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("instruction_heavy", "Instruction heavy"),
        ("no-fineweb", "No fineweb"),
        ("DoReMi", "DoReMi"),
        ("lightgbm", "LightGBM"),
        ("_", "_"),
    ],
)
def test_pretty(name: str, text: str) -> None:
    assert style.pretty(name) == text


def test_fit_breaks_at_the_joints_of_a_name() -> None:
    assert style.fit("source_number_07", 12) == "source_\nnumber_07"


@pytest.mark.parametrize("text", ["a" * 90, "the strategy of " * 6 + "x", "stack-edu_" * 9])
def test_fit_keeps_within_its_rows_and_shows_both_ends(text: str) -> None:
    rows = style.fit(text, 12).split("\n")
    assert len(rows) <= 2 and max(map(len, rows)) <= 12
    assert rows[0][0] == text[0] and rows[-1][-1] == text[-1] and "…" in "".join(rows)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_fit_counts_characters_of_east_asia_as_two() -> None:
    assert style.fit("推理能力与逻辑思维", 12) == "推理能力与逻\n辑思维"
    assert style.fit("推理能力与逻辑思维" * 3, 12) == "推理能力与…\n力与逻辑思维"
    assert style.legend_columns(["推理能力与逻辑思维"] * 9) == style.legend_columns(["x" * 18] * 9)


def test_many_lines_differ_in_colour_or_dashes() -> None:
    looks = style.lines([f"run{i}" for i in range(32)]).values()
    assert len({(look["color"], str(look["linestyle"])) for look in looks}) == 32


def test_many_points_differ_in_colour_or_marker() -> None:
    names = [f"source{i}" for i in range(64)]
    shades, shapes = style.colours(names), style.markers(names)
    assert len({(shades[name], shapes[name]) for name in names}) == 64


def test_text_contrasts_with_its_ground() -> None:
    assert style.text_on("#fde725") == "black"
    assert style.text_on("#440154") == "white"


@pytest.mark.parametrize("word", ["i", "mmm_mmm", "WIDE_NAME", "m" * 150])
def test_a_note_stays_on_the_page_whatever_its_letters(word: str) -> None:
    def draw() -> Figure:
        figure = Figure(figsize=(style.WIDTH, 3), layout="constrained")
        style.note(figure, f"{word} 6 %, " * 40)
        figure.draw_without_rendering()
        return figure

    figure = style.styled(draw)()
    assert figure._supxlabel.get_window_extent().x1 <= figure.bbox.x1


def _figure() -> Figure:
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    return figure


def test_same_figure_same_bytes_whatever_the_users_settings(tmp_path) -> None:
    draw = style.styled(_figure)
    style.save(draw(), tmp_path / "a.png")
    with matplotlib.rc_context({"lines.linewidth": 9, "savefig.dpi": 20, "font.size": 30}):
        style.save(draw(), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert b"atplotlib" not in (tmp_path / "a.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_only_png(tmp_path) -> None:
    with pytest.raises(UserError, match=r"\.png"):
        style.save(_figure(), tmp_path / "a.pdf")


@pytest.mark.parametrize("installed", [True, False])
def test_characters_that_the_usual_font_lacks_come_from_another_or_are_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, installed: bool
) -> None:
    usual = [font for font in style.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(style.fontManager, "ttflist", usual)
    if installed:
        font = FontBuilder(1000, isTTF=True)
        font.setupGlyphOrder([".notdef", "han"])
        font.setupCharacterMap({ord("能"): "han", ord("力"): "han"})
        font.setupGlyf({".notdef": Glyph(), "han": Glyph()})
        font.setupHorizontalMetrics({".notdef": (1000, 0), "han": (1000, 0)})
        font.setupHorizontalHeader(ascent=800, descent=-200)
        font.setupNameTable({"familyName": "Noto Sans CJK SC", "styleName": "Regular"})
        font.setupOS2()
        font.setupPost()
        font.save(tmp_path / "han.ttf")
        style.fontManager.addfont(tmp_path / "han.ttf")

    def draw() -> Figure:
        figure = Figure(figsize=(3, 2), layout="constrained")
        figure.add_subplot().set_title("能力 力")
        style.note(figure, "能力")
        return figure

    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        style.save(style.styled(draw)(), tmp_path / "a.png")
    assert [record.message.count("能力") for record in caplog.records] == ([] if installed else [1])
