"""All methods by name, found by reading this folder: a module that has `METHODS = {kind: class}` is enough."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.methods.interface import AnyMethod, Method, OnlineMethod


@cache
def _methods() -> dict[str, Callable[..., AnyMethod]]:
    found: dict[str, Callable[..., AnyMethod]] = {}
    package = __name__.rpartition(".")[0]
    for module in sorted(entry.name for entry in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if f"{package}.{module}" == __name__:
            continue
        for kind, method in getattr(import_module(f"{package}.{module}"), "METHODS", {}).items():
            if kind in found:
                raise TypeError(f"Two methods are called '{kind}': {found[kind]} and {method}.")
            found[kind] = method
    return found


def names() -> list[str]:
    """The kinds of methods there are."""
    return sorted(_methods())


def module_of(kind: str) -> Path:
    """The file in which methods of a kind are written; KeyError for an unknown kind."""
    return Path(str(sys.modules[_methods()[kind].__module__].__file__))


def takes(kind: str, setting: str) -> bool:
    """Whether methods of a kind have a setting of `methods.optimum_settings.Settings`; False of unknown kinds."""
    return setting in getattr(_methods().get(kind), "takes", ())


def weighs_sources(kind: str) -> bool:
    """Whether methods of a kind have `weights` of sources in the mean loss as a setting; False of unknown kinds."""
    method = _methods().get(kind)
    return "weights" in getattr(getattr(method, "reads", method), "forms", {})


def decides_online(kind: str) -> bool:
    """Whether methods of a kind decide during their own run; False of unknown kinds."""
    return hasattr(_methods().get(kind), "observes")


def create(kind: str, sources: Sequence[str], **settings: Any) -> AnyMethod:
    """The method of that kind; settings are those of its class.

    Raises UserError for an unknown kind or setting, with the nearest name, and for a value that is not allowed.
    """
    if kind not in _methods():
        raise unknown("method", kind, _methods(), "methods")
    return _methods()[kind](sources, **settings)


def create_offline(kind: str, sources: Sequence[str], **settings: Any) -> Method:
    """The same, of a method that decides before the run; UserError for one that decides during it."""
    made = create(kind, sources, **settings)
    if isinstance(made, OnlineMethod):
        raise UserError(f"{kind}: decides during its own run, which has to be trained.")
    return made
