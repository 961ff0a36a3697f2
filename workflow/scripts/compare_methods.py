"""Compare strategies and methods by their losses on test text, against stratified sampling, with what each costs."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from emulsion import command
from emulsion.analysis.decide import decide
from emulsion.analysis.identity import by_mixture, same_mixtures
from emulsion.analysis.leaderboard import MethodRun, leaderboard, rows
from emulsion.analysis.loss_scores import all_loss_scores
from emulsion.command import Json, Some
from emulsion.files import read_object, write_json, write_text
from emulsion.perplexity import DIVERGED, diverged_mixtures
from emulsion.report.method_board import markdown


def stratified_of(runs: list[MethodRun], records: list[dict[str, Any]]) -> str | None:
    """The first mixture of all sources alike from start to end."""
    for run, record in zip(runs, records, strict=True):
        weights = list(record["schedule"][0]["weights"].values())
        if len(record["schedule"]) == 1 and all(math.isclose(weight, 1 / len(weights)) for weight in weights):
            return run.mixture
    return None


def main(
    *,
    title: Json,
    mixtures: Some[str],
    seeds: Some[int],
    records: Some[Path],
    perplexity: Some[Path],
    guides: Json,
    replays: Json,
    weights: Json = None,
    csv: Path,
    json: Path,
    page: Path,
) -> None:
    """
    :param title: the question of the experiment, as JSON
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param records: run.json of each run
    :param perplexity: perplexity.json of each run
    :param guides: {mixture: run.json of the run that decided it}, as JSON
    :param replays: {mixture: {"method", "average"}} of those that train again what a method decided, as JSON
    :param weights: {source: weight} in the mean loss, as JSON; null for equal weights
    :param csv: a row for each run
    :param json: a row for each mixture, and the decision
    :param page: the same as Markdown
    """
    found, contents = [read_object(record) for record in records], [read_object(losses) for losses in perplexity]
    runs = [
        MethodRun(
            mixture=mixture,
            seed=seed,
            losses={source: each["loss"] for source, each in losses["sources"].items()},
            cost=record.get("cost"),
            seconds=record.get("copied_seconds", record["seconds"]),
            tokens=record["tokens"],
            shares=record["mixing_ratios"],
            weights=weights or {},
        )
        for mixture, seed, losses, record in zip(mixtures, seeds, contents, found, strict=True)
    ]
    deciding = {f"{mixture} (guide)": read_object(file) for mixture, file in guides.items()}
    deciding |= dict(reversed(list(zip(mixtures, found, strict=True))))  # the first seed's
    notices = {name: (record.get("method") or {}).get("notices", []) for name, record in deciding.items()}
    for mixture in diverged_mixtures(mixtures, found):
        notices[mixture] = [*notices.get(mixture, []), f"{DIVERGED}."]
    same, stratified = same_mixtures(mixtures, [record["identity"] for record in found]), stratified_of(runs, found)
    decision = decide(all_loss_scores(same.merged(by_mixture(mixtures, seeds, contents)), weights))
    board = leaderboard(runs, stratified, same, decision, replays)
    write_text(csv, pd.DataFrame(rows(runs, stratified)).to_csv(index=False))
    write_json(json, board)
    write_text(page, markdown(title, board, notices))


if __name__ == "__main__":
    command.run(main)
