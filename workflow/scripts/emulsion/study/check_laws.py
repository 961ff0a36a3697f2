"""Checks on studies of mixing laws, and on matrices of what sources do for one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.fields import is_number
from emulsion.files import read_json
from emulsion.methods.designs import count_of
from emulsion.methods.interface import OnlineMethod
from emulsion.methods.stretches import update_before
from emulsion.spec import RunSpec
from emulsion.study.catalogue import Config
from emulsion.study.check_common import apart, error_of, known
from emulsion.study.check_swarms import points_of
from emulsion.study.experiment import Experiment
from emulsion.study.laws import Laws


def studies(config: Config) -> Iterator[str]:
    for study, chosen in config["law_studies"].items():
        where = f"law_studies.{study}"
        yield from apart(study, config["experiments"], where)
        for table in chosen["tables"]:
            labels: dict[str, str] = {}
            for label, name in table["settings"].items():
                place = f"{where}: '{table['title']}', '{label}'"
                yield from known("experiment", name, config["experiments"], place)
                if (other := labels.setdefault(name, label)) != label:
                    yield f"{place} is experiment '{name}', and so is '{other}'; it would count twice."
                if name in config["experiments"] and not config["experiments"][name]["laws"]:
                    yield f"{place}: experiment '{name}' has no `laws`."


def parameters(experiment: Experiment) -> Iterator[str]:
    """The methods have matrices, and their runs a state and room for branches at every share."""
    chosen, where = experiment.settings["parameters"], f"experiments.{experiment.name}.parameters"
    if not chosen:
        return
    able = [name for name in experiment.methods() if getattr(experiment.method(name), "averaged_over", None)]
    for name in chosen["methods"]:
        problems = list(known("method that goes by a matrix", name, able, f"{where}.methods"))
        yield from problems or _states(experiment, name, f"{where}.shares: {name}")
        if name in Laws(experiment).matrices():
            yield f"{where}.methods: a matrix of laws.matrices is called '{name}' too; choose another name for it."
    points = chosen["points"]
    problems = list(points_of(experiment, points, f"{where}.points"))
    yield from problems
    if not problems and count_of(points, experiment.sources) < 2:
        yield f"{where}.points: one branch tells nothing of the effects of sources; take 2 or more."


def _states(experiment: Experiment, name: str, where: str) -> Iterator[str]:
    method, chosen = experiment.method(name), experiment.settings["parameters"]
    if not isinstance(method, OnlineMethod):
        raise TypeError(f"{name} decides before the run")
    entry = Laws(experiment).branched_runs(name)[0].entry
    spec = RunSpec.from_json(experiment.spec_of(entry.size))
    before, found = entry.steps_before(spec.steps), []
    for share in chosen["shares"]:
        try:
            found.append(update_before(method, spec.steps, share, before))
        except UserError as error:
            yield f"{where}: {error}"
            return
    if len(set(found)) < len(found):
        yield f"{where}: two of {chosen['shares']} are of one update (after steps {found}); set them further apart."
    step = spec.batch_sequences * spec.context
    if chosen["tokens"] < step:
        yield f"{where}: branches of {chosen['tokens']:,} tokens are less than one step of {step:,}."
    if (end := max(found) * step + chosen["tokens"]) > spec.tokens:
        yield f"{where}: its branches end at {end:,} tokens, but the run that they leave has {spec.tokens:,}."
    else:
        yield from (f"{where}: {problem}" for problem in error_of(spec.branch, max(found) * step, chosen["tokens"]))


def laws(experiment: Experiment) -> Iterator[str]:
    """Laws are of what differs between mixtures, which further seeds of one do not show."""
    swarm = Laws(experiment).swarm
    if swarm and len(swarm.points) < 2:
        yield (
            f"experiments.{experiment.name}.laws.swarm: laws are fitted to 2 mixtures or more, and '{swarm.name}' has "
            f"one, its points being '{swarm.settings['points']['kind']}'; name a swarm of more points."
        )


def matrices(experiment: Experiment) -> Iterator[str]:
    """The matrices that are compared with the fitted one."""
    where, swarm = f"experiments.{experiment.name}.laws.matrices", Laws(experiment).swarm
    for name, each in Laws(experiment).matrices().items():
        there = swarm.settings["branches"] if swarm else {}
        yield from known("name of branches", each["branches"], there, f"{where}.{name}")
        yield from _matrix(set(experiment.sources), each, f"{where}.{name}")


def _matrix(sources: set[str], chosen: Mapping[str, Any], where: str) -> Iterator[str]:
    if chosen["kind"] != "given":
        if "matrix" in chosen:
            yield f"{where}.matrix: kind '{chosen['kind']}' has no file; for a matrix of your own use `kind: given`."
        return
    file = chosen.get("matrix")
    if file is None or not Path(file).is_file():
        problem = f"there is no file {file}" if file else "no file is named"
        yield f"{where}.matrix: {problem}; it holds {{evaluated source: {{source trained on: effect}}}}."
        return
    form = f"must have a row and in it a column for each of {', '.join(sorted(sources))}, as JSON."
    try:
        matrix = read_json(file)
    except UserError:
        yield f"{where}.matrix: {file} cannot be read; it {form}"
        return
    rows = isinstance(matrix, dict) and set(matrix) == sources
    if not rows or any(not isinstance(row, dict) or set(row) != sources for row in matrix.values()):
        yield f"{where}.matrix: {file} {form}"
        return
    for group, row in matrix.items():
        for source, effect in row.items():
            if not is_number(effect):
                yield f"{where}.matrix: {file}: the effect on '{group}' of '{source}' is {effect!r}, not a number."
