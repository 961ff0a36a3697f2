"""Find a mixture from finished runs: those of a swarm, and others of the same size."""

import logging
from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import write_json
from emulsion.methods import create
from emulsion.mixture import mixture_file
from emulsion.training.evidence import read_evidence


def main(
    *,
    experiment: str,
    name: str,
    sources: Some[str],
    method: Json,
    stores: Some[Path],
    swarm: Some[Path],
    records: Sequence[Path] = (),
    capabilities: Sequence[Path] = (),
    tokens: int,
    max_epochs: float,
    most_epochs: int = 0,
    output: Path,
    mixture: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: name of the mixture
    :param sources: the experiment's sources, in its order
    :param method: its kind and settings, as JSON
    :param stores: token stores of the sources
    :param swarm: what each job of the swarm wrote
    :param records: run.json of each further run to learn from
    :param capabilities: of each of these, in the same order
    :param tokens: budget of the run it is for
    :param max_epochs: how often that run may repeat a source
    :param most_epochs: the same where more is refused; 0: more is only warned of
    :param output: record of the proposal
    :param mixture: mixture file
    """
    made = create(**method, sources=sources)
    evidence = read_evidence(stores, tokens, max_epochs, swarm, records, capabilities, strict=most_epochs > 0)
    stages = made.propose(evidence)
    record = made.record or {}
    for warning in record.get("warnings", ()):
        logging.warning("%s", warning)
    write_json(mixture, mixture_file(experiment, name, method["kind"], stages))
    write_json(output, record)


if __name__ == "__main__":
    command.run(main)
