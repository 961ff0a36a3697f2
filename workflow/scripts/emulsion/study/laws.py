"""What an experiment asks about laws of mixing: the swarm that they are fitted to, and matrices to hold against theirs.

Some of these matrices are given or follow from the swarm. Others are what online methods went by, which branches of
their own runs are compared with (`parameters` of the configuration).
"""

from __future__ import annotations

from typing import Any

from emulsion.spec import RunSpec
from emulsion.study.experiment import Experiment
from emulsion.study.mixture_table import Run
from emulsion.study.swarms import Swarm, design_of


class Laws:
    """The settings `laws` and `parameters` of an experiment, either of which may be missing."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.fitted = experiment.settings["laws"] or {}
        self.compared = experiment.settings["parameters"] or {}

    @property
    def swarm(self) -> Swarm | None:
        """The swarm that laws are fitted to, if any."""
        return self.experiment.swarms[self.fitted["swarm"]] if self.fitted else None

    @property
    def branched(self) -> bool:
        """Whether that swarm has branches, which the dynamic law is fitted to."""
        return self.swarm is not None and bool(self.swarm.branches)

    def compare_greedy(self) -> bool:
        """Whether branches of the swarm run to the end."""
        if self.swarm is None:
            return False
        size = self.experiment.size_of_swarm(self.swarm.name)
        return self.swarm.has_full_length_branches(RunSpec.from_json(self.experiment.spec_of(size)))

    def matrices(self) -> dict[str, Any]:
        """{name: settings} of the matrices that are compared with the fitted one."""
        return dict(self.fitted.get("matrices", {}))

    def methods(self) -> list[str]:
        """The online methods whose matrices are compared with what branches of their own runs show."""
        return list(self.compared.get("methods", []))

    def branched_runs(self, method: str) -> list[Run]:
        """The runs in which a method decided that branches leave from: its guide's, or its own."""
        runs = self.experiment.runs([self.experiment.entries[method].guide or method])
        return runs if self.compared["seeds"] == "all" else runs[:1]

    def all_branched_runs(self) -> list[str]:
        """The names of these runs of all its methods."""
        return [run.name for method in self.methods() for run in self.branched_runs(method)]

    def own_matrix(self, method: str) -> dict[str, Any]:
        """{"kind", "averaged_over", "updates"} of a method whose matrices are compared: what its A^t are a mean of."""
        over = getattr(self.experiment.method(method), "averaged_over", None)
        kind = self.experiment.entries[method].method["kind"]
        return {"kind": kind, "averaged_over": over, "updates": self.compared["updates"]}

    def branch_points(self) -> dict[str, Any]:
        """What decides the mixtures of these branches, and no setting of another kind of design."""
        return design_of(self.compared["points"], self.experiment.sources)
