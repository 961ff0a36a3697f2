"""Choose the mixtures that the proxies are trained on."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.methods.baselines import epoch_caps
from emulsion.optimize.design import design
from emulsion.tokens import TokenStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", required=True, nargs="+", help="names of the proxies' mixtures")
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="token stores of the sources")
    parser.add_argument("--bounds", required=True, nargs=2, type=float, help="lowest and highest share of a source")
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--tokens", required=True, type=int, help="budget of the run the optimum is for")
    parser.add_argument("--max-epochs", required=True, type=float, help="how often that run may repeat a source")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    stores = [TokenStore.open(folder) for folder in arguments.stores]
    sizes = {store.source: store.tokens("train") for store in stores}
    caps = epoch_caps(sizes, arguments.tokens, arguments.max_epochs)
    low, high = arguments.bounds
    mixtures = design(len(arguments.names), list(sizes), (low, high), caps, arguments.seed)
    write_json(arguments.output, {name: dict(m) for name, m in zip(arguments.names, mixtures, strict=True)})


if __name__ == "__main__":
    command.run(main)
