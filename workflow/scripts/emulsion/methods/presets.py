"""Settings of online methods and training budgets that the Aioli paper publishes (arXiv 2411.05735, appendix D).

A preset is named by a setting of the paper's experiments and the groups of data that it is for:

    setting  unrestricted: methods that train runs to decide have up to 10 S steps for them, S being those of the final
             run; restricted: S / 2
    groups   arxiv_stackexchange, github_c4, books_stackexchange (2 groups); arxiv_books_stackexchange,
             commoncrawl_github_wikipedia (3); slimpajama (7)

Tables 13 to 18 have one value for each hyper-parameter of table 12. The names of ours: rounds is T, sweeps k,
probe_share delta, eta the rate of exponentiated gradient descent, decay the gamma of the moving average; for DoGE that
rate is mu. DoReMi and DoGE take a step of it after every batch there, and after each of their `rounds` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulsion.errors import unknown

SETTINGS = ("unrestricted", "restricted")
# {groups: how many}
GROUPS = {
    "arxiv_stackexchange": 2,
    "github_c4": 2,
    "books_stackexchange": 2,
    "arxiv_books_stackexchange": 3,
    "commoncrawl_github_wikipedia": 3,
    "slimpajama": 7,
}

# Table 12, in the order of the tables' rows.
NAMES = {
    "aioli": ("rounds", "sweeps", "probe_share", "epsilon", "eta", "decay"),
    "skillit": ("rounds", "eta", "window"),
    "doremi": ("eta",),
    "doge": ("mu", "validation_share"),
}

# {(setting, groups): {method: values, in the order of NAMES}}
VALUES: dict[tuple[str, str], dict[str, tuple[float | None, ...]]] = {
    # Table 13
    ("restricted", "arxiv_stackexchange"): {
        "aioli": (20, 4, 0.128, 0.75, 0.2, None),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.25),
    },
    ("restricted", "github_c4"): {
        "aioli": (20, 4, 0.128, 0.75, 0.2, None),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.1, 0.25),
    },
    ("restricted", "books_stackexchange"): {
        "aioli": (20, 4, 0.128, 0.75, 0.2, None),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.25),
    },
    # Table 14
    ("unrestricted", "arxiv_stackexchange"): {
        "aioli": (20, 4, 0.128, 0.75, 0.2, 0.1),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.25),
    },
    ("unrestricted", "github_c4"): {
        "aioli": (20, 4, 0.128, 0.75, 0.3, 0.5),
        "skillit": (5, 0.1, 3),
        "doremi": (0.01,),
        "doge": (0.1, 0.25),
    },
    ("unrestricted", "books_stackexchange"): {
        "aioli": (20, 4, 0.128, 0.75, 0.1, None),
        "skillit": (10, 0.8, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.25),
    },
    # Table 15
    ("restricted", "arxiv_books_stackexchange"): {
        "aioli": (20, 4, 0.288, 0.75, 0.2, None),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.5),
    },
    ("restricted", "commoncrawl_github_wikipedia"): {
        "aioli": (20, 4, 0.288, 0.75, 0.2, None),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.5),
    },
    # Table 16
    ("unrestricted", "arxiv_books_stackexchange"): {
        "aioli": (20, 4, 0.288, 0.75, 0.1, 0.5),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.5),
    },
    ("unrestricted", "commoncrawl_github_wikipedia"): {
        "aioli": (20, 4, 0.288, 0.75, 0.3, 0.5),
        "skillit": (10, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.01, 0.5),
    },
    # Table 17
    ("restricted", "slimpajama"): {
        "aioli": (20, 2, 0.07, 0.75, 0.2, 0.1),
        "skillit": (20, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.03, 0.5),
    },
    # Table 18
    ("unrestricted", "slimpajama"): {
        "aioli": (20, 2, 0.07, 0.75, 0.3, 0.1),
        "skillit": (20, 0.2, 3),
        "doremi": (0.01,),
        "doge": (0.1, 0.5),
    },
}

# Table 11: {(setting, number of groups): {method: (runs, steps of each)}}; final runs have FINAL_STEPS.
BUDGETS: dict[tuple[str, int], dict[str, tuple[int, int]]] = {
    ("unrestricted", 2): {"dml": (10, 5000), "skillit": (2, 5000), "doremi": (2, 5000), "doge": (1, 5000)},
    ("unrestricted", 3): {"dml": (10, 5000), "skillit": (3, 5000), "doremi": (2, 5000), "doge": (1, 5000)},
    ("unrestricted", 7): {"dml": (10, 40000), "skillit": (7, 40000), "doremi": (2, 40000), "doge": (1, 40000)},
    ("restricted", 2): {"dml": (10, 250), "skillit": (2, 1250), "doremi": (2, 1250), "doge": (1, 2500)},
    ("restricted", 3): {"dml": (10, 250), "skillit": (3, 833), "doremi": (2, 1250), "doge": (1, 2500)},
    ("restricted", 7): {"dml": (10, 2000), "skillit": (7, 2814), "doremi": (2, 10000), "doge": (1, 20000)},
}
FINAL_STEPS = {2: 5000, 3: 5000, 7: 40000}


@dataclass(frozen=True)
class Allocation:
    """runs   that a method trains before the final run, or to learn from
    share  of the final run's steps that each of them has
    """

    runs: int
    share: float


def published(method: str, setting: str, groups: str) -> dict[str, Any]:
    """{setting: value} that the paper gives a method, without those that it gives none.

    Raises UserError for an unknown name, with the nearest one.
    """
    if method not in NAMES:
        raise unknown("method with published settings", method, NAMES, "presets")
    values = _of(setting, groups)[method]
    return {name: value for name, value in zip(NAMES[method], values, strict=True) if value is not None}


def allocation(method: str, setting: str, groups: str) -> Allocation:
    """The runs of a method's training budget; raises UserError as `published`."""
    _of(setting, groups)
    budget = BUDGETS[setting, GROUPS[groups]]
    if method not in budget:
        raise unknown("method with a published budget", method, budget, "presets")
    runs, steps = budget[method]
    return Allocation(runs, steps / FINAL_STEPS[GROUPS[groups]])


def _of(setting: str, groups: str) -> dict[str, tuple[float | None, ...]]:
    if setting not in SETTINGS:
        raise unknown("setting", setting, SETTINGS, "presets.setting")
    if groups not in GROUPS:
        raise unknown("groups", groups, GROUPS, "presets.groups")
    return VALUES[setting, groups]
