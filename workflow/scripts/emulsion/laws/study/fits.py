"""How well laws fit, over the settings of a table and over the groups of a setting (Aioli, 2411.05735, Tables 5 to 9).

A cell is {"mse", "r2", "ceiling"}: nats squared, and what noise between seeds allows; null where it is not known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from emulsion.laws.goodness import mean_of
from emulsion.laws.study.format import against_ceiling, count, sentences, share_text

Found = Mapping[str, Any]
Cell = dict[str, float | None]
Settings = Mapping[str, Mapping[str, Found]]  # {label: {"static", "dynamic", ...: content of the file}}
CELL = ("mse", "r2", "ceiling")
PER_SEED, JOINT, LINEAR, LOG_LINEAR = "log_linear_static", "log_linear_static_joint", "linear", "log_linear"
NAMES = {
    PER_SEED: "Log-linear static",
    JOINT: "Log-linear static, one fit to all seeds",
    LINEAR: "Linear dynamic",
    LOG_LINEAR: "Log-linear dynamic",
    "linear_static": "Linear static",
    "bimix": "BiMix",
    "autoscale": "AutoScale",
    "gaussian_process": "Gaussian process",
    "lightgbm": "LightGBM",
}
_PUBLISHED = {PER_SEED: "static_r2", LINEAR: "dynamic_r2", LOG_LINEAR: "log_dynamic_r2"}
_MANY_GROUPS = 3  # a setting of more has a table of its groups


def fits(settings: Settings, published: Mapping[str, float]) -> dict[str, Any]:
    """Tables 5, 6 and 7: each law's error over settings, averaged over groups, seeds and trunks."""
    rows = []
    for law, branches in _laws(settings):
        cells = {label: _cell(files, law, branches) for label, files in settings.items()}
        rows.append({"law": law, "branches": branches, "cells": cells, "mean": _mean(cells)})
    return {"rows": rows, "published": dict(published), "text": _fits_text(rows, published)}


def group_tables(settings: Settings) -> list[dict[str, Any]]:
    """Table 9: each group's errors, for settings of more than three groups."""
    tables = []
    for label, files in settings.items():
        groups = files["static"]["sources"]
        if len(groups) <= _MANY_GROUPS:
            continue
        laws = [(law, branches) for law, branches in _laws({label: files}) if law != JOINT]
        rows = [{"group": group, "cells": [_cell(files, *law, group) for law in laws]} for group in groups]
        tables.append(
            {
                "label": label,
                "laws": [{"law": law, "branches": branches} for law, branches in laws],
                "rows": rows,
                "mean": [_cell(files, *law) for law in laws],
                "text": _groups_text(rows, laws),
            }
        )
    return tables


def static_laws(settings: Settings) -> dict[str, Any]:
    """All static laws fitted to the runs of all seeds: R2 of these runs, and of points that were left out."""
    rows = []
    for law in next(iter(settings.values()))["static"]["quality"]:
        means = {label: files["static"]["quality"][law]["mean"] for label, files in settings.items()}
        keys = ("r2", "left_out_r2")
        cells = {label: {key: mean[key] for key in keys} for label, mean in means.items()}
        rows.append({"law": law, "cells": cells, "mean": mean_of(list(cells.values()), keys)})
    return {"rows": rows, "text": _static_text(rows, len(settings))}


def law_name(law: str, branches: str | None = None) -> str:
    """The law as tables call it; dynamic laws with their set of branches."""
    return NAMES[law] + (f", {branches}" if branches else "")


def static_name(law: str) -> str:
    """The law of `static_law.json`'s quality as tables call it."""
    return {LOG_LINEAR: NAMES[PER_SEED], LINEAR: NAMES["linear_static"]}.get(law) or NAMES[law]


def branch_names(settings: Settings) -> list[str]:
    """The sets of branches of any setting, each setting's in order of time."""
    return list(dict.fromkeys(name for files in settings.values() for name in _branches(files)))


def _branches(files: Mapping[str, Found]) -> Mapping[str, Found]:
    found: Mapping[str, Found] = files["dynamic"]["branches"] if "dynamic" in files else {}
    return found


