"""Tabulate the regret of methods in simulated worlds against their cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from emulsion import command
from emulsion.analysis.regret import by_gain, by_sources, page, summary
from emulsion.command import Some
from emulsion.files import read_object, write_text
from emulsion.world import KINDS


def main(*, trials: Some[Path], seed: int, csv: Path, sources: Path, output: Path) -> None:
    """
    :param trials: what `prove_method` wrote of each method
    :param seed: of the worlds
    :param csv: a row for each method and kind of world
    :param sources: a row for each method and number of sources; resources/proving_ground.csv is a copy of it
    :param output: the first as Markdown
    """
    found = {content["method"]: content["trials"] for content in map(read_object, trials)}
    rows = summary(found, list(KINDS))
    write_text(csv, _flat(rows))
    write_text(sources, _flat(by_sources(found)))
    write_text(output, page(rows, by_gain(found), list(KINDS), seed))


def _flat(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, an interval as two columns."""
    flat: list[dict[str, Any]] = []
    for row in rows:
        cells: dict[str, Any] = {}
        for key, value in row.items():
            ends = (f"{key}_low", f"{key}_high") if key.endswith("_interval") else (key,)
            cells |= zip(ends, (value or (None, None)) if len(ends) == 2 else [value], strict=True)
        flat.append(cells)
    text: str = pd.DataFrame(flat).to_csv(index=False, float_format="%.6g")
    return text


if __name__ == "__main__":
    command.run(main)
