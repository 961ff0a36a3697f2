"""Say what the optimum and every other candidate will score, from nothing that the optimum's runs come to."""

from pathlib import Path

from emulsion import command
from emulsion.analysis.calibration import sealed
from emulsion.command import Some
from emulsion.files import write_json
from emulsion.mixture import read_mixture
from emulsion.training.method_options import EvidenceOptions, MethodOptions


def main(*, decided: MethodOptions, evidence: EvidenceOptions, mixtures: Some[Path], output: Path) -> None:
    """
    :param mixtures: mixture files of the optimum and of every other candidate; those that change in a run are left out
    :param output: file to write
    """
    made, given = decided.create_optimum(), evidence.read()
    made.propose(given)
    record = made.record or {}
    found = {each["name"]: each["schedule"] for each in map(read_mixture, mixtures)}
    constant = {name: stages[0]["weights"] for name, stages in found.items() if len(stages) == 1}
    names = {"experiment": decided.experiment, "optimum": decided.name}
    fitted = {"surrogate": record["surrogate"], "objective": record["objective"]}
    write_json(output, sealed({**names, **fitted, "predictions": made.predict(given, constant)}))


if __name__ == "__main__":
    command.run(main)
