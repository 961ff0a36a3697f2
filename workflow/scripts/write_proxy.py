"""Write the mixture of one proxy: a point of the optimiser's design."""

import argparse
import re
from pathlib import Path

from emulsion import command
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--name", required=True, help="proxy_{number}")
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
    *_, mixture = design(number_of(arguments.name) + 1, list(sizes), (low, high), caps, arguments.seed)
    write_json(arguments.output, constant_mixture(arguments.experiment, arguments.name, "design", mixture))


if __name__ == "__main__":
    command.run(main)
