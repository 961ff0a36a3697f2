"""Trajectories: the mixtures that online methods decided on over their runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from emulsion.errors import UserError
from emulsion.figures.style import FAINT, WIDTH, fit, legend_columns, lines, note, pretty_all, styled

Row = Mapping[str, Any]
COLUMNS = 2
PANEL = 1.75  # inches, the height of a method's
NOTE = (
    "Shares of each source from one update to the next; bold: the first seed, thin: others. Left out: the probes of"
    " Aioli, which are tilted to one source each. Grey, dashed: all sources alike."
)


@styled
def draw_trajectories(logs: Mapping[str, Sequence[Sequence[Row]]]) -> Figure:
    """Draw the logs of the runs in which methods decided, {method: [rows of training_log.jsonl of a seed]}.

    Raises UserError where a log holds no decision.
    """
    found = {name: [decisions(rows, name) for rows in seeds] for name, seeds in logs.items()}
    sources = list(dict.fromkeys(source for seeds in found.values() for source in seeds[0][0][1]))
    looks = lines(sources)
    columns = min(COLUMNS, len(found))
    high = math.ceil(len(found) / columns)
    figure = Figure(figsize=(WIDTH, 1.2 + PANEL * high), layout="constrained")
    panels = figure.subplots(high, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, name, seeds in zip(panels, pretty_all(found), found.values(), strict=False):
        for number, stages in reversed(list(enumerate(seeds))):
            _run(axes, stages, looks, bold=number == 0)
        axes.axhline(1 / len(sources), color=FAINT, linewidth=0.7, linestyle=(0, (4, 3)), zorder=0.5)
        axes.set_title(fit(name, 40, 1))
    for axes in panels[len(found) :]:
        axes.set_visible(False)
    for place in range(len(found)):
        axes = panels[place]
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.set(xlim=(0, 1), ylim=(0, None), xticks=(0, 0.5, 1))
        axes.grid(True)
        if place + columns >= len(found):
            axes.set_xlabel("Steps, of the whole run")
            axes.tick_params(labelbottom=True)
        if place % columns == 0:
            axes.set_ylabel("Share of tokens")
    labels = [fit(source, 30, 1) for source in sources]
    handles = [Line2D([], [], **looks[source]) for source in sources]
    figure.legend(handles, labels, loc="outside upper left", ncols=legend_columns(labels))
    note(figure, NOTE)
    return figure


def of_decisions(rows: Sequence[Row]) -> list[Row]:
    """The rows of a log that `decisions` looks at, and no others: a log may be large, and there are many."""
    return [*(row for row in rows[:-1] if "mixture" in row), *rows[-1:]]


def decisions(rows: Sequence[Row], name: str = "") -> list[tuple[float, Mapping[str, float]]]:
    """(share of the run, mixture from there on) of each decision, and of the run's end the last once more."""
    rounds = [(row["step"] - 1, row["mixture"]) for row in rows if "mixture" in row and "probe" not in row]
    if not rounds:
        raise UserError(f"training log of '{name}': holds no mixture that a method decided on; train the run again.")
    steps = rows[-1]["step"]
    return [(step / steps, mixture) for step, mixture in [*rounds, (steps, rounds[-1][1])]]


def _run(
    axes: Axes,
    stages: Sequence[tuple[float, Mapping[str, float]]],
    looks: Mapping[str, Mapping[str, Any]],
    *,
    bold: bool,
) -> None:
    starts = [start for start, _ in stages]
    for source, look in looks.items():
        shares = [mixture.get(source, 0.0) for _, mixture in stages]
        width, alpha = (1.5, 1.0) if bold else (0.7, 0.55)
        axes.step(starts, shares, where="post", **{**look, "linewidth": width, "alpha": alpha})
