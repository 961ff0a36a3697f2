"""What can be asked for by name: what wildcards may stand for, and the files nearest to one that no rule makes."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from emulsion.study.check_figures import needs
from emulsion.study.experiment import Experiment
from emulsion.study.experiment_paths import predicts
from emulsion.study.laws import Laws
from emulsion.study.study import Study

# Wildcards whose values depend on the experiment.
_OF_EXPERIMENT: Mapping[str, Callable[[Experiment], Iterable[str]]] = {
    "mix": lambda experiment: experiment.entries,
    "run": Experiment.all_runs,
    "matrix": lambda experiment: Laws(experiment).matrices(),
    "method": lambda experiment: Laws(experiment).methods(),
    "swarm": lambda experiment: experiment.swarms,
}
# What stands between an experiment and what is of it, in paths.
_BETWEEN = ("[-_/]", "/swarms/", "/branches/")
# {a file: what its experiment must have for it, and how that is said} of files that some experiments cannot have.
_NEEDS: Mapping[str, tuple[Callable[[Experiment], object], str]] = {
    r"results/{}/(?:methods|recommendations|answer|decision)\.\w+": (
        Experiment.candidates,
        "{}.strategies or methods",
    ),
    r"results/{}/contributions\.json": (lambda each: each.settings["ablations"], "{}.ablations"),
    r"results/{}/(?:predictions|surface)\.json": (
        predicts,
        "a method of kind optimum, before any of direct_search, in {}.methods",
    ),
    r"results/{}/(?:downstream|[^/]+/lm_eval|[^/]+/lm_eval_items)\.\w+": (
        lambda each: each.settings.get("downstream"),
        "{}.downstream",
    ),
    r"results/{}/[^/]+/smoke\.json": (lambda each: each.settings.get("smoke"), "{}.smoke"),
    r"results/{}-(?:metrics|generations)\.\w+": (lambda each: each.settings.get("metrics"), "{}.metrics"),
    r"law_results/{}/static_law\.json": (lambda each: Laws(each).swarm, "{}.laws"),
    r"law_results/{}/dynamic_law\.json": (lambda each: Laws(each).branched, "{}.laws of a swarm with branches"),
    r"law_results/{}/greedy\.json": (
        lambda each: Laws(each).compare_greedy(),
        "{}.laws of a swarm whose points have branches that run to the end",
    ),
    r"law_results/{}/similarity\.json": (
        lambda each: Laws(each).matrices() or Laws(each).methods(),
        "{0}.laws.matrices or {0}.parameters",
    ),
}
# How many names are looked through for those of which a rule makes some.
_CLOSE = 100


def wildcard_values(study: Study) -> dict[str, list[str]]:
    """{wildcard: what it may stand for}, of all wildcards that stand for names."""
    config = study.config
    return {
        "experiment": list(study),
        **{wildcard: study.each(names) for wildcard, names in _OF_EXPERIMENT.items()},
        "study": list(config["law_studies"]),
        "comparison": list(config["method_studies"]),
        "replay": list(config["replays"]),
        "table": list(config["finished_runs"]),
        "proposal": sorted({method for entry in config["finished_runs"].values() for method in entry["methods"]}),
        "model": list(config["models"]),
        "source": list(config["sources"]),
        "tokenizer": list(config["tokenizers"]),
        "suite": list(config["suites"]),
    }


def one_of(names: Iterable[str]) -> str:
    """A pattern that matches these names alone, so that a target with a typo has no rule.

    Numbered names take as little of it when there are thousands: Snakemake reads all of it for every file of a job.
    """
    return _endings(sorted(set(names))) or "(?!)"


def _endings(names: Sequence[str]) -> str:
    """A pattern of sorted names: how all of them begin, then, by the next letter, how they go on."""
    if not names:
        return ""
    start = os.path.commonprefix([names[0], names[-1]])  # noqa: RUF071
    next_letters: dict[str, str] = {}  # by how names go on after them
    for letter, group in itertools.groupby(names, lambda name: name[len(start) : len(start) + 1]):
        if letter:
            rest = _endings([name[len(start) + 1 :] for name in group])
            next_letters[rest] = next_letters.get(rest, "") + re.escape(letter)
    ways = "|".join(f"[{letters}]{rest}" for rest, letters in next_letters.items())
    if ways and start in names:
        ways = f"(?:{ways})?"
    elif len(next_letters) > 1:
        ways = f"(?:{ways})"
    return re.escape(start) + ways


def of_experiment(study: Study, names: Callable[[Experiment], Iterable[str]]) -> str:
    """A pattern of the names that each experiment has, behind its own in a path: another's have no rule."""
    return _behind({_path(name): names(experiment) for name, experiment in study.items()})


