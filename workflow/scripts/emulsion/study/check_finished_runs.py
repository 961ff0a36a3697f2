"""Checks on tables of runs that were trained elsewhere, and on what proposes from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.laws.region import Region
from emulsion.methods import create_offline, names
from emulsion.methods.designs import epoch_caps
from emulsion.methods.emulsion import Emulsion
from emulsion.methods.interface import Evidence
from emulsion.methods.objective import Objective
from emulsion.methods.registry import decides_online
from emulsion.study.catalogue import Config
from emulsion.study.check_common import error_of
from emulsion.study.check_methods import MADE
from emulsion.study.finished_runs_entry import finished_runs, method_of

# What a method may need, and tables of runs do not have.
_NOT_THERE = {
    "reference_run": "one reference run",
    "single_source_runs": "one run per source",
    "trainer": "trainings of its own",
    "trajectory": "what another method decided during a run",
}


def tables(config: Config) -> Iterator[str]:
    """They can be read, fit together, and hold what each method needs."""
    for name, entry in config["finished_runs"].items():
        where = f"finished_runs.{name}"
        if unsaid := list(_without_lengths(entry, where)):
            yield from unsaid
            continue
        try:
            sources, evidence = finished_runs(config, name).read()
        except UserError as error:
            yield f"{where}: {error}"
            continue
        for method in entry["methods"]:
            chosen = method_of(config, name, method)
            yield from (f"{where}.methods.{method}: {problem}" for problem in _method(chosen, sources, evidence))


def _without_lengths(entry: Mapping[str, Any], where: str) -> Iterator[str]:
    if not (entry["tokens"] or entry["run_tokens"]):
        for key in ("curve", "max_epochs"):
            if entry[key]:
                yield f"{where}.{key}: it goes by the tokens of runs; say `run_tokens`, `tokens` or both."


def _method(chosen: Mapping[str, Any], sources: Sequence[str], evidence: Evidence) -> Iterator[str]:
    """It decides before the run, from what is there, aims at that, and some mixture keeps its bounds and epochs."""
    if chosen["kind"] in MADE:
        yield f"'{chosen['kind']}' is no kind to choose; see `{MADE[chosen['kind']]}`."
        return
    if chosen["kind"] not in names():
        offline = [kind for kind in names() if kind not in MADE and not decides_online(kind)]
        yield str(unknown("kind of method", chosen["kind"], offline, "kind"))
        return
    try:
        made = create_offline(**chosen, sources=sources)
    except UserError as error:
        yield str(error)
        return
    needs = made.needs
    if lacking := [what for need, what in _NOT_THERE.items() if getattr(needs, need)]:
        yield f"kind '{chosen['kind']}' needs {' and '.join(lacking)}, which finished runs over mixtures are not."
        return
    if not needs.swarm:  # it goes by the sizes alone, so that its answer costs nothing
        yield from error_of(made.propose, evidence)
        return
    if (found := len(evidence.mixtures)) < needs.least_runs:
        yield f"kind '{chosen['kind']}' fits {needs.least_runs} runs or more, and there are {found}."
    if (found := len(set(evidence.mixtures.values()))) < (least := needs.least_mixtures):
        yield f"kind '{chosen['kind']}' fits runs on {least} different mixtures or more, and there are {found}."
    bounds = getattr(made, "bounds", None)
    yield from error_of(Region.of, sources, bounds, epoch_caps(evidence, sources, bounds))
    if isinstance(made, Emulsion):
        yield from error_of(made.require_losses, evidence)
    if "objective" in chosen:
        run, losses = next(iter(evidence.losses.items()))
        result = {"run": run, "losses": losses}
        yield from error_of(lambda: Objective.of(chosen["objective"], [result]).score(result))
