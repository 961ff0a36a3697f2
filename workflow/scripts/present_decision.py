"""Write the page that answers an experiment's question, for whoever asked it."""

import os
from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.lost import loss_text
from emulsion.files import read_object, write_text
from emulsion.report.decision_page import Evidence, decision_page


def is_figure(file: Path) -> bool:
    return file.suffix == ".png"


def main(
    *,
    template: Path,
    recommendations: Path,
    budget: Path,
    mixtures: Some[str],
    records: Some[Path],
    ledgers: Sequence[Path] = (),
    optimum: Sequence[Path] = (),
    figures: Sequence[Path] = (),
    captions: Sequence[Path] = (),
    linked: Sequence[Path] = (),
    output: Path,
) -> None:
    """
    :param template: Jinja2 template of the page
    :param recommendations: recommendations.json
    :param budget: budget.json
    :param mixtures: mixture of each run
    :param records: run.json of each run, in the same order
    :param ledgers: accounts of the rows of each source
    :param optimum: optimal_mix.json
    :param figures: PNGs to show
    :param captions: text file with the caption of each figure
    :param linked: further files that the page links to
    :param output: file to write
    """
    found = read_object(recommendations)
    rows = {ledger.stem: read_object(ledger) for ledger in ledgers}
    lost = [loss_text(source, each["read"], each["set_aside"]) for source, each in rows.items()]
    warned = [warning for file in optimum for warning in read_object(file)["warnings"]]
    shown = [*linked, recommendations, budget, *optimum, *figures]
    evidence = Evidence(
        budget=read_object(budget),
        run=read_object(records[mixtures.index(found["recommended"]["mixture"])]),
        figures={
            " ".join(caption.read_text(encoding="utf-8").split()): figure.read_bytes()
            for caption, figure in zip(captions, figures, strict=True)
        },
        files={file.as_posix(): os.path.relpath(file, output.parent) for file in sorted(shown, key=is_figure)},
        caveats=[*warned, *filter(None, lost)],
    )
    write_text(output, decision_page(template.read_text(encoding="utf-8"), found, evidence))


if __name__ == "__main__":
    command.run(main)
