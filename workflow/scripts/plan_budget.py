"""Say what an experiment will cost, what it can detect, and how often it reads each source, before it is run."""

import logging
from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.files import read_json, write_text
from emulsion.report.plan import plan_text


def main(
    *,
    experiment: str,
    plan: Json,
    stores: Sequence[Path] = (),
    ledgers: Sequence[Path] = (),
    context: int,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param plan: costs, limits, device and design, as JSON
    :param stores: headers of the token stores there are
    :param ledgers: accounts of the rows of its sources, as far as they are there
    :param context: longest context of its models, in tokens
    :param output: file to write
    """
    headers = [read_json(header) for header in stores]
    accounts = {ledger.stem: read_json(ledger) for ledger in ledgers}
    text = plan_text(experiment, plan, headers, accounts, context)
    write_text(output, text)
    logging.info("%s", text)


if __name__ == "__main__":
    command.run(main)
