"""Write a baseline that follows from the sizes of the sources as a mixture file."""

from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.tokens import TokenStore
from emulsion.errors import unknown
from emulsion.files import write_json
from emulsion.methods.fixed import proportional, temperature, unimax
from emulsion.mixture import Mixture, constant_mixture


def baseline(name: str, sizes: dict[str, int], tokens: int, max_epochs: float) -> Mixture:
    """The mixture of a name: proportional, temperature_{tau} or unimax. sizes: {source: tokens to train on}."""
    if name == "proportional":
        return proportional(sizes)
    if name == "unimax":
        return unimax(sizes, tokens, max_epochs)
    if name.startswith("temperature_"):
        return temperature(sizes, float(name.removeprefix("temperature_")))
    raise unknown("baseline", name, ["proportional", "temperature_{tau}", "unimax"], "--name")


def main(
    *,
    experiment: str,
    name: str,
    stores: Some[Path],
    tokens: int = 0,
    max_epochs: float = 0,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: proportional, temperature_{tau} or unimax
    :param stores: token stores of the sources
    :param tokens: the run's budget, for unimax
    :param max_epochs: how often unimax may repeat a source
    :param output: file to write
    """
    sizes = {store.source: store.tokens("train") for store in map(TokenStore.open, stores)}
    mixture = baseline(name, sizes, tokens, max_epochs)
    write_json(output, constant_mixture(experiment, name, name, mixture))


if __name__ == "__main__":
    command.run(main)