def _laws(settings: Settings) -> list[tuple[str, str | None]]:
    several = any(len(files["static"]["seeds"]) > 1 for files in settings.values())
    static: list[tuple[str, str | None]] = [(PER_SEED, None), (JOINT, None)] if several else [(PER_SEED, None)]
    return static + [(law, name) for name in branch_names(settings) for law in (LINEAR, LOG_LINEAR)]


def _cell(files: Mapping[str, Found], law: str, branches: str | None, group: str | None = None) -> Cell | None:
    """A law's errors in a setting, or of one of its groups; None where the setting has no such branches."""
    if branches is None:
        static = files["static"]
        fit = static["per_seed"] if law == PER_SEED else static["quality"][LOG_LINEAR]
        noise = fit["noise"] if law == PER_SEED else static["noise"]
    elif branches in _branches(files):
        fit, noise = _branches(files)[branches]["quality"][law], _branches(files)[branches]["noise"]
    else:
        return None
    errors, limit = (each["groups"][group] if group else each["mean"] for each in (fit, noise))
    return {"mse": errors["mse"], "r2": errors["r2"], "ceiling": limit["ceiling"]}


def _mean(cells: Mapping[str, Cell | None]) -> Cell:
    """Over settings; without a ceiling where some setting has none, as the two would be of different settings."""
    known = [cell for cell in cells.values() if cell is not None and cell["r2"] is not None]
    mean = mean_of(known, CELL)
    return mean if all(cell["ceiling"] is not None for cell in known) else {**mean, "ceiling": None}


def _fits_text(rows: Sequence[Found], published: Mapping[str, float]) -> str:
    parts, compared = [], set()
    for row in rows:
        if row["law"] == JOINT:
            continue
        key = _PUBLISHED[row["law"]]
        # What was published is of short branches midway, the first set of a sweep.
        beside = f"; published: {published[key]:.3f}" if key in published and key not in compared else ""
        compared.add(key)
        parts.append(f"{law_name(row['law'], row['branches'])}: {_fit_text(row)}{beside}")
    return sentences(parts)


def _fit_text(row: Found) -> str:
    known = {label: cell for label, cell in row["cells"].items() if cell is not None and cell["r2"] is not None}
    limited = {label: cell for label, cell in known.items() if cell["ceiling"] is not None}
    if not known:
        return "no R², as no losses vary"
    if not limited:
        where = _settings(known)
        return f"R² {row['mean']['r2']:.3f} in {where}; with one seed, what noise allows is unknown"
    mean = mean_of(list(limited.values()), CELL)
    text = f"{against_ceiling(float(mean['r2'] or 0.0), float(mean['ceiling'] or 0.0))}, in {_settings(limited)}"
    others = [label for label in known if label not in limited]
    return text + (f"; {_settings(others)} with one seed, so that noise is unknown" if others else "")


def _settings(labels: Collection[str]) -> str:
    return next(iter(labels)) if len(labels) == 1 else f"the mean of {count(len(labels), 'setting')}"


def _groups_text(rows: Sequence[Found], laws: Sequence[tuple[str, str | None]]) -> str:
    parts = []
    for index, (law, branches) in enumerate(laws):
        known = {row["group"]: row["cells"][index]["r2"] for row in rows if row["cells"][index]["r2"] is not None}
        flat = [row["group"] for row in rows if row["group"] not in known]
        text = f"no R² for {', '.join(flat)}, whose losses do not vary" if flat else ""
        if known:
            worst, best = min(known, key=lambda g: known[g]), max(known, key=lambda g: known[g])
            spread = f"R² from {known[worst]:.3f} ({worst}) to {known[best]:.3f} ({best})"
            text = f"{spread}; {text}" if text else spread
        parts.append(f"{law_name(law, branches)}: {text}")
    return sentences(parts)


def _static_text(rows: Sequence[Found], settings: int) -> str:
    known = [row for row in rows if row["mean"]["left_out_r2"] is not None]
    if not known:
        return "Too few points to leave one out."
    best = max(known, key=lambda row: row["mean"]["left_out_r2"])
    own = next((row for row in known if row["law"] == LOG_LINEAR), best)
    over = f", mean of {count(settings, 'setting')}" if settings > 1 else ""
    text = f"points that were left out are predicted best by {static_name(best['law'])}"
    text += f" (R² {share_text(best['mean']['left_out_r2'])}{over})"
    if best is not own:
        text += f"; the log-linear law has {share_text(own['mean']['left_out_r2'])}"
    return sentences([text])
