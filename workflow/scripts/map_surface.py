"""Map the surrogate that an optimum was found on: its values over mixtures, and those it cannot tell from the best."""

from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.training.method_options import EvidenceOptions, MethodOptions


def main(*, decided: MethodOptions, evidence: EvidenceOptions, output: Path) -> None:
    """
    :param output: file to write
    """
    made, given = decided.create_optimum(), evidence.read()
    made.propose(given)
    write_json(output, {"experiment": decided.experiment, "optimum": decided.name, **made.surface(given)})


if __name__ == "__main__":
    command.run(main)
