"""Draw the conclusions of an experiment, for people and for programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.analysis.calibration import calibration, opened, outcomes, outcomes_elsewhere
from emulsion.analysis.criteria import success_criteria
from emulsion.analysis.decide import decide, decide_all
from emulsion.analysis.identity import by_mixture, same_mixtures
from emulsion.analysis.improvement import improvement
from emulsion.analysis.pareto import pareto, points_of
from emulsion.analysis.scores import MEAN, ItemScores, all_item_scores
from emulsion.analysis.summary import combine
from emulsion.command import Json, Some
from emulsion.files import read_json, sha256, write_json, write_text
from emulsion.origin import different_code
from emulsion.report.exports import SourceSize
from emulsion.report.landing import answer_rst
from emulsion.report.markdown import markdown as in_markdown
from emulsion.report.recommendations import recommendations


def recipe(record: Path) -> dict[str, Any]:
    """What identifies a run, and the fingerprint of the weights it ended with."""
    weights = sha256(record.parent / "model.safetensors")
    return {"run": record.parent.name, "identity": read_json(record)["identity"], "weights": weights}


def source_size(header: Path) -> SourceSize:
    store = read_json(header)
    train, source = store["splits"]["train"], store["source"]
    return SourceSize(tokens=train["tokens"], documents=train["documents"], path=f"data/normalized/{source}.parquet")


def held_against(
    predictions: Sequence[Path],
    results: Path,
    experiment: str,
    scores: Mapping[str, ItemScores],
    first: Mapping[str, str],
    comparable: bool,
) -> dict[str, Any] | None:
    """Predictions beside what came of them, and the calibration over all experiments there are.

    comparable: whether the surrogate predicts the mean score of runs of full size; else there is nothing to compare.
    """
    if not predictions or not comparable:
        return None
    told = opened(read_json(predictions[0]), str(predictions[0]))
    named = {first.get(name, name): each for name, each in told["predictions"].items()}
    runs = {
        name: dict(zip(map(str, scores[name].seeds), scores[name].run_scores(MEAN).tolist(), strict=True))
        for name in named
        if name in scores
    }
    rows = [{**row, "experiment": experiment} for row in outcomes(named, runs)]
    return {"rows": rows, **calibration([*rows, *outcomes_elsewhere(results, experiment)])}


def main(
    *,
    experiment: str,
    title: Json,
    groups: Json,
    runs: Some[str],
    mixtures: Some[str],
    seeds: Some[int],
    capabilities: Some[Path],
    records: Some[Path],
    stores: Some[Path],
    contributions: Sequence[Path] = (),
    optimum: Sequence[Path] = (),
    predictions: Sequence[Path] = (),
    results: Path = Path("results"),
    repeated: Sequence[Path] = (),
    json: Path,
    markdown: Path,
    answer: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param title: the question it answers, as JSON
    :param groups: {candidates, singles, strategies: [mixtures], models, optimum, comparable}, as JSON
    :param runs: names of the runs, in the order of their files
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param capabilities: capabilities.json of each run
    :param records: run.json of each run
    :param stores: headers of the token stores
    :param contributions: contributions.json
    :param optimum: optimal_mix.json
    :param predictions: predictions.json, written before the optimum was trained
    :param results: folder of all results, for the calibration of predictions over experiments
    :param repeated: run.json of a mixture's runs, the first seed's first, and last of the repetition
    :param json: for programs
    :param markdown: for people
    :param answer: reStructuredText for the report's first page
    """
    record_of = dict(zip(runs, records, strict=True))
    same = same_mixtures(mixtures, [read_json(record)["identity"] for record in records])
    merged = same.merged(by_mixture(mixtures, seeds, map(read_json, capabilities)))
    scores = all_item_scores(merged)
    candidates, singles, strategies = (same.once(groups[kind]) for kind in ("candidates", "singles", "strategies"))
    contenders = {mixture: scores[mixture] for mixture in candidates}
    summary = combine(scores)
    decisions = decide_all(contenders)
    best, front = decisions[MEAN].leader, pareto(points_of(summary))
    pair = [recipe(record) for record in repeated]
    criteria = success_criteria(
        decisions[MEAN],
        improvement(scores, best, singles) if singles else None,
        front,
        pair[0] if pair else recipe(record_of[best]),
        pair[-1] if pair else None,
    )
    found_optimum = next(map(read_json, optimum), None)
    found = recommendations(
        experiment,
        title,
        summary,
        decisions,
        {mixture: read_json(record_of[mixture])["mixing_ratios"] for mixture in candidates},
        {read_json(header)["source"]: source_size(header) for header in stores},
        contributions=next(map(read_json, contributions), None),
        pareto=front,
        optimum_name=groups["optimum"] or "",
        optimum=found_optimum and {**found_optimum, "comparable": groups["comparable"]},
        criteria=criteria,
        tokens=read_json(record_of[best])["tokens"],
        strategies=decide({mixture: scores[mixture] for mixture in strategies}) if strategies else None,
        schedules={mixture: read_json(record_of[mixture])["schedule"] for mixture in candidates},
        models=groups["models"],
        same=same,
        edited=different_code({run: read_json(record)["code"]["library"] for run, record in record_of.items()}),
    )
    found["predictions"] = held_against(predictions, results, experiment, scores, same.first, groups["comparable"])
    write_json(json, found)
    write_text(markdown, in_markdown(found))
    write_text(answer, answer_rst(found))


if __name__ == "__main__":
    command.run(main)
