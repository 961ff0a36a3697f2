"""Experiments: from the configuration to the names of mixtures and runs, and to what each one is.

A mixture is named by what makes it: a strategy by its own name, `only_{source}`, `without_{source}`, `proportional`,
`temperature_{tau}`, `unimax`, `proxy_{number}`, `optimal`, and those of a sweep (`study/sweeps`). A run is a mixture
and a seed: the first seed's run has the mixture's name, another seed's is `{mixture}-seed{seed}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from emulsion.mixture import Mixture
from emulsion.study.catalogue import Config
from emulsion.study.strategies import strategy_stages

T = TypeVar("T")
Mixtures = Callable[[Config, str], list[str]]

# What a training step means. Raise it by hand when a change alters what is learned from the same spec:
# every run is then trained again. Editing the code alone retrains nothing.
TRAIN_RECIPE = 1

# Settings of a training that change its speed and memory, not its result.
NOT_LEARNED = ("micro_batch",)

# Names that say what makes a mixture, and so cannot be those of strategies.
RESERVED = r"(only|without|proxy|temperature|sweep)_.*|proportional|unimax|optimal|stratified|.*-again|.*-seed\d+"

# Settings of an optimisation that say which runs it is fed with, not how it searches.
NOT_SEARCHED = ("method", "model", "training", "tokens", "proxies")


def strategies(config: Config, experiment: str) -> list[str]:
    """The strategies an experiment compares, in the order of its tables and figures."""
    return list(config["experiments"][experiment]["strategies"])


def singles(config: Config, experiment: str) -> list[str]:
    """The mixtures of one source alone."""
    chosen = config["experiments"][experiment]
    return [f"only_{source}" for source in chosen["sources"]] if chosen["baselines"]["single"] else []


def sized(config: Config, experiment: str) -> list[str]:
    """The baselines that follow from the sizes of the sources."""
    baselines = config["experiments"][experiment]["baselines"]
    names = ["proportional"] if baselines["proportional"] else []
    names += [f"temperature_{tau:g}" for tau in baselines["temperatures"]]
    return names + (["unimax"] if baselines["unimax"] else [])


def ablations(config: Config, experiment: str) -> list[str]:
    """The mixtures without one source."""
    chosen = config["experiments"][experiment]
    return [f"without_{source}" for source in chosen["sources"]] if chosen["ablations"] else []


def base_and_ablations(config: Config, experiment: str) -> list[str]:
    """The mixture that sources are left out of, and those without one."""
    chosen = config["experiments"][experiment]["ablations"]
    return [chosen["base"], *ablations(config, experiment)] if chosen else []


def proxies(config: Config, experiment: str) -> list[str]:
    """The mixtures that the optimiser trains small models on."""
    settings = config["experiments"][experiment]["optimize"]
    if not settings or settings["method"] == "direct":
        return []
    return [f"proxy_{number:03d}" for number in range(settings["proxies"])]


def direct_trainings(config: Config, experiment: str) -> int:
    """How many small trainings a direct search may do, inside its own job."""
    settings = config["experiments"][experiment]["optimize"]
    return int(settings["proxies"]) if settings and settings["method"] == "direct" else 0


def optima(config: Config, experiment: str) -> list[str]:
    """The mixture that the optimiser found, where there is one."""
    return ["optimal"] if config["experiments"][experiment]["optimize"] else []


def compared(config: Config, experiment: str) -> list[str]:
    """Every mixture that is trained at full size, proxies left out."""
    groups = (strategies, optima, singles, sized, ablations)
    return [mixture for group in groups for mixture in group(config, experiment)]


def candidates(config: Config, experiment: str) -> list[str]:
    """The mixtures that may be recommended."""
    groups = (strategies, optima, sized)
    return [mixture for group in groups for mixture in group(config, experiment)]


def concluded(config: Config, experiment: str) -> list[str]:
    """The mixtures that the conclusions compare: those that may be recommended, and each source alone."""
    return [*candidates(config, experiment), *singles(config, experiment)]


def informing(config: Config, experiment: str) -> list[str]:
    """The mixtures whose runs the optimiser learns from.

    The proxies, and all that was trained at their size on one mixture.
    """
    names = proxies(config, experiment)
    if not names:
        return []
    constant = [
        name for name in strategies(config, experiment) if len(strategy_stages(config["strategies"][name])) == 1
    ]
    others = [*constant, *sized(config, experiment)]
    size = run_spec(config, experiment, names[0])
    return [*names, *(name for name in others if run_spec(config, experiment, name) == size)]


def groups(config: Config, experiment: str) -> dict[str, Any]:
    """What the conclusions compare: {"candidates", "singles": mixtures}, {mixture: model} where models differ, and
    whether predictions are of such runs.

    A prediction is comparable with a real run's mean score where proxies are of the same size and aim at that score.
    """
    settings = config["experiments"][experiment]["optimize"]
    comparable = bool(settings) and settings["objective"] == "mean_capability"
    same_size = comparable and run_spec(config, experiment, "proxy_000") == run_spec(config, experiment, "optimal")
    names = {
        "candidates": candidates(config, experiment),
        "singles": singles(config, experiment),
        "strategies": strategies(config, experiment),
    }
    models = {name: _size(config, experiment, name)["model"] for name in concluded(config, experiment)}
    differing = models if len(set(models.values())) > 1 else {}
    return {**names, "models": differing, "proxies_are_full_size": same_size}


def repeated_pair(config: Config, experiment: str) -> list[str]:
    """A mixture and the same again, trained to show that the recipe reproduces."""
    if not config["experiments"][experiment]["repeat"]:
        return []
    chosen = (optima(config, experiment) or strategies(config, experiment))[0]
    return [chosen, f"{chosen}-again"]


def trained(config: Config, experiment: str) -> list[str]:
    """Every mixture that anything is trained on."""
    again = repeated_pair(config, experiment)[1:]
    return [*compared(config, experiment), *proxies(config, experiment), *again]


def fixed(config: Config, experiment: str) -> list[str]:
    """The mixtures that follow from the configuration alone."""
    groups = (strategies, singles, ablations)
    return [mixture for group in groups for mixture in group(config, experiment)]


def runs(config: Config, experiment: str, mixtures: Mixtures = trained) -> list[str]:
    """The runs of these mixtures, in their order: one for each seed; proxies and repetitions have the first alone."""
    seeds = config["experiments"][experiment]["seeds"]
    suffixes = ["", *(f"-seed{seed}" for seed in seeds[1:])]
    return [
        mixture + suffix
        for mixture in mixtures(config, experiment)
        for suffix in (suffixes[:1] if _once(mixture) else suffixes)
    ]


def _once(mixture: str) -> bool:
    return mixture.startswith("proxy_") or mixture.endswith("-again")


def mixture_of(run: str) -> str:
    """The mixture a run trains on."""
    return re.sub(r"-(seed\d+|again)$", "", run)


def seed_of(run: str, first_seed: int) -> int:
    """The seed of a run; one without it in its name has the experiment's first."""
    suffix = re.search(r"-seed(\d+)$", run)
    return int(suffix[1]) if suffix else first_seed


