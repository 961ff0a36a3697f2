"""What an experiment's mixtures are judged by, as its settings say it, and the checks of that.

Without suites they are judged by losses; with suites by capabilities, unless `judge` says otherwise. Methods whose
entry has no objective, or no weights of sources, aim at what mixtures are judged by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulsion.methods.registry import takes, weighs_sources
from emulsion.study.catalogue import Config
from emulsion.study.check_common import known

Settings = Mapping[str, Any]
CAPABILITIES, LOSSES = "capabilities", "losses"
_KINDS = {"losses": [LOSSES], "capabilities": [CAPABILITIES], "both": [CAPABILITIES, LOSSES]}
# Kinds of methods whose objective is the mean capability where none is given; that of others is the mean loss.
_BY_CAPABILITY = ("optimum", "direct_search")


def judged_by(settings: Settings) -> list[str]:
    """ "losses", "capabilities" or both, of an experiment's settings: the first recommends a mixture."""
    by_suites = [CAPABILITIES] if settings["suites"] else [LOSSES]
    return _KINDS.get(settings["judge"], by_suites)


def objective(settings: Settings, method: Settings) -> Any:
    """The objective of a method of an experiment, where its entry leaves that to the experiment; else None.

    The mean loss is the one that mixtures are judged by, with the experiment's weights of sources.
    """
    given, weights = method.get("objective"), settings["loss_weights"]
    if not takes(method["kind"], "objective"):
        return None
    by_capability = judged_by(settings)[0] == CAPABILITIES and method["kind"] in _BY_CAPABILITY
    by_loss = given == "mean_loss" or (given is None and not by_capability)
    if by_loss and weights:
        return {LOSSES: dict(weights)}
    return "mean_loss" if by_loss and given is None and method["kind"] in _BY_CAPABILITY else None


def weights(settings: Settings, method: Settings) -> dict[str, float] | None:
    """The weights of sources in the mean loss of a method that has such a setting, where its entry says none."""
    left_out = weighs_sources(method["kind"]) and method.get("weights") is None
    return dict(settings["loss_weights"]) if left_out and settings["loss_weights"] else None


def objective_of(settings: Settings, method: Settings) -> Any:
    """What a method of an experiment aims at: "mean_capability", "mean_loss", or weights of each kind."""
    found = objective(settings, method) or method.get("objective")
    return found or ("mean_capability" if method["kind"] in _BY_CAPABILITY else "mean_loss")


def aims_at(settings: Settings, method: Settings) -> str | None:
    """Which of the things that mixtures are judged by, "losses" or "capabilities", is a method's objective, if any."""
    weights = settings["loss_weights"]
    means = {CAPABILITIES: "mean_capability", LOSSES: {LOSSES: dict(weights)} if weights else "mean_loss"}
    aim = objective_of(settings, method)
    return next((kind for kind in judged_by(settings) if means[kind] == aim), None)


def judges(config: Config, name: str) -> Iterator[str]:
    """Mixtures can be judged by what the experiment says."""
    settings, where = config["experiments"][name], f"experiments.{name}"
    by, weights = judged_by(settings), settings["loss_weights"]
    if CAPABILITIES in by and not settings["suites"]:
        yield f"{where}.judge: capabilities are those of suites, and {where}.suites has none; name one, or use losses."
    if weights is None:
        return
    if LOSSES not in by:
        yield f"{where}.loss_weights: mixtures are judged by capabilities; set `judge` to losses or both."
    for source in weights:
        yield from known("source", source, settings["sources"], f"{where}.loss_weights")
    if not sum(weights.values()) > 0:
        yield f"{where}.loss_weights: all weights are 0; at least one source must weigh something."
