"""Measure what each source contributes: the base mixture beside the mixtures without one source."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.analysis.ablations import contributions
from emulsion.analysis.identity import by_mixture
from emulsion.command import Json, Some
from emulsion.files import read_object, write_json
from emulsion.perplexity import diverged_mixtures


def main(
    *,
    without: Json,
    mixtures: Some[str],
    seeds: Some[int],
    perplexity: Some[Path],
    records: Some[Path],
    capabilities: Sequence[Path] = (),
    weights: Json = None,
    output: Path,
) -> None:
    """
    :param without: {mixture: the source it leaves out}, null for the base, as JSON
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param perplexity: perplexity.json of each run
    :param records: run.json of each run
    :param capabilities: capabilities.json of each run, where mixtures are judged by them
    :param weights: {source: weight} in the mean loss, as JSON; null for equal weights
    :param output: file to write
    """
    scores = by_mixture(mixtures, seeds, map(read_object, capabilities)) if capabilities else {}
    losses = by_mixture(mixtures, seeds, map(read_object, perplexity))
    base = next(mixture for mixture, source in without.items() if source is None)
    left_out = {mixture: source for mixture, source in without.items() if source is not None}
    scores_without, losses_without = (
        {source: found[mixture] for mixture, source in left_out.items() if found} for found in (scores, losses)
    )
    found = contributions(
        base,
        scores.get(base, {}),
        scores_without,
        losses[base],
        losses_without,
        weights=weights,
        diverged=diverged_mixtures(mixtures, list(map(read_object, records))),
    )
    write_json(output, found)


if __name__ == "__main__":
    command.run(main)
