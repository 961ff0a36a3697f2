"""Find the best mixture from proxy runs: fit surrogates, keep the one that predicts best, search it."""

import logging
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.command import Json, Some
from emulsion.data.tokens import TokenStore
from emulsion.files import read_json, write_json
from emulsion.methods.fixed import epoch_caps
from emulsion.methods.optimum import optimise
from emulsion.mixture import constant_mixture
from emulsion.study.experiments import NOT_SEARCHED
from emulsion.training.proxies import result


def main(
    *,
    experiment: str,
    records: Some[Path],
    capabilities: Some[Path],
    perplexity: Some[Path],
    stores: Some[Path],
    settings: Json,
    tokens: int,
    max_epochs: float,
    output: Path,
    mixture: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param records: run.json of each run to learn from
    :param capabilities: of each run, in the same order
    :param perplexity: of each run, in the same order
    :param stores: token stores of the sources
    :param settings: the experiment's `optimize`, as JSON
    :param tokens: budget of the run the optimum is for
    :param max_epochs: how often that run may repeat a source
    :param output: optimal_mix.json
    :param mixture: mixture file of the optimum
    """
    runs: dict[str, tuple[dict[str, float], dict[str, Any]]] = {}
    for file, scores, losses in zip(records, capabilities, perplexity, strict=True):
        trained = read_json(file)
        name = file.parent.name.removeprefix(f"{experiment}-")
        # A run of the same identity is the same model: it says nothing new.
        runs.setdefault(
            trained["identity"], (trained["mixing_ratios"], result(name, read_json(scores), read_json(losses)))
        )
    mixtures, results = zip(*runs.values(), strict=True)
    sizes = {store.source: store.tokens("train") for store in map(TokenStore.open, stores)}
    caps = epoch_caps(sizes, tokens, max_epochs)
    search = {key: value for key, value in settings.items() if key not in NOT_SEARCHED}
    record = optimise(mixtures, results, list(sizes), {**search, "caps": caps})
    for warning in record["warnings"]:
        logging.warning("%s", warning)
    method = f"surrogate: {record['surrogate']}"
    write_json(mixture, constant_mixture(experiment, "optimal", method, record["ratios"]))
    write_json(output, record)


if __name__ == "__main__":
    command.run(main)
