"""Draw losses on test text by source and mixture, as differences to the even mixture."""

from pathlib import Path

from emulsion import command
from emulsion.analysis.identity import by_mixture, same_mixtures
from emulsion.analysis.judged import judge_by
from emulsion.command import Json, Some
from emulsion.figures.loss_heatmap import draw_loss_heatmap
from emulsion.figures.style import save
from emulsion.files import read_object
from emulsion.report.loss_tables import losses_of


def main(
    *,
    groups: Json,
    mixtures: Some[str],
    seeds: Some[int],
    perplexity: Some[Path],
    records: Some[Path],
    stores: Some[Path],
    output: Path,
) -> None:
    """
    :param groups: {candidates, singles, alone, loss_weights}, as JSON
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param perplexity: perplexity.json of each run
    :param records: run.json of each run
    :param stores: headers of the token stores
    :param output: the PNG to write
    """
    contents = [read_object(record) for record in records]
    same = same_mixtures(mixtures, [each["identity"] for each in contents])
    candidates, singles = same.once(groups["candidates"]), same.once(groups["singles"])
    alone = {source: same.first[name] for source, name in groups["alone"].items()}
    results = same.merged(by_mixture(mixtures, seeds, map(read_object, perplexity)))
    judged = judge_by("losses", results, candidates, singles, weights=groups["loss_weights"])
    ratios = {mixture: record["mixing_ratios"] for mixture, record in zip(mixtures, contents, strict=True)}
    tokens = {header["source"]: header["splits"]["train"]["tokens"] for header in map(read_object, stores)}
    losses = losses_of(judged, {name: ratios[name] for name in candidates}, tokens, alone, candidates[0])
    save(draw_loss_heatmap(losses, judged.decisions, same.labels), output)


if __name__ == "__main__":
    command.run(main)
