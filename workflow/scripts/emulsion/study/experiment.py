"""An experiment, asked: which mixtures it has and what decides each, which runs train on them, and what a run is.

Each mixture is an entry of one table (`mixture_table`), and every question about mixtures is put to that table, never
to a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from emulsion.methods import create, create_offline
from emulsion.methods.interface import AnyMethod, Evidence, Needs, OnlineMethod, Stages
from emulsion.study.catalogue import Config
from emulsion.study.judges import aims_at, judged_by
from emulsion.study.mixture_table import SEARCHES, MixtureEntry, MixtureTable, Run, Size, predecessor
from emulsion.study.swarms import Swarm

# What a training step means, as `recipe` in the spec of every run. Raise it by hand when a change alters what is
# learned from the same spec: every run is then trained again. Editing the code alone retrains nothing.
TRAIN_VERSION = 2

# Settings of a training that change its speed and memory, not its result.
NOT_LEARNED = ("micro_batch", "sharding")

# Settings of an evaluation that change no score of a capability.
NOT_JUDGING = ("batch", "resamples", "test_sequences")


class Experiment:
    """One experiment of a configuration whose defaults are filled in."""

    def __init__(self, config: Config, name: str) -> None:
        self.config, self.name = config, name
        self.settings: Mapping[str, Any] = config["experiments"][name]

    @property
    def sources(self) -> list[str]:
        return list(self.settings["sources"])

    @property
    def max_epochs(self) -> int:
        """How often a run may repeat a source."""
        return int(self.settings["max_epochs"]["limit"])

    @property
    def on_excess(self) -> str:
        """What is done about a run that repeats one more often: warn, or refuse."""
        return str(self.settings["max_epochs"]["on_excess"])

    # Mixtures, by what they are for

    def strategies(self) -> list[str]:
        """The strategies it compares, in the order of its tables and figures."""
        return list(self.settings["strategies"])

    def methods(self) -> list[str]:
        """The methods it compares with them."""
        return list(self.settings["methods"])

    def singles(self) -> list[str]:
        """The mixtures of one source alone."""
        return self._of_role("single")

    def ablations(self) -> list[str]:
        """The mixtures without one source."""
        return self._of_role("ablation")

    def guides(self) -> list[str]:
        """The online runs whose answer another run is trained on."""
        return self._of_role("guide")

    def points(self) -> list[str]:
        """The points of its swarms, each of which can be trained as a run of its own."""
        return self._of_role("point")

    def base_and_ablations(self) -> list[str]:
        """The mixture that sources are left out of, and those without one."""
        chosen = self.settings["ablations"]
        return [chosen["base"], *self.ablations()] if chosen else []

    def candidates(self) -> list[str]:
        """The mixtures that may be recommended."""
        return [*self.strategies(), *self.methods()]

    def concluded(self) -> list[str]:
        """The mixtures that the conclusions compare: those that may be recommended, and each source alone."""
        return [*self.candidates(), *self.singles()]

    def compared(self) -> list[str]:
        """Every mixture that is trained and evaluated at full size."""
        return [*self.concluded(), *self.ablations()]

    def repeated_pair(self) -> list[str]:
        """A mixture and the same again, trained to show that the recipe reproduces."""
        again = self._of_role("repetition")
        return [self.entries[again[0]].mixture, *again] if again else []

    def trained(self) -> list[str]:
        """Every mixture that a model is kept of."""
        return [*self.compared(), *self.guides(), *self.repeated_pair()[1:]]

    def evaluated(self) -> list[str]:
        """Every mixture whose model is evaluated."""
        return [*self.compared(), *self.repeated_pair()[1:]]

    def optimum(self) -> str | None:
        """The method whose search the conclusions tell of, if any."""
        return next((name for name in self.methods() if self.config["methods"][name]["kind"] in SEARCHES), None)

    def left_out(self) -> dict[str, str | None]:
        """{mixture: the source that it leaves out} of the ablations, their base first, which leaves out none."""
        return {name: self.entries[name].without for name in self.base_and_ablations()}

    def judged_by(self) -> list[str]:
        """What its mixtures are judged by, "losses", "capabilities" or both; the first recommends a mixture."""
        return judged_by(self.settings)

    def limits(self) -> dict[str, float]:
        """{"perplexity", "coherent", "spread"}: what its runs are held against."""
        return {key: self.settings["metrics"][key] for key in ("perplexity", "coherent", "spread")}

    def judging(self) -> dict[str, Any]:
        """What of its evaluation decides the scores of a model: not how losses are measured, nor what fits at once."""
        return {key: value for key, value in self.settings["evaluation"].items() if key not in NOT_JUDGING}

    def judging_of_swarm(self, swarm: str) -> dict[str, Any]:
        """The same where a swarm measures capabilities; else nothing."""
        return self.judging() if self.swarms[swarm].capabilities else {}

    def groups(self) -> dict[str, Any]:
        """What the conclusions compare.

        {"candidates", "singles", "strategies": mixtures}, "alone": {source: its single}, {mixture: model} where models
        differ, the name of the optimum, "predicted": what real runs are judged by that its prediction can be held
        against, "losses", "capabilities" or None, "judged_by", "loss_weights".
        """
        optimum = self.optimum()
        predicted = None
        if optimum:
            entry = self.entries[optimum]
            searched = self.size_of_swarm(entry.swarm) if entry.swarm else self.size_of_search(optimum)
            predicted = aims_at(self.settings, self.config["methods"][optimum]) if searched == entry.size else None
        models = {name: self.entries[name].size.model for name in self.concluded()}
        return {
            "candidates": self.candidates(),
            "singles": self.singles(),
            "alone": {self.entries[name].method["source"]: name for name in self.singles()},
            "strategies": self.strategies(),
            "models": models if len(set(models.values())) > 1 else {},
            "optimum": optimum,
            "predicted": predicted,
            "judged_by": self.judged_by(),
            "loss_weights": self.settings["loss_weights"],
        }

    # Mixtures, by how their file comes to be

    def fixed(self) -> list[str]:
        """The mixtures that need no run."""
        return [name for name, entry in self.entries.items() if self._is_fixed(entry)]

    def proposed(self) -> list[str]:
        """The mixtures that finished runs decide."""
        return [name for name in self.methods() if not self.online(name) and self.needs(name).runs]

    def searched(self) -> list[str]:
        """The mixtures that are searched for with trainings."""
        return [name for name in self.methods() if self.needs(name).trainer]

    def decided_online(self) -> list[str]:
        """The mixtures that a run decides while it trains: its own run's, or its guide's."""
        return [name for name in self.methods() if self.online(name)]

    def deciding(self) -> list[str]:
        """The mixtures in whose runs an online method decides: guides, where a method has one."""
        return [self.entries[name].guide or name for name in self.decided_online()]

    def replayed(self) -> list[str]:
        """The mixtures that are what another method decided during a run."""
        return [name for name in self.methods() if self.needs(name).trajectory]

    def from_trajectories(self) -> list[str]:
        """The mixtures that are written when a run has decided them."""
        return [*self.decided_online(), *self.replayed()]

    def _is_fixed(self, entry: MixtureEntry) -> bool:
        if entry.role in ("repetition", "guide"):
            return False
        needs = self.needs(entry.name)
        return not (self.online(entry.name) or needs.runs or needs.trainer or needs.trajectory)

    def online(self, mixture: str) -> bool:
        """Whether an online method decides it."""
        return isinstance(self.method(mixture), OnlineMethod)

    def needs(self, mixture: str) -> Needs:
        return self.method(mixture).needs

    def method(self, mixture: str) -> AnyMethod:
        """The method that decides a mixture, as it is made from its settings."""
        return create(**self.entries[mixture].method, sources=self.sources)

    def propose(self, mixture: str, evidence: Evidence) -> Stages:
        """The stages of a mixture that its method decides before the run."""
        return create_offline(**self.entries[mixture].method, sources=self.sources).propose(evidence)

    # Runs

    def runs(self, mixtures: Iterable[str]) -> list[Run]:
        """The runs of these mixtures, in their order: one for each of their seeds."""
        return [run for mixture in mixtures for run in self._runs_of[mixture]]

    def names(self, mixtures: Iterable[str]) -> list[str]:
        """The names of these mixtures' runs."""
        return [run.name for run in self.runs(mixtures)]

    def all_runs(self) -> list[str]:
        """The names of all runs whose model can be asked for."""
        return list(self._run_by_name)

    def trained_online(self) -> list[str]:
        """The runs that an online method decides while they train."""
        answers = [name for name in self.decided_online() if self.entries[name].guide]
        return self.names([*(name for name in self.decided_online() if name not in answers), *self.guides()])

    def trained_fixed(self) -> list[str]:
        """The runs that train on a mixture file, those of points among them."""
        online = set(self.trained_online())
        return [name for name in self.names([*self.trained(), *self.points()]) if name not in online]

    def run(self, name: str) -> Run:
        return self._run_by_name[name]

    def spec(self, run: str) -> dict[str, Any]:
        """The spec of a run: all but its mixture, and nothing that cannot change the result."""
        found = self.run(run)
        return {**self.spec_of(found.entry.size), "seed": found.seed}

    def spec_of(self, size: Size) -> dict[str, Any]:
        """The spec of a run of this size, with the first seed."""
        training = self.config["training"][size.training]
        spec = {
            "recipe": TRAIN_VERSION,
            "model": self.config["models"][size.model],
            "tokens": size.tokens,
            "seed": self.settings["seeds"][0],
            **{key: value for key, value in training.items() if key not in NOT_LEARNED},
        }
        if size.learning_rate is not None:
            final = spec["final_learning_rate"] * size.learning_rate / spec["learning_rate"]
            spec |= {"learning_rate": size.learning_rate, "final_learning_rate": final}
        if size.stands_for is not None:
            spec["part"] = size.tokens / size.stands_for
        return spec

    def models(self) -> set[str]:
        """The names of the models that it trains."""
        searched = {self.size_of_search(name).model for name in self.searched()}
        return {entry.size.model for entry in self.entries.values()} | searched

    def longest_context(self) -> int:
        """The longest context, in tokens, of the models that it trains."""
        return max(int(self.config["models"][model]["context"]) for model in self.models())

    def size_of_run(self, run: str) -> Size:
        return self.run(run).entry.size

    def size_of_swarm(self, swarm: str) -> Size:
        return self.size.of_swarm(self.config["swarms"][swarm])

    def size_of_search(self, mixture: str) -> Size:
        """The size of the trainings that a method searches with."""
        return self.size.changed_by(self.config["methods"][mixture])

    def trainings(self, mixture: str) -> int:
        """How many trainings a method may search with."""
        return int(getattr(self.method(mixture), "evaluations", 0))

    def rests_on(self, mixture: str) -> list[str]:
        """The methods that a method's run begins with or replays, and those that they rest on in turn."""
        found: list[str] = []
        name = predecessor(self.config, mixture)
        while name is not None and name in self.methods() and name not in found:
            found.append(name)
            name = predecessor(self.config, name)
        return found

    def replays(self) -> dict[str, dict[str, Any]]:
        """{mixture: {"method", "average"}} of those that train again what another method decided."""
        methods = {name: self.entries[name].method for name in self.replayed()}
        return {
            name: {"method": each["method"], "average": each.get("average", False)} for name, each in methods.items()
        }

    def micro_batch(self, size: Size) -> int:
        """How many sequences a device takes at once in a run of this size."""
        return int(self.config["training"][size.training]["micro_batch"])

    def sharding(self, size: Size) -> str:
        """What each of several devices holds of the model in a run of this size: all of it (none), or a part (full)."""
        return str(self.config["training"][size.training].get("sharding", "none"))

    def smoke(self) -> dict[str, Any]:
        """{"steps", "least_fall"}: after how many steps the loss must have fallen by how much; 0 where it need not."""
        return dict(self.settings.get("smoke") or {"steps": 0, "least_fall": 0})

    @cached_property
    def size(self) -> Size:
        """The size of its runs, except those of swarms, of guides and of strategies with a model of their own."""
        return Size.of(self.settings)

    # Swarms

    @cached_property
    def swarms(self) -> dict[str, Swarm]:
        """{name: swarm} of those that its methods and its laws learn from, in the order of the configuration."""
        asked = [self.config["methods"][name].get("swarm") for name in self.settings["methods"]]
        asked.append((self.settings["laws"] or {}).get("swarm"))
        return {
            name: Swarm(name, chosen, self.sources, tuple(self.settings["seeds"]))
            for name, chosen in self.config["swarms"].items()
            if name in asked
        }

    def further_runs(self, mixture: str) -> list[str]:
        """The mixtures whose runs a method learns from besides its swarm: constant ones, of the same size."""
        entry = self.entries[mixture]
        if not (entry.swarm and self.needs(mixture).others):
            return []
        size = self.size_of_swarm(entry.swarm)
        return [
            name
            for name in [*self.strategies(), *self.methods()]
            if self._is_fixed(other := self.entries[name])
            and other.size == size
            and len(other.method.get("stages", [None])) == 1
        ]

    # The table

    @cached_property
    def _table(self) -> MixtureTable:
        return MixtureTable(self.config, self.settings, list(self.swarms.values()))

    @cached_property
    def entries(self) -> dict[str, MixtureEntry]:
        """{name: mixture} of all its mixtures. A name that stands for two is the later one's; see `twice`."""
        return {entry.name: entry for entry in self._table.rows()}

    def twice(self) -> list[str]:
        """Names that stand for two mixtures, or two runs."""
        counts = Counter(entry.name for entry in self._table.rows())
        runs = [run.name for entry in self.entries.values() for run in entry.runs() if run.name != entry.name]
        return [name for name, count in counts.items() if count > 1 or name in runs]

    def _of_role(self, role: str) -> list[str]:
        return [name for name, entry in self.entries.items() if entry.role == role]

    @cached_property
    def _runs_of(self) -> dict[str, list[Run]]:
        return {name: list(entry.runs()) for name, entry in self.entries.items()}

    @cached_property
    def _run_by_name(self) -> dict[str, Run]:
        return {run.name: run for runs in self._runs_of.values() for run in runs}


Mixtures = Callable[[Experiment], list[str]]
