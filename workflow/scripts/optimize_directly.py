"""Search for the best mixture by differential evolution, training a small model at every evaluation.

Every training is kept by its mixture under --cache, so that a search cut off goes on where it was.
"""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.data.tokens import TokenStore
from emulsion.files import write_json
from emulsion.methods.fixed import epoch_caps
from emulsion.methods.objective import Objective
from emulsion.methods.optimum import optimise_directly
from emulsion.mixture import Mixture, constant_mixture
from emulsion.study.experiments import NOT_SEARCHED
from emulsion.training.options import TrainingOptions
from emulsion.training.proxies import Proxies


def main(
    *,
    training: TrainingOptions,
    experiment: str,
    suites: Some[Path],
    evaluation: Json,
    settings: Json,
    tokens: int,
    max_epochs: float,
    cache: Path,
    output: Path,
    mixture: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param suites: capability suites
    :param evaluation: evaluation settings, as JSON
    :param settings: the experiment's `optimize`, as JSON
    :param tokens: budget of the run the optimum is for
    :param max_epochs: how often that run may repeat a source
    :param cache: folder of the trainings
    :param output: optimal_mix.json
    :param mixture: mixture file of the optimum
    """
    import torch

    torch.set_num_threads(training.threads)
    sizes = {store.source: store.tokens("train") for store in map(TokenStore.open, training.stores)}
    search = {key: value for key, value in settings.items() if key not in NOT_SEARCHED}
    chosen = {**search, "caps": epoch_caps(sizes, tokens, max_epochs), "evaluations": settings["proxies"]}
    proxies = Proxies(experiment=experiment, training=training, suites=suites, evaluation=evaluation, cache=cache)

    def score(tried: Mixture) -> float:
        found = proxies.result(tried)
        value = Objective.of(settings["objective"], [found]).score(found)
        logging.info("%s: %.4f", tried, value)
        return value

    record = optimise_directly(score, list(sizes), chosen)
    write_json(mixture, constant_mixture(experiment, "optimal", "direct", record["ratios"]))
    write_json(output, record)


if __name__ == "__main__":
    command.run(main)
