"""Say what an experiment will cost, what it can detect, and how often it reads each source, before it is run."""

import argparse
import json
import logging
from pathlib import Path

from emulsion import command
from emulsion.files import read_json, write_text
from emulsion.report.plan import plan_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--plan", required=True, type=json.loads, help="costs, limits, device and design, as JSON")
    parser.add_argument("--stores", nargs="*", type=Path, default=[], help="headers of the token stores there are")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    headers = [read_json(header) for header in arguments.stores]
    sizes = {header["source"]: header["splits"]["train"]["tokens"] for header in headers}
    text = plan_text(arguments.experiment, arguments.plan, sizes)
    write_text(arguments.output, text)
    logging.info("%s", text)


if __name__ == "__main__":
    command.run(main)
