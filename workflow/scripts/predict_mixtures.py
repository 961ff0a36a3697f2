"""Say what the optimum and every other candidate will score, before the optimum is trained."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.analysis.calibration import sealed
from emulsion.command import Json, Some
from emulsion.files import read_json, write_json
from emulsion.methods import create
from emulsion.methods.offline import Optimum
from emulsion.training.evidence import read_evidence


def main(
    *,
    experiment: str,
    optimum: str,
    sources: Some[str],
    method: Json,
    stores: Some[Path],
    swarm: Some[Path],
    records: Sequence[Path] = (),
    capabilities: Sequence[Path] = (),
    mixtures: Some[Path],
    tokens: int,
    max_epochs: float,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param optimum: name of the method that searches
    :param sources: the experiment's sources, in its order
    :param method: its kind and settings, as JSON
    :param stores: token stores of the sources
    :param swarm: what each job of the swarm wrote
    :param records: run.json of each further run it learns from
    :param capabilities: of each of these, in the same order
    :param mixtures: mixture files of the optimum and of every other candidate; those that change in a run are left out
    :param tokens: budget of the run it is for
    :param max_epochs: how often that run may repeat a source
    :param output: file to write
    """
    made = create(**method, sources=sources)
    if not isinstance(made, Optimum):
        raise TypeError(f"{method['kind']} fits no surrogate")
    evidence = read_evidence(stores, tokens, max_epochs, swarm, records, capabilities)
    made.propose(evidence)
    found = {each["name"]: each["schedule"] for each in map(read_json, mixtures)}
    constant = {name: stages[0]["weights"] for name, stages in found.items() if len(stages) == 1}
    predicted = made.predict(evidence, constant)
    told = {"surrogate": (made.record or {})["surrogate"], "objective": (made.record or {})["objective"]}
    write_json(output, sealed({"experiment": experiment, "optimum": optimum, **told, "predictions": predicted}))


if __name__ == "__main__":
    command.run(main)
