"""Checks on figures: what each needs, and which of them have nothing to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulsion.errors import UserError
from emulsion.methods.registry import decides_online
from emulsion.study.catalogue import Config
from emulsion.study.check_common import known
from emulsion.study.check_data import capabilities
from emulsion.study.judges import LOSSES, judged_by
from emulsion.study.mixture_table import SEARCHES

_OF_MIXTURES = ("losses", "training_curves", "mixtures", "schedule")
_OF_BRANCHES = ("dynamic_law", "effects")
OF_LAWS = ("static_law", *_OF_BRANCHES, "similarity")
# The axes without which a radar shows no area, and without which there is no trade-off.
_RADAR, _TRADED = 3, 2


def leave_out(config: dict[str, Any]) -> list[str]:
    """Take the figures that have nothing to draw from the list, in place; a note on each."""
    need = needs(config)
    absent = [figure for figure in config["figures"] if need.get(figure)]
    config["figures"] = [figure for figure in config["figures"] if figure not in absent]
    return [f"figures: '{figure}' is left out; it needs {need[figure]}." for figure in absent]


def drawable(config: Config, name: str) -> list[str]:
    """The figures of an experiment that have something to draw."""
    needed = _needs_of(config, config["experiments"][name], f"experiments.{name}")
    return [figure for figure, need in needed if not need]


def figures(config: Config) -> Iterator[str]:
    need = needs(config)
    drawn = [figure for figure, lacks in need.items() if not lacks]
    for figure in config["figures"]:
        owners = [name for name in config["experiments"] if figure.startswith(f"{name}_")]
        drawing = [name for name in owners if figure.removeprefix(f"{name}_") in drawable(config, name)]
        if len(drawing) > 1:
            yield f"figures: '{figure}' could be of '{drawing[0]}' or '{drawing[1]}'; rename one of these experiments."
        elif need.get(figure):
            yield f"figures: '{figure}' needs {need[figure]}; set that, or take the figure from the list."
        else:
            yield from known("figure", figure, drawn, "figures")


def needs(config: Config) -> dict[str, str]:
    """{figure: what is missing for it} of all figures that there are; nothing where it can be drawn."""
    found = {"proving_ground": "", **{f"{name}_law_fits": "" for name in config["law_studies"]}}
    for name, settings in config["experiments"].items():
        for figure, need in _needs_of(config, settings, f"experiments.{name}"):
            found[f"{name}_{figure}"] = need
    for name, compared in config["method_studies"].items():
        boards = [f"{experiment}_methods" for experiment in compared["settings"].values()]
        drawn = any(found.get(board) == "" for board in boards)
        need = f"an experiment with a method of kind stratified, and others, in method_studies.{name}.settings"
        found[f"{name}_settings"] = "" if drawn else need
    return found


def _needs_of(config: Config, settings: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """(figure, what an experiment lacks for it)"""
    no_mixtures = "" if settings["strategies"] or settings["methods"] else f"{where}.strategies or methods"
    for figure in _OF_MIXTURES:
        yield figure, no_mixtures
    no_suites = "" if settings["suites"] else f"{where}.suites"
    yield "capability_heatmap", no_mixtures or no_suites
    yield "capability_radar", no_mixtures or no_suites or _axes(config, settings, where, _RADAR)
    by_losses = judged_by(settings)[0] == LOSSES
    few = f"{_TRADED} sources or more in {where}" if len(settings["sources"]) < _TRADED else ""
    yield "pareto", no_mixtures or (few if by_losses else no_suites or _axes(config, settings, where, _TRADED))
    yield from _of_methods(config, settings, where)
    yield "contributions", "" if settings["ablations"] else f"{where}.ablations"
    searches = [name for name in settings["methods"] if config["methods"].get(name, {}).get("kind") in SEARCHES]
    yield "optimizer", "" if searches else f"a method of kind {' or '.join(SEARCHES)} in {where}.methods"
    fitted = searches and config["methods"][searches[0]]["kind"] == "optimum"
    yield "surface", "" if fitted else f"a method of kind optimum, before any of direct_search, in {where}.methods"
    laws = settings["laws"]
    yield "static_law", "" if laws else f"{where}.laws"
    swarm = config["swarms"].get(laws["swarm"], {}) if laws else {}
    for figure in _OF_BRANCHES:
        yield figure, "" if swarm.get("branches") else f"{where}.laws of a swarm with branches"


def _of_methods(config: Config, settings: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """The figures of the comparison with stratified sampling, and of what online methods decide."""
    kinds = [config["methods"].get(name, {}).get("kind", "") for name in settings["methods"]]
    ratios = [config["strategies"].get(name, {}).get("ratios") or {} for name in settings["strategies"]]
    even = any(set(each) == set(settings["sources"]) and len(set(each.values())) == 1 for each in ratios)
    even = even or "stratified" in kinds
    others = len(settings["strategies"]) + len(settings["methods"]) > 1
    for figure in ("methods", "cost_pareto"):
        yield figure, "" if even and others else f"a method of kind stratified, and others, in {where}.methods"
    no_stratified = "" if even else f"a method of kind stratified in {where}.methods"
    yield "similarity", no_stratified if settings["parameters"] else f"{where}.parameters"
    online = any(map(decides_online, kinds))
    yield "trajectories", "" if online else f"an online method in {where}.methods"


def _axes(config: Config, settings: Mapping[str, Any], where: str, fewest: int) -> str:
    """Whether the suites test enough capabilities; what is wrong with the suites themselves is said elsewhere."""
    try:
        count = len(capabilities(config, [name for name in settings["suites"] if name in config["suites"]]))
    except (UserError, KeyError):
        return ""
    return "" if count >= fewest else f"{fewest} capabilities or more, and the suites of {where} test {count}"
