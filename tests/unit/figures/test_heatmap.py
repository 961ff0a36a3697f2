"""The heatmap says the right numbers in the right cells."""

import pytest
from matplotlib.figure import Figure

from emulsion.analysis import decide
from emulsion.figures.heatmap import MARKS, colour_limits, draw_capability_heatmap, marks, plus_minus
from emulsion.figures.score_cells import capability_scores
from emulsion.figures.style import SMALL
from figure_results import capabilities

RUNS = {
    "zeta_mix": capabilities({"reasoning": 0.72, "code": 0.42}),
    "alpha": capabilities({"reasoning": 0.55, "code": 0.41}, half=0.1),
}
RUNS["zeta_mix"]["capabilities"]["code"]["chance"] = RUNS["alpha"]["capabilities"]["code"]["chance"] = 0.25


def _cells(figure: Figure) -> dict[tuple[int, int], list]:
    """The texts by (row, column)."""
    cells: dict[tuple[int, int], list] = {}
    axes = figure.axes[0]
    for text in axes.texts:
        x, y = text.get_position()
        if "items" not in text.get_text():
            cells.setdefault((int(y), int(x)), []).append(text)
    return cells


def test_each_cell_has_its_score_and_in_small_type_its_half_width() -> None:
    cells = _cells(draw_capability_heatmap(RUNS, {}))
    said = {place: [text.get_text() for text in texts] for place, texts in cells.items()}
    assert said == {
        (0, 0): ["0.72", "±.05"],
        (0, 1): ["0.42", "±.05"],
        (0, 2): ["0.57", "±.05"],
        (1, 0): ["0.55", "±.10"],
        (1, 1): ["0.41", "±.10"],
        (1, 2): ["0.48", "±.10"],
    }
    score, half = cells[0, 0]
    assert SMALL == half.get_fontsize() < score.get_fontsize()


def test_rows_are_in_the_order_given_and_columns_say_items_and_chance() -> None:
    axes = draw_capability_heatmap(RUNS, {}).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Zeta mix", "Alpha"]
    assert axes.yaxis_inverted()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Reasoning", "Code", "Mean"]
    assert "40 items\nchance n/a" in [text.get_text() for text in axes.texts]
    assert "40 items\nchance 0.25" in [text.get_text() for text in axes.texts]


def test_one_item_is_not_called_items() -> None:
    run = capabilities({"reasoning": 0.5})
    run["capabilities"]["reasoning"]["items"] = 1
    axes = draw_capability_heatmap({"a": run}, {}).axes[0]
    assert "1 item\nchance n/a" in [text.get_text() for text in axes.texts]


def test_only_a_clear_winner_is_bold() -> None:
    runs = {
        "a": capabilities({"reasoning": 0.8, "code": 0.5}),
        "b": capabilities({"reasoning": 0.5, "code": 0.45}),
    }
    decisions = {
        "reasoning": decide({"a": [0.8, 0.79], "b": [0.5, 0.51]}),
        "code": decide({"a": [0.5, 0.4], "b": [0.45, 0.48]}),
        "mean": decide({"a": [0.65, 0.64], "b": [0.47, 0.48]}),
    }
    bold = {
        place
        for place, texts in _cells(draw_capability_heatmap(runs, decisions)).items()
        if all(text.get_fontweight() == "bold" for text in texts)
    }
    assert bold == {(0, 0), (0, 2)}


def test_the_note_says_what_is_marked_or_why_nothing_is() -> None:
    once, twice = decide({"a": [0.9], "b": [0.1]}), decide({"a": [0.9, 0.8], "b": [0.1, 0.2]})
    assert marks({"mean": once}) == "No best is marked: one training each: no claim about mixtures."
    assert marks({"mean": twice}) == MARKS


@pytest.mark.parametrize(("half", "text"), [(0.05, "±.05"), (0.0, "±.00"), (0.4999, "±.50"), (1.0, "±1.00")])
def test_plus_minus(half: float, text: str) -> None:
    assert plus_minus(half) == text


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ((0.52, 0.55), (0.5, 0.9)),
        ((0.97, 0.99), (0.6, 1.0)),
        ((0.05, 0.95), (0.0, 1.0)),
        ((0.0, 0.0), (0.0, 0.4)),
    ],
)
def test_colours_span_all_scores_and_never_blow_up_noise(values, limits) -> None:
    runs = {f"run{i}": capabilities({"reasoning": value}, half=0.0) for i, value in enumerate(values)}
    assert colour_limits(capability_scores(runs)) == pytest.approx(limits)


def test_mixtures_whose_names_read_alike_keep_them_as_they_are_written() -> None:
    runs = dict.fromkeys(("a-b", "a_b", "a_c"), RUNS["alpha"])
    rows = [label.get_text() for label in draw_capability_heatmap(runs, {}).axes[0].get_yticklabels()]
    assert rows == ["a-b", "a_b", "A c"]
