"""Draw the conclusions of an experiment, for people and for programs."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.analysis.advice import read_rows
from emulsion.analysis.calibration import held_against, realised_by
from emulsion.analysis.criteria import recipe_of, success_criteria
from emulsion.analysis.identity import by_mixture
from emulsion.analysis.judged import judge_runs
from emulsion.command import Json, Some
from emulsion.files import read_object, write_json, write_text
from emulsion.origin import different_code
from emulsion.perplexity import diverged_note
from emulsion.report.exports import SourceSize
from emulsion.report.front_page import front_page_rst
from emulsion.report.markdown import markdown as in_markdown
from emulsion.report.recommendations import recommendations


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
    worlds: Path,
    trained: Path,
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
    :param predictions: predictions.json, made from nothing that the optimum's runs came to
    :param results: folder of all results, for the calibration of predictions over experiments
    :param repeated: run.json of a mixture's runs, the first seed's first, and last of the repetition
    :param worlds: regret of methods in simulated worlds, for the advice
    :param trained: how methods fared in trainings, likewise
    :param json: for programs
    :param markdown: for people
    :param answer: reStructuredText for the report's first page
    """
    contents = [read_object(record) for record in records]
    file_of = dict(zip(runs, records, strict=True))
    record_of = dict(zip(runs, contents, strict=True))
    files = {"capabilities": capabilities, "losses": perplexity}
    judged_files = {kind: map(read_object, files[kind]) for kind in groups["judged_by"]}
    runs_judged = judge_runs(groups, mixtures, seeds, contents, judged_files)
    same, judged = runs_judged.same, runs_judged.by
    libraries = {run: each["code"]["library"] for run, each in record_of.items()}
    leading, best = judged[0], judged[0].decision.leader
    predicted = next((each for each in judged if each.measure.kind == groups["predicted"]), None)
    outcome = realised_by(predicted, same.merged(by_mixture(mixtures, seeds, contents))) if predicted else {}
    pair = [recipe_of(record) for record in repeated]
    criteria = success_criteria(
        leading.decision,
        leading.improvement,
        leading.pareto,
        leading.measure,
        pair[0] if pair else recipe_of(file_of[best]),
        pair[-1] if pair else None,
    )
    of_optimum = ("ratios", "prediction", "interval", "surrogate")
    found_optimum = next((read_object(file, of_optimum) for file in optimum), None)
    optimum_name = same.first.get(groups["optimum"], groups["optimum"] or "")
    found = recommendations(
        experiment,
        title,
        judged,
        {mixture: record_of[mixture]["mixing_ratios"] for mixture in runs_judged.candidates},
        {header["source"]: SourceSize.of_store(header) for header in map(read_object, stores)},
        contributions=next(map(read_object, contributions), None),
        optimum_name=optimum_name,
        optimum=found_optimum and {**found_optimum, "of": groups["predicted"]},
        criteria=criteria,
        tokens=record_of[best]["tokens"],
        alone={source: same.first[name] for source, name in groups["alone"].items()},
        validation=outcome.get(optimum_name) if predicted and predicted.measure.lower else None,
        schedules={mixture: record_of[mixture]["schedule"] for mixture in runs_judged.candidates},
        models=groups["models"],
        same=same,
        remarks=different_code(libraries) + diverged_note(runs_judged.diverged),
        worlds=read_rows(worlds),
        trained=read_rows(trained),
    )
    found["predictions"] = held_against(predictions, results, experiment, outcome, same.first, groups["predicted"])
    write_json(json, found)
    write_text(markdown, in_markdown(found))
    write_text(answer, front_page_rst(found))


if __name__ == "__main__":
    command.run(main)
