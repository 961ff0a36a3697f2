"""Check the configuration before any job starts: what is wrong, where, what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from emulsion.errors import UserError, nearest, unknown
from emulsion.evaluation.suites import load_suite
from emulsion.experiments import RESERVED, Config, kind_block, run_spec, strategy_stages
from emulsion.files import read_json
from emulsion.mixture import Mixture
from emulsion.paths import suite_file
from emulsion.schedule import Schedule
from emulsion.sources.local import local_files
from emulsion.synthetic import CAPABILITIES
from emulsion.tokenizers import fingerprint
from emulsion.training.spec import RunSpec

FIGURES = {
    "capability_heatmap": None,
    "capability_radar": None,
    "training_curves": None,
    "mixtures": None,
    "pareto": None,
    "contributions": "ablations",
    "optimizer": "optimize",
}  # and the analysis that each needs


def check(config: Config, schema: Path, folder: Path = Path()) -> None:
    """Raise UserError that lists every mistake, first those of form, then those of meaning.

    folder: where relative paths start and earlier results lie.
    """
    problems = list(_form(config, read_json(schema))) or list(_meaning(config, folder))
    if problems:
        raise UserError("the configuration cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _form(config: Config, schema: Mapping[str, Any]) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(config):
        path = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            yield from _unknown_keys(error, path)
        elif error.validator == "required":
            yield f"{path or 'top level'}: {error.message.replace(' is a required property', ' is missing')}."
        elif error.validator == "oneOf":
            yield f"{path}: needs either `ratios` or `stages`, and not both."
        else:
            yield f"{path}: {error.message}. {_description(error)}"


def _unknown_keys(error: ValidationError, path: str) -> Iterator[str]:
    known = list(_schema(error)["properties"])
    for key in _instance(error):
        if key not in known:
            guess = nearest(str(key), known)
            hint = f"Did you mean '{guess}'? " if guess else ""
            yield f"{path or 'top level'}: unknown key '{key}'. {hint}Known: {', '.join(known)}."


def _description(error: ValidationError) -> str:
    described = str(_schema(error).get("description", ""))
    is_number_as_text = error.validator == "type" and "e-" in str(error.instance)
    return f"{described} (In YAML, 3e-4 is text; write 3.0e-4.)" if is_number_as_text else described


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _instance(error: ValidationError) -> Mapping[str, Any]:
    return error.instance if isinstance(error.instance, Mapping) else {}


def _meaning(config: Config, folder: Path) -> Iterator[str]:
    checks = (_sources, _tokenizers, _models, _strategies, _suites, _figures)
    problems = [problem for check_one in checks for problem in check_one(config)]
    problems += [problem for name in config["experiments"] for problem in _names(config, name)]
    yield from problems
    if not problems:  # what follows reads what the names stand for
        for name in config["experiments"]:
            yield from _experiment(config, name)
            yield from _stores(config, name, folder)


def _told(action: Any, *arguments: Any, **settings: Any) -> Iterator[str]:
    """The message of the UserError that an action raises, if it does."""
    try:
        action(*arguments, **settings)
    except UserError as error:
        yield str(error)


def _has_block(where: str, entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["kind"] not in entry:
        yield f"{where}: kind is '{entry['kind']}', but there is no block `{entry['kind']}`."


def _sources(config: Config) -> Iterator[str]:
    for name, source in config["sources"].items():
        problems = list(_has_block(f"sources.{name}", source))
        yield from problems
        if not problems and source["kind"] == "local":
            yield from _told(local_files, name, source["local"])


def _tokenizers(config: Config) -> Iterator[str]:
    for name, tokenizer in config["tokenizers"].items():
        yield from _has_block(f"tokenizers.{name}", tokenizer)
        for source in tokenizer.get("bpe", {}).get("sources", []):
            yield from _known("source", source, config["sources"], f"tokenizers.{name}.bpe.sources")


def _models(config: Config) -> Iterator[str]:
    for name, model in config["models"].items():
        if model["hidden_size"] % model["heads"]:
            yield f"models.{name}: hidden_size {model['hidden_size']} does not divide by {model['heads']} heads."


def _strategies(config: Config) -> Iterator[str]:
    for name, strategy in config["strategies"].items():
        stages = strategy_stages(strategy)
        for stage in stages:
            for source in stage["weights"]:
                yield from _known("source", source, config["sources"], f"strategies.{name}")
        problems = [text for stage in stages for text in _told(Mixture, stage["weights"], where=f"strategies.{name}")]
        yield from problems
        if not problems:
            pairs = [(stage["until"], Mixture(stage["weights"])) for stage in stages]
            yield from (f"strategies.{name}: {text}" for text in _told(Schedule.staged, pairs, 10**9))


def _suites(config: Config) -> Iterator[str]:
    for name, suite in config["suites"].items():
        problems = list(_has_block(f"suites.{name}", suite))
        yield from problems
        if not problems and suite["kind"] == "file":
            yield from _told(load_suite, suite_file(config, name))


def _figures(config: Config) -> Iterator[str]:
    known = [
        f"{name}_{figure}"
        for name, experiment in config["experiments"].items()
        for figure, analysis in FIGURES.items()
        if analysis is None or experiment[analysis]
    ]
    for figure in config["figures"]:
        yield from _known("figure", figure, known, "figures")


def _known(what: str, name: str, allowed: Any, where: str) -> Iterator[str]:
    if name not in allowed:
        yield str(unknown(what, name, allowed, where))


def _names(config: Config, name: str) -> Iterator[str]:
    experiment, where = config["experiments"][name], f"experiments.{name}"
    for key, section in (("tokenizer", "tokenizers"), ("model", "models"), ("training", "training")):
        yield from _known(key, experiment[key], config[section], f"{where}.{key}")
    for key, what in (("sources", "source"), ("strategies", "strategy"), ("suites", "suite")):
        for chosen in experiment[key]:
            yield from _known(what, chosen, config[key], f"{where}.{key}")
    yield from _known("device", experiment["budget"]["device"], config["devices"], f"{where}.budget.device")
    for strategy in experiment["strategies"]:
        if re.fullmatch(RESERVED, strategy):
            yield f"{where}.strategies: '{strategy}' is the name of a mixture that the workflow makes; choose another."
    if experiment["ablations"]:
        yield from _known(
            "strategy", experiment["ablations"]["base"], experiment["strategies"], f"{where}.ablations.base"
        )
    if experiment["optimize"]:
        for key, section in (("model", "models"), ("training", "training")):
            yield from _known(key, experiment["optimize"][key], config[section], f"{where}.optimize.{key}")


def _experiment(config: Config, name: str) -> Iterator[str]:
    experiment, where = config["experiments"][name], f"experiments.{name}"
    for run, size, place in _sizes(config, name):
        for problem in _told(RunSpec.from_json, run_spec(config, name, run)):
            yield f"{place}: {problem}"
        yield from _vocabulary(config, experiment["tokenizer"], size["model"], place)
    for strategy in experiment["strategies"]:
        for stage in strategy_stages(config["strategies"][strategy]):
            for source in stage["weights"]:
                yield from _known("source", source, experiment["sources"], f"{where}: strategy '{strategy}'")
    if experiment["ablations"]:
        yield from _ablations(config, name)
    if experiment["optimize"]:
        yield from _optimizer(config, name)


def _ablations(config: Config, name: str) -> Iterator[str]:
    """A base that stays a mixture whichever source is left out, at every stage."""
    experiment = config["experiments"][name]
    base = experiment["ablations"]["base"]
    for number, stage in enumerate(strategy_stages(config["strategies"][base]), start=1):
        support = Mixture(stage["weights"]).support
        if len(support) == 1:
            yield (
                f"experiments.{name}.ablations.base: stage {number} of '{base}' draws from '{support[0]}' alone, "
                "so it cannot be left out; name a strategy with two sources or more at every stage."
            )


def _optimizer(config: Config, name: str) -> Iterator[str]:
    experiment, where = config["experiments"][name], f"experiments.{name}.optimize"
    settings, sources = experiment["optimize"], experiment["sources"]
    low, high = settings["bounds"]
    if not low * len(sources) <= 1 <= high * len(sources):
        yield f"{where}.bounds: no mixture of {len(sources)} sources has every share in [{low}, {high}]."
    for source in settings["kl"]["prior"] or {}:
        yield from _known("source", source, sources, f"{where}.kl.prior")
    if isinstance(settings["objective"], Mapping):
        for capability in settings["objective"].get("capabilities", {}):
            yield from _known("capability", capability, _capabilities(config, name), f"{where}.objective.capabilities")
        for source in settings["objective"].get("losses", {}):
            yield from _known("source", source, sources, f"{where}.objective.losses")


def _capabilities(config: Config, name: str) -> set[str]:
    """The capabilities that the suites of an experiment test."""
    found: set[str] = set()
    for suite in config["experiments"][name]["suites"]:
        entry = config["suites"][suite]
        items = load_suite(entry["file"]).items if entry["kind"] == "file" else ()
        found |= {item.capability for item in items} or set(CAPABILITIES)
    return found


def _sizes(config: Config, name: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(a run, the settings that size it, where they stand) for each size of run in an experiment."""
    experiment = config["experiments"][name]
    yield experiment["strategies"][0], experiment, f"experiments.{name}"
    if experiment["optimize"]:
        yield "proxy_000", experiment["optimize"], f"experiments.{name}.optimize"


