"""The mixtures of an experiment as one table: what each is for, what decides it, and which runs train on it.

The configuration names strategies and methods; from them follow single sources, mixtures with one source left out, the
points of swarms, runs that guide a method, and a repetition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emulsion.methods import create
from emulsion.methods.presets import allocation
from emulsion.methods.registry import decides_online
from emulsion.study.catalogue import Config
from emulsion.study.judges import objective, weights
from emulsion.study.paths import run_name
from emulsion.study.strategies import strategy_stages
from emulsion.study.swarms import Swarm

# Keys of a method's entry that are not settings of the method itself.
NOT_SETTINGS = ("kind", "swarm", "model", "training", "tokens", "after", "presets")

# Kinds of methods whose search the conclusions tell of.
SEARCHES = ("optimum", "direct_search")


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a run is: names of a model and of a training, and tokens.

    learning_rate  its peak, where it is not the training's; the final one changes alike
    stands_for     tokens of the run whose epochs it is to have; None for what it comes to
    """

    model: str
    training: str
    tokens: int
    learning_rate: float | None = None
    stands_for: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Size:
        """The size of an experiment's runs."""
        return cls(model=settings["model"], training=settings["training"], tokens=settings["tokens"])

    def changed_by(self, chosen: Mapping[str, Any]) -> Size:
        """The size that a swarm or a method says, where it says one: in tokens, or by its published share of a run."""
        given = {key: chosen[key] for key in ("model", "training", "tokens") if chosen.get(key) is not None}
        if (presets := chosen.get("presets")) and "tokens" not in given:
            share = allocation(**{"method": chosen.get("kind"), **presets}).share
            given["tokens"] = max(1, round(share * self.tokens))
        return replace(self, **given)

    def of_swarm(self, chosen: Mapping[str, Any]) -> Size:
        """The size of a swarm's runs; a run that stands for one of its own length is as any other."""
        found = replace(self.changed_by(chosen), learning_rate=chosen.get("learning_rate"))
        matched = chosen.get("match_epochs_of")
        tokens = found.tokens if matched is None else matched.get("tokens", self.tokens)
        return found if tokens == found.tokens else replace(found, stands_for=tokens)