def wildcard_patterns(study: Study) -> dict[str, str]:
    """{wildcard: the pattern of what it may stand for}, of all wildcards but those of numbers of shards."""
    batches = {
        rf"(?:(?<=/{re.escape(name)}/swarms/{swarm}/)|(?<=/{re.escape(name)}-{swarm}-))": chosen.batches
        for name, experiment in study.items()
        for swarm, chosen in experiment.swarms.items()
    }
    return {
        **{wildcard: one_of(names) for wildcard, names in wildcard_values(study).items()},
        **{wildcard: of_experiment(study, names) for wildcard, names in _OF_EXPERIMENT.items()},
        "batch": _behind(batches),
    }


def _path(experiment: str) -> str:
    return f"(?:{'|'.join(f'(?<=/{re.escape(experiment)}{between})' for between in _BETWEEN)})"


def _behind(names: Mapping[str, Iterable[str]]) -> str:
    return "|".join(f"{before}(?:{one_of(each)})" for before, each in names.items()) or "(?!)"


def nearest(asked: str, patterns: Iterable[str], study: Study, makes: Callable[[str], object]) -> list[str]:
    """Up to three of the names that these patterns may have in a study, the nearest to one that was asked for first.

    patterns: of the outputs of rules, such as `figures/{experiment}_pareto.png`; a pattern without wildcards is a name.
    makes: whether there is a rule for a name after all, for a rule may take fewer experiments than there are.
    """
    names = dict.fromkeys(name for pattern in patterns for name in _names(pattern, study))
    close = get_close_matches(asked, names, n=_CLOSE, cutoff=0.6)
    return [name for name in close if makes(name)][:3]


def lacking(asked: str, study: Study) -> str:
    """What an experiment lacks for a file that some have; nothing where that is not known."""
    if figure := re.fullmatch(r"figures/(.+)\.png", asked):
        return needs(study.config).get(figure[1], "")
    for name, experiment in study.items():
        for file, (has, need) in _NEEDS.items():
            if re.fullmatch(file.replace("{}", re.escape(name)), asked) and not has(experiment):
                return need.format(f"experiments.{name}")
    return ""


def _names(pattern: str, study: Study) -> Iterator[str]:
    """All names of a pattern; none where a wildcard stands for numbers."""
    wildcards = list(dict.fromkeys(re.findall(r"\{(\w+)\}", pattern)))
    values = {**wildcard_values(study), "batch": []}
    if not all(wildcard in values for wildcard in wildcards):
        return
    for experiment in study if "experiment" in wildcards else [""]:
        if experiment:
            values |= {"experiment": [experiment]}
            values |= {wildcard: list(names(study[experiment])) for wildcard, names in _OF_EXPERIMENT.items()}
        for swarm in values["swarm"] if "batch" in wildcards else [""]:
            if swarm:
                values |= {"swarm": [swarm], "batch": list(study[experiment].swarms[swarm].batches)}
            for chosen in itertools.product(*(values[wildcard] for wildcard in wildcards)):
                yield pattern.format(**dict(zip(wildcards, chosen, strict=True)))