def _vocabulary(config: Config, tokenizer: str, model: str, where: str) -> Iterator[str]:
    tokens = kind_block(config["tokenizers"][tokenizer])["vocab_size"]
    rows = config["models"][model].get("vocab_size", tokens)
    if rows < tokens:
        yield f"{where}: model '{model}' has a vocabulary of {rows}, but tokenizer '{tokenizer}' has {tokens} tokens."


def _stores(config: Config, name: str, folder: Path) -> Iterator[str]:
    """Token stores that lie there already, newer than a tokenizer that did not make them.

    An older store is not a mistake: the workflow is about to make it again.
    """
    experiment = config["experiments"][name]
    tokenizer = folder / "data/tokenizers" / experiment["tokenizer"]
    definition = tokenizer / "tokenizer.json"
    for source in experiment["sources"]:
        header = folder / "data/tokens" / experiment["tokenizer"] / source / "header.json"
        if not (header.exists() and definition.exists()):
            continue
        made_with = read_json(header)["tokenizer"]
        if header.stat().st_mtime >= definition.stat().st_mtime and made_with != fingerprint(tokenizer):
            yield (
                f"experiments.{name}: the token store {header.parent} was made with another tokenizer ({made_with}) "
                f"than {tokenizer} ({fingerprint(tokenizer)}); delete the store and it is made again."
            )
