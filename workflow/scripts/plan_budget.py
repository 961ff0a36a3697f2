"""Say what an experiment will cost, what it can detect, and how often it reads each source, before it is run."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.analysis.noise import estimate_seed_noise
from emulsion.analysis.power import detectable_effects
from emulsion.analysis.scores import item_scores
from emulsion.command import Json
from emulsion.files import read_json, write_text
from emulsion.report.plan import plan_text


def measured_noise(results: Path) -> dict[str, float]:
    """{capability or "mean": standard deviation between seeds} of the runs that were evaluated so far.

    They are read as they are found and are no inputs of the rule: a plan must not train anything.
    """
    runs: dict[str, dict[int, Any]] = {}
    for number, file in enumerate(sorted(results.glob("*/capabilities.json"))):
        mixture = re.sub(r"-seed\d+$", "", file.parent.name)
        if not mixture.endswith("-again"):
            runs.setdefault(mixture, {})[number] = read_json(file)
    scores = {mixture: item_scores(each, mixture) for mixture, each in runs.items()}
    noise = estimate_seed_noise(scores)
    return dict(noise.run_sd) if noise else {}


def main(
    *,
    experiment: str,
    plan: Json,
    stores: Sequence[Path] = (),
    ledgers: Sequence[Path] = (),
    context: int,
    results: Path | None = None,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param plan: costs, limits, device and design, as JSON
    :param stores: headers of the token stores there are
    :param ledgers: accounts of the rows of its sources, as far as they are there
    :param context: longest context of its models, in tokens
    :param results: folder of the experiment's results, whose seed noise is used, if any
    :param output: file to write
    """
    headers = [read_json(header) for header in stores]
    accounts = {ledger.stem: read_json(ledger) for ledger in ledgers}
    design = plan["effects"]
    if design and results:
        noise = measured_noise(results)
        plan["effects"] = detectable_effects(design["items"], design["seeds"], design["mixtures"], seed_noise=noise)
    text = plan_text(experiment, plan, headers, accounts, context)
    write_text(output, text)
    logging.info("%s", text)


if __name__ == "__main__":
    command.run(main)