@dataclass(frozen=True, kw_only=True)
class MixtureEntry:
    """A mixture of an experiment.

    role     strategy, method, single, ablation, repetition, guide or point: what its runs are for
    method   kind and settings of what decides it
    mixture  whose mixture file its runs train on: its own, except of a repetition
    swarm    whose runs the method learns from, if any
    guide    the run that decides it, where a method's answer is trained on from the start
    after    {"method", "share"}: whose mixture its run begins with, and for how much of it
    without  the source that an ablation leaves out
    """

    name: str
    role: str
    method: Mapping[str, Any]
    size: Size
    seeds: tuple[int, ...]
    mixture: str
    swarm: str | None = None
    guide: str | None = None
    after: Mapping[str, Any] | None = None
    without: str | None = None

    def runs(self) -> Iterator[Run]:
        for seed in self.seeds:
            yield Run(name=run_name(self.name, seed, self.seeds), entry=self, seed=seed)

    def steps_before(self, steps: int) -> int:
        """Of a run of `steps` steps, those on the mixture that it begins with before its method decides."""
        return round(steps * self.after["share"]) if self.after else 0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training: a mixture and a seed. The first seed's run has the mixture's name, others say which they are of."""

    name: str
    entry: MixtureEntry
    seed: int


class MixtureTable:
    """What follows from the settings of one experiment."""

    def __init__(self, config: Config, settings: Mapping[str, Any], swarms: Sequence[Swarm]) -> None:
        self.config, self.settings, self.swarms = config, settings, swarms
        self.sources: Sequence[str] = settings["sources"]
        self.size, self.seeds = Size.of(settings), tuple(settings["seeds"])

    def rows(self) -> Iterator[MixtureEntry]:
        compared = [*self._strategies(), *self._methods(), *self._singles()]
        yield from compared
        if self.settings["repeat"] and (again := self._again(compared)):
            yield self._entry(f"{again}-again", "repetition", {}, seeds=self.seeds[:1], mixture=again)
        for swarm in self.swarms:
            size = self.size.of_swarm(self.config["swarms"][swarm.name])
            for number, point in enumerate(swarm.points):
                method = {"kind": "point", "points": swarm.design, "number": number}
                yield self._entry(point, "point", method, seeds=swarm.seeds, size=size)

    def _strategies(self) -> Iterator[MixtureEntry]:
        for name in self.settings["strategies"]:
            strategy = self.config["strategies"][name]
            size = self.size.changed_by({"model": strategy.get("model")})
            yield self._entry(name, "strategy", {"kind": "given", "stages": strategy_stages(strategy)}, size=size)
        if self.settings["ablations"]:
            base = self.config["strategies"][self.settings["ablations"]["base"]]
            size = self.size.changed_by({"model": base.get("model")})
            for source in self.sources:
                method = {"kind": "without", "stages": strategy_stages(base), "source": source}
                yield self._entry(f"without_{source}", "ablation", method, size=size, without=source)

    def _methods(self) -> Iterator[MixtureEntry]:
        for name in self.settings["methods"]:
            chosen, method = self.config["methods"][name], self._method(name)
            swarm, after = chosen.get("swarm"), chosen.get("after")
            averages = getattr(create(**method, sources=self.sources), "averages", False)
            guide = f"{name}-guide" if averages else None
            yield self._entry(name, "method", method, swarm=swarm, guide=guide, after=None if guide else after)
            if guide:
                changes = {
                    "seeds": self.seeds[:1],
                    "size": self.size.changed_by(chosen),
                    "swarm": swarm,
                    "after": after,
                }
                yield self._entry(guide, "guide", method, **changes)

    def _singles(self) -> Iterator[MixtureEntry]:
        for source in self.sources if self.settings["singles"] else ():
            yield self._entry(f"only_{source}", "single", {"kind": "only", "source": source})

    def _again(self, compared: Sequence[MixtureEntry]) -> str | None:
        """The mixture that is trained once more, to show that its recipe reproduces; None where none can be.

        It is the one that rests on most: what a search found, if anything was searched for. A run that decides its
        mixture while it trains is no run on a mixture file, which is all that is trained again.
        """
        there = [
            entry
            for entry in compared
            if entry.role in ("strategy", "method", "single")
            and (entry.guide or not decides_online(entry.method["kind"]))
        ]
        searched = [entry for entry in there if entry.method["kind"] in SEARCHES]
        return next((entry.name for entry in [*searched, *there]), None)

    def _method(self, name: str) -> dict[str, Any]:
        """Kind and settings of a method of the configuration."""
        chosen = self.config["methods"][name]
        settings = {key: each for key, each in chosen.items() if key not in NOT_SETTINGS}
        aim, weighed = objective(self.settings, chosen), weights(self.settings, chosen)
        judged = {**({"objective": aim} if aim else {}), **({"weights": weighed} if weighed else {})}
        method = {"kind": chosen["kind"], **settings, **judged}
        # Written out where it is left out, as it decides what the run is.
        act_on = getattr(create(**method, sources=self.sources), "act_on", None)
        return {**method, **({"act_on": act_on} if act_on else {})}

    def _entry(self, name: str, role: str, method: Mapping[str, Any], **changes: Any) -> MixtureEntry:
        """Of the experiment's own size and seeds, and trained on its own mixture, unless told otherwise."""
        usual = {"size": self.size, "seeds": self.seeds, "mixture": name}
        return MixtureEntry(name=name, role=role, method=method, **{**usual, **changes})


def predecessor(config: Config, method: str) -> str | None:
    """The mixture that a method's run begins with, or that it replays, if any."""
    entry = config["methods"].get(method, {})
    before = entry["method"] if entry.get("kind") == "replay" else (entry.get("after") or {}).get("method")
    return None if before is None else str(before)
