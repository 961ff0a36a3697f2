"""Say what an experiment will cost, what it can detect, and how often it reads each source, before it is run."""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.analysis.loss_scores import all_loss_scores
from emulsion.analysis.noise import noise_of_differences
from emulsion.analysis.power import detectable_effects, detectable_losses
from emulsion.analysis.scores import MEAN, all_item_scores
from emulsion.command import Json
from emulsion.files import read_object, write_text
from emulsion.report.plan_page import plan_text
from emulsion.study.paths import mixture_and_seed

FIRST = -1  # stands for an experiment's first seed, which names of runs leave out


def measured_noise(results: Path, compared: Collection[str], design: Mapping[str, Any]) -> dict[str, float]:
    """{capability, or source, and "mean": standard deviation between seeds} of the runs that were evaluated so far.

    They are read as they are found and are no inputs of the rule: a plan must not train anything. compared: mixtures
    that are decided on, whose noise counts; design: what it can detect, as it is planned.
    """
    by_losses = design["kind"] == "losses"
    runs: dict[str, dict[int, Any]] = {}
    for file in sorted(results.glob("*/perplexity.json" if by_losses else "*/capabilities.json")):
        run = file.parent.name
        mixture, seed = (run, None) if run in compared else mixture_and_seed(run)
        if mixture in compared:
            runs.setdefault(mixture, {})[FIRST if seed is None else seed] = read_object(file)
    if not runs:
        return {}
    noise = noise_of_differences(all_loss_scores(runs, design["weights"]) if by_losses else all_item_scores(runs))
    return dict(noise.run_sd) if noise else {}


def with_noise(design: Mapping[str, Any], noise: Mapping[str, float]) -> dict[str, Any]:
    """The effects that a design can detect, with the seed noise that was measured."""
    if design["kind"] == "losses":
        known = {name: sd for name, sd in noise.items() if name in (MEAN, *design["sequences"])}
        shape = design["sequences"], design["seeds"], design["mixtures"]
        return detectable_losses(*shape, weights=design["weights"], seed_noise=known)
    return detectable_effects(design["items"], design["seeds"], design["mixtures"], seed_noise=noise)


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
    headers = [read_object(header) for header in stores]
    accounts = {ledger.stem: read_object(ledger) for ledger in ledgers}
    if results:
        noises = [measured_noise(results, plan["compared"], design) for design in plan["effects"]]
        plan["effects"] = [with_noise(*pair) for pair in zip(plan["effects"], noises, strict=True)]
    text = plan_text(experiment, plan, headers, accounts, context)
    write_text(output, text)
    logging.info("%s", text)


if __name__ == "__main__":
    command.run(main)
