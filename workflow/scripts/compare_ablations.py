"""Measure what each source contributes: the base mixture beside the mixtures without one source."""

from pathlib import Path

from emulsion import command
from emulsion.analysis.contributions import contributions
from emulsion.command import Some
from emulsion.files import read_json, write_json
from emulsion.study.experiments import by_mixture


def main(
    *,
    base: str,
    runs: Some[str],
    capabilities: Some[Path],
    perplexity: Some[Path],
    first_seed: int,
    output: Path,
) -> None:
    """
    :param base: name of the mixture with all sources
    :param runs: runs of the base and of the mixtures without a source
    :param capabilities: capabilities.json of each run
    :param perplexity: perplexity.json of each run
    :param first_seed: seed of the runs without one in their name
    :param output: file to write
    """
    scores = by_mixture(runs, map(read_json, capabilities), first_seed)
    losses = by_mixture(runs, map(read_json, perplexity), first_seed)
    base_scores, base_losses = scores.pop(base), losses.pop(base)
    without = {mixture.removeprefix("without_"): results for mixture, results in scores.items()}
    losses_without = {mixture.removeprefix("without_"): results for mixture, results in losses.items()}
    write_json(output, contributions(base, base_scores, without, base_losses, losses_without))


if __name__ == "__main__":
    command.run(main)
