"""Leaderboards of several settings side by side, as the Aioli paper's tables 2, 3, 19 and 21 are (arXiv 2411.05735)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from emulsion import student
from emulsion.analysis.compare import ALPHA, holm_by_name
from emulsion.analysis.leaderboard import by_name
from emulsion.student import Estimate

Found = Mapping[str, Any]


def across_settings(
    title: str, settings: Mapping[str, str], boards: Mapping[str, Found], prefixes: Mapping[str, str]
) -> dict[str, Any]:
    """The content of `settings.json`: {"title", "settings": [...], "methods": [...]}, best on average first.

    settings: {label: experiment}; boards: {experiment: content of its methods.json}; prefixes: {experiment: what names
    of its methods begin with and are called without, so that they are those of other settings}
    A method has its cell of each setting it was trained in, and, over those in which it was compared with stratified
    sampling by seeds, the `mean` difference of the mean test loss, nats, with its interval, `p_holm` over all methods
    and a verdict. The settings weigh alike. Methods of fewer settings come after those of all.
    """

    def common(name: str, experiment: str) -> str:
        return name.removeprefix(prefixes.get(experiment, ""))

    rows = {
        label: {common(name, experiment): row for name, row in by_name(boards[experiment]).items()}
        for label, experiment in settings.items()
    }
    names = dict.fromkeys(name for label in rows for name in rows[label])
    base = {label: common(boards[experiment]["stratified"] or "", experiment) for label, experiment in settings.items()}
    cells = {
        name: {label: _cell(row[name], base[label] == name) for label, row in rows.items() if name in row}
        for name in names
    }
    compared = [name for name in names if any(base[label] != name for label in cells[name])]
    means = {name: mean_over_settings(cells[name]) for name in compared}
    adjusted = holm_by_name({name: mean["p"] for name, mean in means.items()})
    order = sorted(means, key=lambda name: (-means[name]["settings"], means[name]["difference"] or 0.0))
    return {
        "title": title,
        "settings": [
            {
                "label": label,
                "experiment": experiment,
                "sources": boards[experiment]["sources"],
                "tokens": boards[experiment]["tokens"],
                "stratified": rows[label].get(base[label], {}).get("mean_test_perplexity"),
            }
            for label, experiment in settings.items()
        ],
        "methods": [
            {
                "method": name,
                "by_setting": cells[name],
                "mean": {key: means[name][key] for key in ("difference", "interval", "settings")},
                "p_holm": adjusted.get(name),
                "verdict": _verdict(means[name]["difference"], adjusted.get(name)),
            }
            for name in order
        ],
    }


def _cell(row: Found, is_measure: bool) -> dict[str, Any]:
    """is_measure: whether it is what others are compared with there, which differs from itself by nothing."""
    nothing = {"difference": 0.0, "interval": [0.0, 0.0]}
    return {
        "seeds": row["seeds"],
        "perplexity": nothing
        if is_measure
        else {"difference": row["difference_to_stratified"], "interval": row["interval"]},
        "loss": nothing if is_measure else row["loss_to_stratified"],
        "verdict": row["verdict"],
        "shares": {source: each["share"] for source, each in row["by_source"].items()},
        "extra_in_runs": row["extra_in_runs"],
    }


def mean_over_settings(cells: Mapping[str, Found]) -> dict[str, Any]:
    """The mean of the differences of settings, by Welch and Satterthwaite's degrees of freedom."""
    known = [cell for cell in cells.values() if cell["loss"]["interval"] is not None and cell["seeds"] > 1]
    if not known:
        return {"difference": None, "interval": None, "p": None, "settings": 0}
    freedom = np.array([cell["seeds"] - 1 for cell in known])
    differences, ends = (np.array([cell["loss"][key] for cell in known]) for key in ("difference", "interval"))
    squares = ((ends[:, 1] - ends[:, 0]) / 2 / [student.quantile(each) for each in freedom]) ** 2
    mean, error = float(differences.mean()), math.sqrt(squares.sum()) / len(known)
    if error == 0:
        return {"difference": mean, "interval": [mean, mean], "p": float(mean == 0), "settings": len(known)}
    together = squares.sum() ** 2 / (squares**2 / freedom).sum()
    return {**Estimate(mean, error, float(together)).cell(), "settings": len(known)}


def _verdict(difference: float | None, p_holm: float | None) -> str:
    if difference is None or p_holm is None:
        return "no claim"
    if p_holm >= ALPHA:
        return "no significant difference"
    return "better" if difference < 0 else "worse"
