"""Write the mixture file of a method that needs no run: a strategy, a baseline, one source alone or left out."""

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
    stores: Sequence[Path] = (),
    tokens: int = 0,
    max_epochs: float = 0,
    most_epochs: int = 0,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: name of the mixture
    :param sources: the experiment's sources, in its order
    :param method: its kind and settings, as JSON
    :param stores: token stores of the sources, for a method that goes by their sizes
    :param tokens: budget of the run it is for
    :param max_epochs: how often that run may repeat a source
    :param most_epochs: the same where more is refused; 0: more is only warned of
    :param output: file to write
    """
    made = create(**method, sources=sources)
    evidence = read_evidence(stores, tokens, max_epochs, strict=most_epochs > 0)
    stages = made.propose(evidence)
    write_json(output, mixture_file(experiment, name, method["kind"], stages))


if __name__ == "__main__":
    command.run(main)
