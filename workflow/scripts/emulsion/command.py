"""What every script shares: its command line, logging to standard error, and a user's mistake in one line.

A script is `main(*, ...)`: cyclopts makes the options from its signature, and their help from its docstring. Of the
kept libraries that take none or several values after one flag, which typer does not, it starts fastest: it adds two to
five times the user time that argparse adds, defopt four to six times, tyro five to nine times.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, TypeVar

from cyclopts import App, CycloptsError, Parameter, Token

from emulsion import machine, refusals, submission
from emulsion.errors import PassingError, UserError, without_controls

T = TypeVar("T")

# Looking for garbage among what torch and transformers define takes a tenth of the time that they take to load, at
# Python's own thresholds of 700, 10 and 10 (benchmarks/loading.py).
COLLECTION = (50_000, 20, 20)


def _from_json(_: Any, tokens: Sequence[Token]) -> Any:
    try:
        return json.loads(tokens[0].value)
    except ValueError as error:
        raise UserError(f"{tokens[0].keyword}: is not JSON: {error}.") from None


Json = Annotated[Any, Parameter(converter=_from_json, n_tokens=1, accepts_keys=False)]
# A text of the configuration, which may begin with a dash.
Word = Annotated[str, Parameter(allow_leading_hyphen=True)]
# Values after one flag: one or more, at most one. A list of its own is of none or more.
Some = Annotated[list[T], Parameter(consume_multiple=(1, None))]
AtMostOne = Annotated[Sequence[T], Parameter(consume_multiple=(0, 1))]
# Decorates a dataclass: a parameter of `main` that is one stands for its fields, each an option.
options = Parameter(name="*")


def app(main: Callable[..., None]) -> App:
    """The command line of a script: options from the signature of its `main`, a description from its module."""
    made = App(
        name=Path(sys.argv[0]).name,
        help=sys.modules[main.__module__].__doc__,
        help_format="plaintext",
        help_formatter="plain",
        version_flags=[],
        default_parameter=Parameter(consume_multiple=True, negative=()),
        result_action="return_none",
        suppress_keyboard_interrupt=False,
    )
    made.default(main)
    return made


_QUERY = re.compile(r"(\bhttps?://[^\s?'\"<>]+)\?[^\s'\"<>]+")


def without_queries(text: str) -> str:
    """A text without what follows `?` in its addresses: there storage hands out signatures, which are secrets."""
    return _QUERY.sub(r"\1?...", text)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return without_controls(without_queries(super().format(record)))


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(without_controls(without_queries("".join(traceback.format_exception(kind, error, trace)))))


# Of the code, not of the machine: the same inputs meet them again.
_LASTING = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(NotImplementedError, TypeError, ValueError),
)


def run(main: Callable[..., None], arguments: Sequence[str] | None = None) -> None:
    """Run a script; a UserError becomes one line and exit status 1, any other error keeps its traceback.

    A command line that does not fit the signature becomes one line and exit status 2. Nothing that is shown or logged
    has the queries of addresses. A job of Snakemake's that was refused, or fell over a mistake in the code, ends at its
    next try before it starts.

    `@-` as the only argument stands for words from standard input, each ended by a null character: the arguments that
    grow with the number of runs would be more than the system passes to a program.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given == ["@-"]:
        given = [os.fsdecode(word) for word in sys.stdin.buffer.read().split(b"\0")[:-1]]
    command = [*sys.argv[:1], *given]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    sys.excepthook = _show
    with suppress(ValueError):  # not the main thread
        # What lies beside its name is removed; trainings save before they end (training.job).
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    gc.set_threshold(*COLLECTION)
    try:
        refusals.repeat(command)
        submission.compare_code()
        app(main)(command[1:], exit_on_error=False, print_error=False)
    except (UserError, CycloptsError) as error:
        print(without_queries(f"error: {error}"), file=sys.stderr)
        if not isinstance(error, PassingError):
            refusals.remember(command, str(error))
        sys.exit(1 if isinstance(error, UserError) else 2)
    except Exception as error:
        if (words := machine.refused(error)) is None:
            if isinstance(error, _LASTING):
                refusals.remember(command, without_queries("".join(traceback.format_exception(error)).rstrip()))
            raise
        print(without_queries(f"error: {words}"), file=sys.stderr)
        if machine.number(error) in machine.STAYING:
            refusals.remember(command, words)
        sys.exit(1)
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
