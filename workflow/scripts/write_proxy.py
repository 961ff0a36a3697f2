"""Write the mixture of one proxy: a point of the optimiser's design."""

import re
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.methods.designs import design
from emulsion.methods.fixed import epoch_caps
from emulsion.mixture import constant_mixture


def number_of(proxy: str) -> int:
    found = re.fullmatch(r"proxy_(\d+)", proxy)
    if found is None:
        raise UserError(f"--name {proxy}: a proxy is named proxy_000, proxy_001, ...")
    return int(found[1])


def main(
    *,
    experiment: str,
    name: str,
    stores: Some[Path],
    bounds: tuple[float, float],
    seed: int,
    tokens: int,
    max_epochs: float,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: proxy_{number}
    :param stores: token stores of the sources
    :param bounds: lowest and highest share of a source
    :param seed: of what is drawn at random
    :param tokens: budget of the run the optimum is for
    :param max_epochs: how often that run may repeat a source
    :param output: file to write
    """
    sizes = {store.source: store.tokens("train") for store in map(TokenStore.open, stores)}
    caps = epoch_caps(sizes, tokens, max_epochs)
    low, high = bounds
    *_, mixture = design(number_of(name) + 1, list(sizes), (low, high), caps, seed)
    write_json(output, constant_mixture(experiment, name, "design", mixture))


if __name__ == "__main__":
    command.run(main)
