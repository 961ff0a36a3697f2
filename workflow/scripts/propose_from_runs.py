"""Find a mixture from a table of runs that were trained elsewhere."""

import logging
import math
from pathlib import Path

from emulsion import command
from emulsion.command import AtMostOne, Json
from emulsion.files import write_json
from emulsion.methods import create_offline
from emulsion.methods.finished_runs import FinishedRuns


def main(
    *,
    method: Json,
    tables: tuple[Path, Path],
    curve: AtMostOne[Path] = (),
    sizes: Json,
    tokens: int = 0,
    run_tokens: int = 0,
    max_epochs: float = math.inf,
    output: Path,
) -> None:
    """
    :param method: its kind and settings, as JSON
    :param tables: CSV files of mixtures and of losses, a row for each run
    :param curve: CSV file of losses before the ends of runs, if there is one
    :param sizes: tokens of every source, as JSON
    :param tokens: of the run that the mixture is for; 0 where unknown
    :param run_tokens: of each of the runs; 0 where unknown
    :param max_epochs: how often the run may repeat a source
    :param output: record of the proposal
    """
    finished = FinishedRuns(
        tables=tables,
        curve=next(iter(curve), None),
        sizes=sizes,
        tokens=tokens,
        run_tokens=run_tokens,
        max_epochs=max_epochs,
    )
    sources, evidence = finished.read()
    made = create_offline(**method, sources=sources)
    [(_, mixture)] = made.propose(evidence)
    record = {"method": method["kind"], "ratios": dict(mixture), **(made.record or {})}
    warnings = [*record.get("warnings", ()), *finished.excess_epochs(mixture)]
    for warning in warnings:
        logging.warning("%s", warning)
    write_json(output, {**record, "warnings": warnings, "runs": len(evidence.mixtures), "tokens": tokens})


if __name__ == "__main__":
    command.run(main)
