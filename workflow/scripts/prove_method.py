"""Run one method in simulated worlds of every kind: its regret and its cost in each."""

import logging
import time
import warnings
from pathlib import Path

from emulsion import command
from emulsion.analysis.proving_ground import ENTRANTS, trial
from emulsion.errors import unknown
from emulsion.files import write_json
from emulsion.laws.static import FewRunsWarning
from emulsion.world import KINDS, worlds


def main(
    *,
    method: str,
    worlds_each: int = 100,
    seed: int = 0,
    output: Path,
) -> None:
    """
    :param method: as in `emulsion.analysis.proving_ground.ENTRANTS`
    :param worlds_each: worlds of each kind
    :param seed: of the worlds, and of the noise
    :param output: a row for each world
    """
    if method not in ENTRANTS:
        raise unknown("method", method, ENTRANTS, "proving_ground.methods")
    warnings.simplefilter("ignore", FewRunsWarning)
    started = time.monotonic()
    rows = [trial(world, ENTRANTS[method], seed) for kind in KINDS for world in worlds(kind, worlds_each, seed)]
    logging.info("%s: %d worlds in %.0f s", method, len(rows), time.monotonic() - started)
    write_json(output, {"method": method, "seed": seed, "trials": rows})


if __name__ == "__main__":
    command.run(main)
