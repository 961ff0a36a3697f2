"""Find the best mixture from proxy runs: fit surrogates, keep the one that predicts best, search it."""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.data.tokens import TokenStore
from emulsion.files import read_json, write_json
from emulsion.methods.fixed import epoch_caps
from emulsion.methods.optimum import optimise
from emulsion.mixture import constant_mixture
from emulsion.study.experiments import NOT_SEARCHED


def result(run: str, capabilities: Path, perplexity: Path) -> dict[str, Any]:
    """What the optimiser sees of a run: {"run", "capabilities": {name: score}, "losses": {source: nats per token}}."""
    scores, losses = read_json(capabilities)["capabilities"], read_json(perplexity)["sources"]
    return {
        "run": run,
        "capabilities": {name: each["score"] for name, each in scores.items()},
        "losses": {source: each["loss"] for source, each in losses.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--records", required=True, nargs="+", type=Path, help="run.json of each run to learn from")
    parser.add_argument("--capabilities", required=True, nargs="+", type=Path, help="of each run, in the same order")
    parser.add_argument("--perplexity", required=True, nargs="+", type=Path, help="of each run, in the same order")
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="token stores of the sources")
    parser.add_argument("--settings", required=True, type=json.loads, help="the experiment's `optimize`, as JSON")
    parser.add_argument("--tokens", required=True, type=int, help="budget of the run the optimum is for")
    parser.add_argument("--max-epochs", required=True, type=float, help="how often that run may repeat a source")
    parser.add_argument("--output", required=True, type=Path, help="optimal_mix.json")
    parser.add_argument("--mixture", required=True, type=Path, help="mixture file of the optimum")
    arguments = parser.parse_args()

    runs: dict[str, tuple[dict[str, float], dict[str, Any]]] = {}
    for file, capabilities, perplexity in zip(
        arguments.records, arguments.capabilities, arguments.perplexity, strict=True
    ):
        record = read_json(file)
        name = file.parent.name.removeprefix(f"{arguments.experiment}-")
        # A run of the same identity is the same model: it says nothing new.
        runs.setdefault(record["identity"], (record["mixing_ratios"], result(name, capabilities, perplexity)))
    mixtures, results = zip(*runs.values(), strict=True)
    stores = [TokenStore.open(folder) for folder in arguments.stores]
    sizes = {store.source: store.tokens("train") for store in stores}
    caps = epoch_caps(sizes, arguments.tokens, arguments.max_epochs)
    settings = {key: value for key, value in arguments.settings.items() if key not in NOT_SEARCHED}
    record = optimise(mixtures, results, list(sizes), {**settings, "caps": caps})
    for warning in record["warnings"]:
        logging.warning("%s", warning)
    method = f"surrogate: {record['surrogate']}"
    write_json(arguments.mixture, constant_mixture(arguments.experiment, "optimal", method, record["ratios"]))
    write_json(arguments.output, record)


if __name__ == "__main__":
    command.run(main)
