"""What is said of sweeps and of studies of mixing laws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulsion.files import read_json
from emulsion.spec import RunSpec
from emulsion.study import sweeps
from emulsion.study.catalogue import Config
from emulsion.study.told import known, told


def studies(config: Config) -> Iterator[str]:
    for study, chosen in config["law_studies"].items():
        where = f"law_studies.{study}"
        if study in config["experiments"]:
            yield f"{where}: an experiment has this name too, and their files would lie in one folder; choose another."
        for table in chosen["tables"]:
            for label, name in table["settings"].items():
                place = f"{where}: '{table['title']}', '{label}'"
                yield from known("experiment", name, config["experiments"], place)
                if name in config["experiments"] and not sweeps.settings(config, name):
                    yield f"{place}: experiment '{name}' has no `laws`."


def sweep(config: Config, name: str) -> Iterator[str]:
    """What an experiment says of its laws."""
    chosen = sweeps.settings(config, name)
    if not chosen:
        return
    where = f"experiments.{name}.laws"
    yield from _points(config, name, f"{where}.points")
    for branches, each in chosen["branches"].items():
        yield from _branches(config, name, each, f"{where}.branches.{branches}")
    for method, each in chosen["methods"].items():
        yield from known("name of branches", each["branches"], chosen["branches"], f"{where}.methods.{method}")
        yield from _matrix(config, name, each, f"{where}.methods.{method}")


def _points(config: Config, name: str, where: str) -> Iterator[str]:
    sources, kind = config["experiments"][name]["sources"], config["experiments"][name]["laws"]["points"]["kind"]
    if len(sources) < 2:
        yield f"{where}: a law is of how sources are mixed; the experiment has one alone, '{sources[0]}'."
    elif kind == "grid" and len(sources) != 2:
        yield f"{where}.kind: a grid is for 2 sources and the experiment has {len(sources)}; use `dirichlet`."


def _branches(config: Config, name: str, branches: dict[str, Any], where: str) -> Iterator[str]:
    spec = RunSpec.from_json(sweeps.sweep_spec(config, name))
    step = spec.batch_sequences * spec.context
    for key in ("after", "tokens"):
        if branches[key] < step:
            yield f"{where}.{key}: {branches[key]:,} tokens are less than one step of {step:,}."
    if branches["after"] + branches["tokens"] > spec.tokens:
        end = branches["after"] + branches["tokens"]
        yield f"{where}: they end at {end:,} tokens, but the experiment's runs have {spec.tokens:,}."
    else:
        yield from (f"{where}.{problem}" for problem in told(spec.branch, branches["after"], branches["tokens"]))
    count = config["experiments"][name]["laws"]["points"]["count"]
    if isinstance(branches["parents"], int) and branches["parents"] > count:
        yield f"{where}.parents: {branches['parents']} of the sweep's points were asked for; there are {count}."


def _matrix(config: Config, name: str, method: dict[str, Any], where: str) -> Iterator[str]:
    if method["kind"] != "given":
        if "matrix" in method:
            yield f"{where}.matrix: kind '{method['kind']}' has no file; for a matrix of your own use `kind: given`."
        return
    file, sources = method.get("matrix"), set(config["experiments"][name]["sources"])
    if file is None or not Path(file).is_file():
        problem = f"there is no file {file}" if file else "no file is named"
        yield f"{where}.matrix: {problem}; it holds {{evaluated source: {{source trained on: effect}}}}."
        return
    matrix = read_json(file)
    rows = isinstance(matrix, dict) and set(matrix) == sources
    if not rows or any(not isinstance(row, dict) or set(row) != sources for row in matrix.values()):
        yield f"{where}.matrix: {file} must have a row and in it a column for each of {', '.join(sorted(sources))}."
