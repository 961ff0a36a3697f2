"""The tables of a study of mixing laws: `tables.json`, from what was fitted to each of its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.laws.study import assumptions
from emulsion.laws.study.fits import Found, Settings, fits, group_tables, static_laws
from emulsion.laws.study.rows import fitted_ends

KINDS = ("static", "dynamic", "greedy", "similarity")


def study(name: str, title: str, tables: Sequence[Found], results: Mapping[str, Sequence[Found]]) -> dict[str, Any]:
    """The content of `tables.json`.

    tables   the study's {"title", "settings": {label: experiment}, "published": {"static_r2", "dynamic_r2"}}
    results  {kind: contents of the files of that kind}, kinds being `KINDS`; each content names its experiment

    Raises UserError where a setting's experiment has no static law, or two files are of one experiment and kind.
    """
    found = _by_experiment(results)
    static = [experiment for experiment, files in found.items() if "static" in files]
    made = []
    for table in tables:
        for label, experiment in table["settings"].items():
            if experiment not in static:
                where = f"law_studies.{name}: table '{table['title']}', setting '{label}'"
                raise unknown("experiment with a static law", experiment, static, where)
        settings = {label: found[experiment] for label, experiment in table["settings"].items()}
        made.append(_table(table, settings))
    return {"study": name, "title": title, "tables": made}


def _by_experiment(results: Mapping[str, Sequence[Found]]) -> dict[str, dict[str, Found]]:
    found: dict[str, dict[str, Found]] = {}
    for kind, contents in results.items():
        for content in contents:
            files = found.setdefault(content["experiment"], {})
            if kind in files:
                raise UserError(f"two {kind} files are of experiment '{content['experiment']}'; give each once.")
            files[kind] = content
    return found


def _table(table: Found, settings: Settings) -> dict[str, Any]:
    return {
        "title": table["title"],
        "settings": [
            {
                "label": label,
                "experiment": table["settings"][label],
                "sources": files["static"]["sources"],
                "counts": _counts(files),
            }
            for label, files in settings.items()
        ],
        "fits": fits(settings, table.get("published") or {}),
        "groups": group_tables(settings),
        "static_laws": static_laws(settings),
        "greedy": assumptions.greedy(settings),
        "diagonal": assumptions.diagonal(settings),
        "over_time": assumptions.over_time(settings),
        "similarity": assumptions.similarity(settings),
    }


def _counts(files: Mapping[str, Found]) -> dict[str, Any]:
    """How much the numbers of a setting rest on: runs, points, seeds; trunks and fitted branches of each set."""
    static, branches = files["static"], files["dynamic"]["branches"] if "dynamic" in files else {}
    return {
        "runs": len(static["points"]),
        "points": len({point["mixture"] for point in static["points"]}),
        "seeds": len(static["seeds"]),
        "branches": {
            name: {
                "trunks": each["trunks_count"],
                "branches": sum(len(fitted_ends(trunk)) for trunk in each["trunks"]),
                "after": each["after"],
                "tokens": each["tokens"],
            }
            for name, each in branches.items()
        },
    }