def by_mixture(runs: Sequence[str], values: Iterable[T], first_seed: int = 0) -> dict[str, dict[int, T]]:
    """{mixture: {seed: value}} of values that belong to these runs, in order."""
    grouped: dict[str, dict[int, T]] = {}
    for run, value in zip(runs, values, strict=True):
        grouped.setdefault(mixture_of(run), {})[seed_of(run, first_seed)] = value
    return grouped


def mixture_stages(config: Config, experiment: str, mixture: str) -> list[dict[str, Any]]:
    """The stages of a mixture that follows from the configuration alone."""
    if mixture in strategies(config, experiment):
        return strategy_stages(config["strategies"][mixture])
    if mixture == "stratified":
        sources = config["experiments"][experiment]["sources"]
        return [{"until": 1.0, "weights": dict.fromkeys(sources, 1 / len(sources))}]
    if mixture.startswith("only_"):
        return [{"until": 1.0, "weights": {mixture.removeprefix("only_"): 1.0}}]
    base = strategy_stages(config["strategies"][config["experiments"][experiment]["ablations"]["base"]])
    left_out = mixture.removeprefix("without_")
    return [{**stage, "weights": dict(Mixture(stage["weights"]).without(left_out))} for stage in base]


def run_spec(config: Config, experiment: str, run: str) -> dict[str, Any]:
    """The spec of a run: all but its mixture, and nothing that cannot change the result.

    Proxies have the model, training and tokens of the optimiser's settings, others those of the experiment, or a model
    of their strategy's own.
    """
    size, seeds = _size(config, experiment, run), config["experiments"][experiment]["seeds"]
    training = config["training"][size["training"]]
    return {
        "recipe": TRAIN_RECIPE,
        "model": config["models"][size["model"]],
        "tokens": size["tokens"],
        "seed": seed_of(run, seeds[0]),
        **{key: value for key, value in training.items() if key not in NOT_LEARNED},
    }


def micro_batch(config: Config, experiment: str, run: str) -> int:
    """How many sequences a device takes at once in this run."""
    return int(config["training"][_size(config, experiment, run)["training"]]["micro_batch"])


def run_model(config: Config, experiment: str, run: str) -> str:
    """The name of a run's model."""
    return str(_size(config, experiment, run)["model"])


def _size(config: Config, experiment: str, run: str) -> dict[str, Any]:
    """The settings that decide how large a run is: "model", "training", "tokens" and others beside."""
    chosen = config["experiments"][experiment]
    if run.startswith("proxy_"):
        return dict(chosen["optimize"])
    mixture = mixture_of(run)
    strategy = chosen["ablations"]["base"] if mixture.startswith("without_") else mixture
    own = config["strategies"][strategy].get("model") if strategy in chosen["strategies"] else None
    return {**chosen, "model": own or chosen["model"]}


def unimax_budget(config: Config, experiment: str, mixture: str) -> list[str]:
    """The options that UniMax takes; the other baselines depend on the sizes alone."""
    chosen = config["experiments"][experiment]
    options = ["--tokens", str(chosen["tokens"]), "--max-epochs", str(chosen["max_epochs"]["limit"])]
    return options if mixture == "unimax" else []


def comparing(config: Config) -> list[str]:
    """The experiments that compare mixtures, and so come to a recommendation."""
    return [name for name in config["experiments"] if candidates(config, name)]


def optimised_by(config: Config, method: str) -> list[str]:
    """The experiments whose optimum is searched by this method."""
    chosen = config["experiments"].items()
    return [name for name, experiment in chosen if (experiment["optimize"] or {}).get("method") == method]


def asked_downstream(config: Config) -> list[str]:
    """The experiments whose models are asked published tasks."""
    return [name for name, experiment in config["experiments"].items() if experiment.get("downstream")]
