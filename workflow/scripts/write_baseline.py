"""Write a baseline that follows from the sizes of the sources as a mixture file."""

import argparse
from pathlib import Path

from emulsion import command
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--name", required=True, help="proportional, temperature_{tau} or unimax")
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="token stores of the sources")
    parser.add_argument("--tokens", type=int, default=0, help="the run's budget, for unimax")
    parser.add_argument("--max-epochs", type=float, default=0, help="how often unimax may repeat a source")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    stores = [TokenStore.open(folder) for folder in arguments.stores]
    sizes = {store.source: store.tokens("train") for store in stores}
    mixture = baseline(arguments.name, sizes, arguments.tokens, arguments.max_epochs)
    write_json(arguments.output, constant_mixture(arguments.experiment, arguments.name, arguments.name, mixture))


if __name__ == "__main__":
    command.run(main)
