"""Set the laws of a study's settings beside each other in tables."""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.files import read_json, write_json, write_text
from emulsion.laws.study.tables import KINDS, study
from emulsion.report.law_tables import law_tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True)
    parser.add_argument("--title", required=True)
    parser.add_argument("--tables", required=True, type=json.loads, help="the study's tables, as JSON")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", nargs="*", default=[], type=Path, help="files of any of the settings")
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--markdown", required=True, type=Path)
    arguments = parser.parse_args()

    results = {kind: [read_json(file) for file in getattr(arguments, kind)] for kind in KINDS}
    found = study(arguments.study, arguments.title, arguments.tables, results)
    write_json(arguments.json, found)
    write_text(arguments.markdown, law_tables(found))


if __name__ == "__main__":
    command.run(main)
