"""Check the configuration before any job starts: what is wrong, where, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emulsion.catalogue import Config
from emulsion.configuration import data, experiments, laws, models
from emulsion.configuration.form import fill_in, mistakes_of_form
from emulsion.errors import UserError
from emulsion.files import read_json


def check(config: Config, schema: Path, folder: Path = Path()) -> None:
    """Set what is left out to its default, in place, and raise UserError that lists every mistake.

    Mistakes of form are listed first, and those of meaning where there are none.
    folder: where relative paths start and earlier results lie.
    """
    form = read_json(schema)
    fill_in(config, form)
    problems = list(mistakes_of_form(config, form)) or list(_meaning(config, folder))
    if problems:
        raise UserError("the configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _meaning(config: Config, folder: Path) -> Iterator[str]:
    checks = (
        data.sources,
        data.cleaning,
        data.tokenizers,
        models.models,
        experiments.strategies,
        data.suites,
        experiments.figures,
        laws.studies,
    )
    problems = [problem for check_one in checks for problem in check_one(config)]
    problems += [problem for name in config["experiments"] for problem in experiments.names(config, name)]
    yield from problems
    if not problems:  # what follows reads what the names stand for
        yield from models.weights(config)
        for name in config["experiments"]:
            yield from experiments.experiment(config, name)
            yield from laws.sweep(config, name)
            yield from data.stores(config, name, folder)
