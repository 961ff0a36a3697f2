"""Training curves: training loss of every strategy, and validation loss source by source."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from emulsion.errors import UserError
from emulsion.figures.mixtures import IN_ORDER
from emulsion.figures.style import (
    CHARACTER,
    SMALL,
    WIDTH,
    fit,
    legend_columns,
    lines,
    most_of,
    note,
    pretty_all,
    styled,
)

Rows = Sequence[Mapping[str, Any]]
UNITS = ((1e9, "billions"), (1e6, "millions"), (1e3, "thousands"), (1.0, ""))
START = 0.1  # of the tokens: the fall from the first loss, out of the range so that the rest shows
WINDOW = 0.02  # of the logged steps: the running mean


@styled
def draw_training_curves(logs: Mapping[str, Rows]) -> Figure:
    """Draw the rows of `training_log.jsonl` by strategy: nats per token against tokens trained on."""
    kept, left_out = most_of(list(logs), IN_ORDER)
    training, validation = {}, {}
    for run in kept:
        rows = logs[run]  # of one run at a time: a step of many sources is kilobytes of them
        training[run], validation[run] = training_loss(rows, run), validation_loss(rows, run)
    sources = list(dict.fromkeys(source for frame in validation.values() for source in frame.columns))
    scale, label = token_unit(max(float(series.index.max()) for series in training.values()))
    columns = _columns(len(sources))
    heights = [2.4, 0.55 + 1.3 * math.ceil(len(sources) / columns)]
    names = [fit(run, 25) for run in pretty_all(kept)]
    tall = 0.2 + 0.14 * max(name.count("\n") for name in names)  # inches: a row, of names of one line or two
    legend = tall * math.ceil(len(names) / legend_columns(names)) + 0.1
    figure = Figure(figsize=(WIDTH, legend + sum(heights[: 2 if sources else 1])), layout="constrained")
    parts = figure.subfigures(2 if sources else 1, 1, height_ratios=heights[: 2 if sources else 1], squeeze=False)
    _training(parts[0, 0].subplots(), training, scale, label)
    if sources:
        _validation(parts[1, 0], validation, sources, columns, scale, label)
    handles = [Line2D([], [], linewidth=1.4, **line) for line in lines(kept).values()]
    figure.legend(handles, names, loc="outside upper left", ncols=legend_columns(names))
    if left_out:
        note(figure, left_out.strip())
    return figure


def training_loss(rows: Rows, run: str) -> pd.Series[float]:
    """Training loss by tokens trained on; of a step logged twice, as by a resumed run, the last."""
    losses = {tokens: _number(loss) for tokens, loss in _by_tokens(rows, "loss", run).items()}
    if not any(math.isfinite(loss) for loss in losses.values()):
        raise UserError(f"run '{run}': no training loss in its training_log.jsonl.")
    return pd.Series(losses, dtype=float).sort_index()


def validation_loss(rows: Rows, run: str) -> pd.DataFrame:
    """Validation loss [tokens trained on, sources], from the rows that have any."""
    losses = {tokens: by for tokens, by in _by_tokens(rows, "validation", run).items() if by}
    sources = list(dict.fromkeys(source for by_source in losses.values() for source in by_source))
    values = [[_number(by_source.get(source)) for source in sources] for by_source in losses.values()]
    return pd.DataFrame(values, index=list(losses), columns=sources, dtype=float).sort_index()


def token_unit(most: float) -> tuple[float, str]:
    """What to divide tokens by so that axis numbers are short, and the label of the axis."""
    scale, word = next(unit for unit in UNITS if most >= unit[0] or unit[0] == 1)
    return scale, f"Tokens trained on ({word})" if word else "Tokens trained on"


def loss_limits(curves: Iterable[pd.Series[float]]) -> tuple[float, float]:
    """The range that shows every curve after its first tokens."""
    later = []
    for curve in curves:
        rest = curve[curve.index >= START * curve.index.max()]
        later.append((rest if rest.notna().any() else curve).to_numpy())
    values = np.concatenate(later)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.06 * (high - low) or 0.05
    return low - margin, high + margin


def smooth(curve: pd.Series[float]) -> pd.Series[float]:
    """The running mean over a fiftieth of the logged steps."""
    return curve.rolling(max(1, round(WINDOW * len(curve))), center=True, min_periods=1).mean()


def _by_tokens(rows: Rows, key: str, run: str) -> dict[int, Any]:
    """Tokens trained on -> what the row logged under `key`, of the rows that have it."""
    try:
        return {int(row["tokens"]): row[key] for row in rows if key in row}
    except KeyError:
        raise UserError(f"run '{run}': a row of its training_log.jsonl has no 'tokens'.") from None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _dots(curve: pd.Series[float]) -> str:
    """The marker of a curve: dots where points are few, as one alone makes no line."""
    return "." if len(curve) <= 20 else ""


def _columns(sources: int) -> int:
    """Panels in a row: all of few, else as square as three to five allow."""
    return max(1, sources) if sources <= 4 else 3 if sources <= 6 else 4 if sources <= 16 else 5


def _training(axes: Axes, training: Mapping[str, pd.Series[float]], scale: float, label: str) -> None:
    for run, line in lines(list(training)).items():
        curve = training[run]
        axes.plot(curve.index / scale, curve, linewidth=0.5, alpha=0.2, color=line["color"])
        axes.plot(curve.index / scale, smooth(curve), linewidth=1.2, marker=_dots(curve), **line)
    axes.set(xlabel=label, ylabel="Loss (nats per token)", ylim=loss_limits(training.values()))
    axes.set_title("Training loss of each strategy on its own mixture (running mean; faint: as logged)")
    axes.grid(True)
    axes.margins(x=0.01)
    axes.set_xlim(left=0)


def _validation(
    part: SubFigure,
    validation: Mapping[str, pd.DataFrame],
    sources: Sequence[str],
    columns: int,
    scale: float,
    label: str,
) -> None:
    rows = math.ceil(len(sources) / columns)
    panels = part.subplots(rows, columns, sharex=True, squeeze=False)
    panels[0, 0].set_xlim(0, 1.03 * max(max(frame.index, default=0) for frame in validation.values()) / scale)
    part.suptitle("Validation loss on each source", x=0.01, ha="left", fontsize=9)
    part.supxlabel(label, fontsize=SMALL)
    part.supylabel("Loss (nats per token)", fontsize=SMALL)
    for place, axes in enumerate(panels.flat):
        if place >= len(sources):
            axes.set_visible(False)
            continue
        # A panel with none below it, be it above a gap of the last row, shows the numbers of its axis.
        axes.tick_params(labelbottom=place + columns >= len(sources))
        _panel(axes, sources[place], validation, scale, int((WIDTH / columns - 0.35) / CHARACTER))


def _panel(axes: Axes, source: str, validation: Mapping[str, pd.DataFrame], scale: float, characters: int) -> None:
    curves = {run: frame[source].dropna() for run, frame in validation.items() if source in frame}
    for run, line in lines(list(validation)).items():
        if run in curves:
            axes.plot(curves[run].index / scale, curves[run], linewidth=1.1, marker=_dots(curves[run]), **line)
    if any(len(curve) for curve in curves.values()):
        axes.set_ylim(*loss_limits(curve for curve in curves.values() if len(curve)))
    axes.set_title(fit(source, characters), fontsize=SMALL, loc="center")
    axes.locator_params(axis="both", nbins=4)
    axes.grid(True)
