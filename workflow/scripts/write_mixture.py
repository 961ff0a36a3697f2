"""Write the mixture file of a method that needs no run: a strategy, a baseline, one source alone or left out."""

from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.training.method_options import EvidenceOptions, MethodOptions


def main(*, decided: MethodOptions, evidence: EvidenceOptions, output: Path) -> None:
    """
    :param output: file to write
    """
    write_json(output, decided.mixture_file(decided.create_offline().propose(evidence.read())))


if __name__ == "__main__":
    command.run(main)
