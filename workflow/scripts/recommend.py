"""Draw the conclusions of an experiment, for people and for programs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.analysis.calibration import calibration, opened, outcomes, outcomes_elsewhere
from emulsion.analysis.criteria import success_criteria
from emulsion.analysis.identity import by_mixture, same_mixtures
from emulsion.analysis.judged import Judged, judge_by
from emulsion.analysis.scores import MEAN
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


def outcomes_of(judged: Judged, records: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """{mixture: {seed: what a surrogate predicts of it}}: its mean score, or its mean loss on validation text."""
    found = {}
    for name, scores in judged.scores.items():
        if judged.measure.lower:
            shares = scores.shares(MEAN)
            found[name] = {
                str(seed): sum(share * record["validation"][source] for source, share in shares.items())
                for seed, record in records[name].items()
            }
        else:
            found[name] = dict(zip(map(str, scores.seeds), scores.run_scores(MEAN).tolist(), strict=True))
    return found


def held_against(
    predictions: Sequence[Path],
    results: Path,
    experiment: str,
    runs: Mapping[str, Mapping[str, float]],
    first: Mapping[str, str],
    kind: str | None,
) -> dict[str, Any] | None:
    """Predictions beside what came of them, and the calibration over all experiments there are that predict the same.

    runs: of `outcomes_of`; none where the surrogate predicts something else, or runs of another size.
    kind: what is predicted, "losses" or "capabilities".
    """
    if not predictions or not runs or kind is None:
        return None
    told = opened(read_json(predictions[0]), str(predictions[0]))
    named = {first.get(name, name): each for name, each in told["predictions"].items()}
    rows = [{**row, "experiment": experiment} for row in outcomes(named, {n: runs[n] for n in named if n in runs})]
    return {"of": kind, "rows": rows, **calibration([*rows, *outcomes_elsewhere(results, experiment, kind)], kind)}


def main(
    *,
    experiment: str,
    title: Json,
    groups: Json,
    runs: Some[str],
    mixtures: Some[str],
    seeds: Some[int],
    records: Some[Path],
    capabilities: Sequence[Path] = (),
    perplexity: Sequence[Path] = (),
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
    :param groups: {candidates, singles, alone, strategies, models, optimum, predicted, judged_by, loss_weights}
    :param runs: names of the runs, in the order of their files
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param records: run.json of each run
    :param capabilities: capabilities.json of each run, where mixtures are judged by them
    :param perplexity: perplexity.json of each run, where mixtures are judged by losses
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
    contents = [read_json(record) for record in records]
    same = same_mixtures(mixtures, [each["identity"] for each in contents])
    candidates, singles, strategies = (same.once(groups[kind]) for kind in ("candidates", "singles", "strategies"))
    files = {"capabilities": capabilities, "losses": perplexity}
    judged = [
        judge_by(
            kind,
            same.merged(by_mixture(mixtures, seeds, map(read_json, files[kind]))),
            candidates,
            singles,
            strategies,
            groups["loss_weights"],
        )
        for kind in groups["judged_by"]
    ]
    main, best = judged[0], judged[0].decision.leader
    predicted = next((each for each in judged if each.measure.kind == groups["predicted"]), None)
    outcome = outcomes_of(predicted, same.merged(by_mixture(mixtures, seeds, contents))) if predicted else {}
    pair = [recipe(record) for record in repeated]
    criteria = success_criteria(
        main.decision,
        main.improvement,
        main.pareto,
        pair[0] if pair else recipe(record_of[best]),
        pair[-1] if pair else None,
        main.measure,
    )
    found_optimum = next(map(read_json, optimum), None)
    optimum_name = same.first.get(groups["optimum"], groups["optimum"] or "")
    found = recommendations(
        experiment,
        title,
        judged,
        {mixture: read_json(record_of[mixture])["mixing_ratios"] for mixture in candidates},
        {read_json(header)["source"]: source_size(header) for header in stores},
        contributions=next(map(read_json, contributions), None),
        optimum_name=optimum_name,
        optimum=found_optimum and {**found_optimum, "of": groups["predicted"]},
        criteria=criteria,
        tokens=read_json(record_of[best])["tokens"],
        alone={source: same.first[name] for source, name in groups["alone"].items()},
        validation=outcome.get(optimum_name) if predicted and predicted.measure.lower else None,
        schedules={mixture: read_json(record_of[mixture])["schedule"] for mixture in candidates},
        models=groups["models"],
        same=same,
        edited=different_code({run: read_json(record)["code"]["library"] for run, record in record_of.items()}),
    )
    found["predictions"] = held_against(predictions, results, experiment, outcome, same.first, groups["predicted"])
    write_json(json, found)
    write_text(markdown, in_markdown(found))
    write_text(answer, answer_rst(found))


if __name__ == "__main__":
    command.run(main)
