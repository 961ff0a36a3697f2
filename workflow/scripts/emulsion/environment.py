"""What the environment variables say: facts of the machine, which change no result and so stand in no configuration."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulsion.errors import UserError, unknown

TRACKERS = "EMULSION_TRACKERS"
CHECKPOINT_SECONDS = "EMULSION_CHECKPOINT_SECONDS"
OPTIMIZE = "PYTHONOPTIMIZE"

# accelerate's names, which are those of the modules.
_KNOWN = ("tensorboard", "wandb", "trackio", "comet_ml", "aim", "mlflow", "clearml", "dvclive", "swanlab")


def trackers(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The experiment trackers, with commas between them. Raises UserError for an unknown one."""
    names = tuple(name.strip() for name in environment.get(TRACKERS, "").split(",") if name.strip())
    for name in names:
        if name not in _KNOWN:
            raise unknown("tracker", name, _KNOWN, TRACKERS)
    return names


def installed_trackers(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The same, for a run: raises UserError where one is not installed, for accelerate would leave it out."""
    names = trackers(environment)
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise UserError(f"{TRACKERS}: '{name}' is not installed; `pip install {name}`, or leave it out.")
    return names


def checkpoint_seconds(environment: Mapping[str, str]) -> float | None:
    """The time between checkpoints, if it is said. Raises UserError where it is no time."""
    text = environment.get(CHECKPOINT_SECONDS)
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UserError(f"{CHECKPOINT_SECONDS}: should be a number of seconds, such as 120, but is '{text}'.")
    return seconds


def check_optimize(environment: Mapping[str, str]) -> None:
    """Raise UserError where Python leaves out docstrings: transformers reads those of its models to define them."""
    text = environment.get(OPTIMIZE, "")
    if text.isdecimal() and int(text) > 1:
        raise UserError(f"{OPTIMIZE}: {text} takes away docstrings that transformers needs; unset it, or set it to 1.")


def mistakes_of_environment(environment: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the variables, each mistake with its name."""
    readers: tuple[Callable[[Mapping[str, str]], Any], ...] = (trackers, checkpoint_seconds, check_optimize)
    for read in readers:
        try:
            read(environment)
        except UserError as error:
            yield str(error)
