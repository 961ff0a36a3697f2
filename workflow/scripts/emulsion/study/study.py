"""A study, asked: everything that one configuration asks for, over all its experiments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from emulsion.study.catalogue import Config
from emulsion.study.check_figures import needs
from emulsion.study.experiment import Experiment
from emulsion.study.laws import Laws


class Study(Mapping[str, Experiment]):
    """{name: experiment} of a configuration whose defaults are filled in."""

    def __init__(self, config: Config, names: Iterable[str] | None = None) -> None:
        """names: the experiments it has; None for all."""
        self.config = config
        self._experiments = {
            name: Experiment(config, name) for name in (config["experiments"] if names is None else names)
        }

    def __getitem__(self, name: str) -> Experiment:
        return self._experiments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._experiments)

    def __len__(self) -> int:
        return len(self._experiments)

    def planned(self) -> Study:
        """The study of the experiments that the configuration is about."""
        only = self.config["only"]
        return self if only is None else Study(self.config, [name for name in self if name in only])

    def sources(self) -> list[str]:
        """The sources of all experiments, in order, each once."""
        return self.each(lambda experiment: experiment.sources)

    def each(self, names: Callable[[Experiment], Iterable[str]]) -> list[str]:
        """The names that a question gives for any experiment, each once."""
        return list(dict.fromkeys(name for experiment in self.values() for name in names(experiment)))

    def where(self, holds: Callable[[Experiment], Any]) -> list[str]:
        """The experiments that something holds of."""
        return [name for name, experiment in self.items() if holds(experiment)]

    def comparing(self) -> list[str]:
        """The experiments that compare mixtures, and so come to a recommendation."""
        return self.where(Experiment.candidates)

    def with_setting(self, key: str) -> list[str]:
        """The experiments that have a setting, such as `metrics`, `downstream` or `smoke`."""
        return self.where(lambda experiment: experiment.settings.get(key))

    def with_laws(self) -> list[str]:
        """The experiments that fit laws to a swarm."""
        return self.where(lambda experiment: Laws(experiment).swarm)

    def with_branches(self) -> list[str]:
        """The experiments that fit laws to a swarm that has branches."""
        return self.where(lambda experiment: Laws(experiment).branched)

    def with_full_length_branches(self) -> list[str]:
        """The experiments whose branches run to the end, so that greedy and optimal choices can be compared."""
        return self.where(lambda experiment: Laws(experiment).compare_greedy())

    def with_matrices(self) -> list[str]:
        """The experiments that compare methods' matrices with the fitted one."""
        return self.where(lambda experiment: Laws(experiment).matrices())

    def with_similarities(self) -> list[str]:
        """The experiments that compare any matrices with fitted ones."""
        return self.where(lambda experiment: Laws(experiment).matrices() or Laws(experiment).methods())

    def law_studies(self) -> list[str]:
        """The studies of laws whose settings are all experiments of this one."""
        studies = self.config["law_studies"].items()
        tables = {name: [each["settings"].values() for each in chosen["tables"]] for name, chosen in studies}
        return [name for name, settings in tables.items() if all(each in self for table in settings for each in table)]

    def method_studies(self) -> list[str]:
        """The comparisons of methods whose settings are all experiments of this one."""
        studies = self.config["method_studies"].items()
        return [name for name, chosen in studies if all(each in self for each in chosen["settings"].values())]

    def figures(self) -> list[str]:
        """The figures of the configuration that are of these experiments, of studies of them, or of none."""
        settings = {name: self.config["experiments"][name] for name in self}
        compared = {name: self.config["method_studies"][name] for name in self.method_studies()}
        own = {"experiments": settings, "law_studies": dict.fromkeys(self.law_studies()), "method_studies": compared}
        drawn = needs({**self.config, **own})
        return [figure for figure in self.config["figures"] if figure in drawn]

    def labels_of_laws(self, name: str) -> dict[str, str]:
        """{experiment: its label} of a study of laws; the labels of further tables say which."""
        first, *others = self.config["law_studies"][name]["tables"]
        labels = {experiment: label for label, experiment in first["settings"].items()}
        for table in others:
            title = table["title"][:1].lower() + table["title"][1:]
            for label, experiment in table["settings"].items():
                labels.setdefault(experiment, f"{label}, {title}")
        return labels
