"""Replay a published sweep: fit laws to runs of one table, and judge how they rank and predict those of others."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from emulsion import command
from emulsion.command import Some
from emulsion.files import write_json, write_text
from emulsion.laws.law_registry import FITS
from emulsion.laws.published_sweep import PublishedSweep, replay
from emulsion.report.replay_table import replay_text


def main(
    *,
    train: tuple[Path, Path],
    test: Some[tuple[str, Path, Path]],
    # mypy knows no names found at run time.
    laws: Some[Literal[*FITS]] = ("best", "log_linear", "lightgbm", "ridge"),  # type: ignore[valid-type, assignment]
    sizes: Sequence[int] = (),
    resamples: int = 10,
    seed: int = 0,
    output: Path,
    markdown: Path | None = None,
) -> None:
    """
    :param train: CSV files of mixtures and of losses
    :param test: name, mixtures and losses; may be repeated
    :param laws: laws to fit
    :param sizes: runs to fit to; all of the table's where left out
    :param resamples: random subsets of each size
    :param seed: of what is drawn at random
    :param output: file to write
    :param markdown: where to write the tables for people
    """
    fitted = PublishedSweep.read(*train)
    tests = [PublishedSweep.read(mixtures, losses, name) for name, mixtures, losses in test]
    found = replay(fitted, tests, laws, sizes or [len(fitted.table.values)], resamples, seed)
    for row in found["summary"]:
        line = "{test}, {size} runs, {law}: Spearman {spearman:.4f}, mean absolute error {mae:.4f}, {seconds:.2f} s"
        logging.info(line.format(**row))
    write_json(output, found)
    if markdown:
        write_text(markdown, replay_text(found))


if __name__ == "__main__":
    command.run(main)
