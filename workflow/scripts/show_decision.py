"""Print what an experiment decided: the decision, the recipe, and where the report is."""

from pathlib import Path

from emulsion import command
from emulsion.files import read_object
from emulsion.report.start import decision_text


def main(*, results: Path) -> None:
    """
    :param results: folder of the experiment's results
    """
    print(decision_text(read_object(results / "recommendations.json"), results))


if __name__ == "__main__":
    command.run(main)
