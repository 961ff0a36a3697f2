"""Check the configuration before any job starts: what is wrong, where, what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from emulsion.errors import UserError
from emulsion.fields import read_yaml, refuse_repeated_keys
from emulsion.study import check_data, check_experiments, check_laws, check_methods, check_models
from emulsion.study.catalogue import Config, set_chat_formats
from emulsion.study.form import fill_in, mistakes_of_form
from emulsion.study.study import Study


def check(config: Config, schema: Path, folder: Path = Path(), files: Iterable[Path | str] = ()) -> None:
    """Set what is left out to its default, in place, and raise UserError that lists every mistake.

    Mistakes of form are listed first, and those of meaning where there are none.
    folder: where relative paths start and earlier results lie. files: those that the configuration was read from.
    """
    for file in files:
        refuse_repeated_keys(Path(file))
    form = read_yaml(schema)
    fill_in(config, form)
    problems = list(mistakes_of_form(config, form))
    if not problems:
        set_chat_formats(config)
        problems = list(_meaning(config, folder))
    if problems:
        raise UserError("the configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _meaning(config: Config, folder: Path) -> Iterator[str]:
    checks = (
        check_data.sources,
        check_data.cleaning,
        check_data.tokenizers,
        check_models.models,
        check_experiments.strategies,
        check_methods.swarms,
        check_methods.methods,
        check_data.suites,
        check_experiments.figures,
        check_laws.studies,
    )
    problems = [problem for check_one in checks for problem in check_one(config)]
    problems += [problem for name in config["experiments"] for problem in check_experiments.names(config, name)]
    # What follows reads what the names stand for, and the study is made of methods.
    problems = problems or [each for name in config["experiments"] for each in check_methods.methods_of(config, name)]
    yield from problems
    if not problems:
        study = Study(config)
        yield from check_models.weights(study)
        for name, experiment in study.items():
            yield from check_experiments.experiment(experiment)
            yield from check_methods.swarms_of(experiment)
            yield from check_methods.matrices(experiment)
            yield from check_data.halves(config, name)
            yield from check_data.stores(config, name, folder)
