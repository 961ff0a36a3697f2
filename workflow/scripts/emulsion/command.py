"""What every script shares: logging to standard error, and a user's mistake told in one line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from emulsion.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Run a script; a UserError becomes one line and exit status 1, any other error keeps its traceback."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
