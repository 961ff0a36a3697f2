"""Tabulate the regret of methods in simulated worlds against their cost."""

from pathlib import Path

import pandas as pd

from emulsion import command
from emulsion.analysis.regret import page, summary
from emulsion.command import Some
from emulsion.files import read_json, write_text
from emulsion.world import KINDS


def main(*, trials: Some[Path], seed: int, csv: Path, output: Path) -> None:
    """
    :param trials: what `prove_method` wrote of each method
    :param seed: of the worlds
    :param csv: a row for each method and kind of world
    :param output: the same as Markdown
    """
    found = {content["method"]: content["trials"] for content in map(read_json, trials)}
    rows = summary(found, list(KINDS))
    flat = [
        {
            name: value
            for key, values in row.items()
            for name, value in (
                zip((f"{key}_low", f"{key}_high"), values or (None, None), strict=True)
                if key.endswith("_interval")
                else [(key, values)]
            )
        }
        for row in rows
    ]
    write_text(csv, pd.DataFrame(flat).to_csv(index=False))
    write_text(output, page(rows, list(KINDS), seed))


if __name__ == "__main__":
    command.run(main)
