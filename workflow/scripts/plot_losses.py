"""Draw losses on test text by source and mixture, as differences to the even mixture."""

from pathlib import Path

from emulsion import command
from emulsion.analysis.judged import judge_runs
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
    :param groups: {candidates, singles, strategies, alone, loss_weights}, as JSON
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param perplexity: perplexity.json of each run
    :param records: run.json of each run
    :param stores: headers of the token stores
    :param output: the PNG to write
    """
    contents = [read_object(record) for record in records]
    judged = judge_runs(groups, mixtures, seeds, contents, {"losses": map(read_object, perplexity)})
    same, candidates, [by_losses] = judged.same, judged.candidates, judged.by
    alone = {source: same.first[name] for source, name in groups["alone"].items()}
    ratios = {mixture: record["mixing_ratios"] for mixture, record in zip(mixtures, contents, strict=True)}
    tokens = {header["source"]: header["splits"]["train"]["tokens"] for header in map(read_object, stores)}
    losses = losses_of(by_losses, {name: ratios[name] for name in candidates}, tokens, alone, candidates[0])
    save(draw_loss_heatmap(losses, by_losses.decisions, same.labels), output)


if __name__ == "__main__":
    command.run(main)
