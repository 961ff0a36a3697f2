"""Check the configuration before any job starts: what is wrong, where, what is allowed."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.environment import mistakes_of_environment
from emulsion.errors import UserError
from emulsion.fields import read_yaml, refuse_unclear
from emulsion.study import (
    check_data,
    check_experiments,
    check_figures,
    check_finished_runs,
    check_laws,
    check_methods,
    check_models,
    check_swarms,
    defaults,
    judges,
)
from emulsion.study.catalogue import Config, set_chat_formats
from emulsion.study.form import fill_in
from emulsion.study.mistakes import mistakes_of_form, place_of_path
from emulsion.study.overlays import as_laid
from emulsion.study.study import Study


def keys(files: Iterable[Path | str]) -> None:
    """Raise UserError where a file of the configuration has a key twice, or one that YAML does not read as text."""
    for file in files:
        refuse_unclear(Path(file))


def check(
    config: dict[str, Any],
    schema: Path,
    folder: Path = Path(),
    layers: Sequence[Mapping[str, Any]] = (),
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Lay overlays over as they are meant and set what is left out to its default, in place; what a user should know.

    folder: where relative paths start and earlier results lie
    layers: what each file says that the configuration was read from, the project's own first; none where it was made
    environment: the variables, by default those of this process

    Raises UserError that lists every mistake: those of form, or of meaning where there are none.
    """
    try:
        notes, problems = _checked(config, schema, folder, layers, environment)
    except OSError as error:  # a path too long, or in a folder that may not be searched
        file = str(error.filename)
        notes, problems = [], [f"{place_of_path(file, config)}: '{file}' cannot be looked at: {error.strerror}."]
    if problems:
        raise UserError("the configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
    return notes


def _checked(
    config: dict[str, Any],
    schema: Path,
    folder: Path,
    layers: Sequence[Mapping[str, Any]],
    environment: Mapping[str, str] | None,
) -> tuple[list[str], list[str]]:
    """(what a user should know, what is wrong)."""
    form = read_yaml(schema)
    laid = as_laid(config, layers, form)
    config.clear()
    config.update(copy.deepcopy(laid))  # what was written stays known beside the defaults
    fill_in(config, form)
    problems = list(mistakes_of_environment(os.environ if environment is None else environment))
    problems += mistakes_of_form(config, form)
    notes: list[str] = []
    problems = problems or [*check_swarms.unread_settings_of_points(laid), *defaults.kinds(config)]
    if not problems:
        defaults.mixtures(config)
        fill_in(config, form)
        problems = [*defaults.unread_blocks(config, layers), *defaults.presets(config)]
    if not problems:
        set_chat_formats(config)
        # A figure of the project's own list was not asked for by whoever switched off what it shows.
        asked = not layers or any("figures" in layer for layer in layers[1:])
        notes = [] if asked else check_figures.leave_out(config)
        # Sizes follow from what runs cost, which asks what the names stand for.
        problems = list(_names(config)) or list(defaults.sizes_of_runs(config)) or list(_meaning(config, folder))
    if not problems:
        notes += check_data.types(config)
        notes += check_data.unread(config)
        planned = Study(config).planned()
        notes += [
            *check_experiments.rounded_runs(planned),
            *check_swarms.rounded_branches(planned),
            *check_methods.without_curves(planned),
        ]
    return notes, problems


def _names(config: Config) -> Iterator[str]:
    """What the entries say, each by itself, and that what they name is there and can be made."""
    checks = (
        check_data.sources,
        check_data.cleaning,
        check_data.tokenizers,
        check_models.models,
        check_models.training,
        check_experiments.strategies,
        check_swarms.swarms,
        check_methods.studies,
        check_methods.methods,
        check_data.suites,
        check_experiments.only,
        check_experiments.reserved,
        check_experiments.files,
        check_figures.figures,
        check_laws.studies,
        check_finished_runs.tables,
    )
    problems = [problem for check_one in checks for problem in check_one(config)]
    problems += [problem for name in config["experiments"] for problem in check_experiments.names(config, name)]
    # What follows reads what the names stand for.
    problems = problems or [each for name in config["experiments"] for each in judges.judges(config, name)]
    problems = problems or [each for name in config["experiments"] for each in check_data.suites_of(config, name)]
    problems = problems or [each for name in config["experiments"] for each in check_methods.methods_of(config, name)]
    yield from problems


def _meaning(config: Config, folder: Path) -> Iterator[str]:
    """What the experiments come to, all of whose names are known and sizes set."""
    study = Study(config)
    yield from check_models.weights(study)
    yield from check_experiments.shared_files(study)
    for name, experiment in study.items():
        unfit = list(check_experiments.runs(experiment))
        yield from unfit
        if unfit:  # what follows asks for the steps of runs
            continue
        yield from check_experiments.experiment(experiment)
        yield from check_swarms.swarms_of(experiment)
        yield from check_methods.runs(experiment)
        yield from check_methods.rounds(experiment)
        yield from check_laws.laws(experiment)
        yield from check_laws.matrices(experiment)
        yield from check_laws.parameters(experiment)
        yield from check_data.halves(config, name)
        yield from check_data.stores(config, name, folder)
