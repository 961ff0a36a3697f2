"""Compare strategies and methods by their losses on test text, against stratified sampling, with what each costs."""

import math
from pathlib import Path

import pandas as pd

from emulsion import command
from emulsion.analysis.decide import decide
from emulsion.analysis.identity import by_mixture, same_mixtures
from emulsion.analysis.leaderboard import MethodRun, leaderboard, markdown, rows
from emulsion.analysis.losses import all_loss_scores
from emulsion.command import Json, Some
from emulsion.files import read_json, write_json, write_text


def observing(record: dict) -> int:
    """The tokens that an online run read to observe; 0 of a run on a mixture file."""
    return int((record.get("method") or {}).get("evaluation_tokens", 0))


def stratified_of(runs: list[MethodRun], records: list[dict]) -> str | None:
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
    extra_tokens: Json,
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
    :param extra_tokens: {mixture: tokens trained on to decide it}, as JSON
    :param weights: {source: weight} in the mean loss, as JSON; null for equal weights
    :param csv: a row for each run
    :param json: a row for each mixture, and the decision
    :param page: the same as Markdown
    """
    found, contents = [read_json(record) for record in records], [read_json(losses) for losses in perplexity]
    runs = [
        MethodRun(
            mixture=mixture,
            seed=seed,
            losses={source: each["loss"] for source, each in losses["sources"].items()},
            extra_tokens=extra_tokens.get(mixture, 0),
            evaluation_tokens=observing(read_json(guides[mixture]) if mixture in guides else record),
            seconds=record["seconds"],
            weights=weights or {},
        )
        for mixture, seed, losses, record in zip(mixtures, seeds, contents, found, strict=True)
    ]
    stratified = stratified_of(runs, found)
    notices = {
        mixture: record["method"]["notices"]
        for mixture, record in zip(mixtures, found, strict=True)
        if "notices" in (record.get("method") or {})
    }
    same = same_mixtures(mixtures, [record["identity"] for record in found])
    decision = decide(all_loss_scores(same.merged(by_mixture(mixtures, seeds, contents)), weights))
    board = leaderboard(runs, stratified, same, decision)
    write_text(csv, pd.DataFrame(rows(runs, stratified)).to_csv(index=False))
    write_json(json, board)
    write_text(page, markdown(title, board, notices))


if __name__ == "__main__":
    command.run(main)
