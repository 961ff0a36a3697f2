"""The mixtures: bars as wide as the shares, epochs in print, many sources folded."""

import pytest
from matplotlib.figure import Figure

from emulsion.errors import UserError
from emulsion.figures.mixtures import draw_mixtures, epochs_text, fold, shares
from figure_results import info

INFOS = {
    "zeta_mix": info({"b": 3, "a": 1}, {"b": 0.7, "a": 0.3}, {"b": 0.42, "a": 5.2}),
    "alpha": info({"a": 0.5, "c": 0.5}),
}


def _widths(figure: Figure) -> list[float]:
    return [round(bar.get_width(), 3) for bar in figure.axes[0].patches]


def test_thick_bars_are_configured_thin_ones_realised_in_the_order_given() -> None:
    figure = draw_mixtures(INFOS)
    # For each source in turn, b, a, c, the two strategies; first configured, then realised.
    assert _widths(figure) == [0.75, 0, 0.25, 0.5, 0, 0.5, 0.7, 0, 0.3, 0.5, 0, 0.5]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["Zeta mix", "Alpha"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["b", "a", "c"]


def test_every_epoch_is_printed_and_many_are_shaded() -> None:
    figure = draw_mixtures(INFOS)
    assert [text.get_text() for text in figure.axes[1].texts] == ["0.42", "–", "5.2", "1.0", "–", "1.0"]
    assert len(figure.axes[1].patches) == 3 + 1  # a swatch per source and one shaded cell
    assert "5 percentage points" in figure.get_supxlabel() and "over 4 epochs" in figure.get_supxlabel()


def test_four_epochs_and_a_sequence_are_not_shaded() -> None:
    figure = draw_mixtures({"optimum": info({"a": 1, "b": 1}, epochs={"a": 4.01, "b": 1.0})})
    assert len(figure.axes[1].patches) == 2
    assert "Shaded" not in figure.get_supxlabel()


@pytest.mark.parametrize(
    ("epochs", "text"),
    [
        (0.0, "–"),
        (0.004, "<0.01"),
        (0.417, "0.42"),
        (3.44, "3.4"),
        (12.4, "12"),
        (1234.0, "1,234"),
        (0.999, "1.0"),
        (9.97, "10"),
    ],
)
def test_epochs_text(epochs: float, text: str) -> None:
    assert epochs_text(epochs) == text


def test_many_sources_are_folded_without_losing_a_share() -> None:
    ratios = {f"s{i:02d}": float(i) for i in range(60)}
    whole = shares({"run": info(ratios, epochs={name: weight / 10 for name, weight in ratios.items()})})
    folded, count = fold(whole, most=7)
    assert count == 53
    assert list(folded.configured) == [*(f"s{i}" for i in range(53, 60)), "Other (53 sources)"]
    assert folded.configured.sum(axis=1)["run"] == pytest.approx(1)
    assert folded.epochs["Other (53 sources)"]["run"] == 5.2  # the most of any, s52
    assert len(draw_mixtures({"run": info(ratios)}).legends[0].get_texts()) == 8


def test_few_sources_are_not_folded() -> None:
    whole = shares(INFOS)
    assert fold(whole, most=3) == (whole, 0)


@pytest.mark.parametrize("key", ["mixing_ratios", "realised_shares", "epochs_per_source"])
def test_a_missing_part_names_the_strategy_and_the_part(key: str) -> None:
    broken = {name: value for name, value in INFOS["alpha"].items() if name != key}
    with pytest.raises(UserError, match=f"strategy 'alpha': no '{key}'"):
        draw_mixtures({**INFOS, "alpha": broken})
