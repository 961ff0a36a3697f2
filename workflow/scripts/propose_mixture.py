"""Find a mixture from finished runs: those of a swarm, and others of the same size."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.training.costs import needed_of_swarm
from emulsion.training.method_options import EvidenceOptions, MethodOptions


def main(*, decided: MethodOptions, evidence: EvidenceOptions, output: Path, mixture: Path) -> None:
    """
    :param output: record of the proposal
    :param mixture: mixture file
    """
    made, given = decided.create_offline(), evidence.read()
    stages = made.propose(given)
    record = made.record or {}
    for warning in record.get("warnings", ()):
        logging.warning("%s", warning)
    record["warnings"] = [*given.warnings, *record.get("warnings", ())]
    write_json(mixture, decided.mixture_file(stages, needed_of_swarm(evidence.swarm)))
    write_json(output, record)


if __name__ == "__main__":
    command.run(main)
