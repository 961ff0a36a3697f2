"""Find the best mixture as the requirements first put it: differential evolution, a small training per evaluation.

Every training is kept by its mixture under --cache, so that a search cut off goes on where it was.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.data.tokens import TokenStore
from emulsion.files import fingerprint, read_json, write_json
from emulsion.methods.fixed import epoch_caps
from emulsion.methods.objective import Objective
from emulsion.methods.optimum import optimise_directly
from emulsion.mixture import Mixture, constant_mixture
from emulsion.study.experiments import NOT_SEARCHED
from emulsion.training.options import training_options


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, parents=[training_options()])
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--suites", required=True, nargs="+", type=Path, help="capability suites")
    parser.add_argument("--evaluation", required=True, type=json.loads, help="evaluation settings, as JSON")
    parser.add_argument("--settings", required=True, type=json.loads, help="the experiment's `optimize`, as JSON")
    parser.add_argument("--tokens", required=True, type=int, help="budget of the run the optimum is for")
    parser.add_argument("--max-epochs", required=True, type=float, help="how often that run may repeat a source")
    parser.add_argument("--cache", required=True, type=Path, help="folder of the trainings")
    parser.add_argument("--output", required=True, type=Path, help="optimal_mix.json")
    parser.add_argument("--mixture", required=True, type=Path, help="mixture file of the optimum")
    return parser.parse_args()


def train_and_evaluate(mixture: Mixture, arguments: argparse.Namespace) -> dict[str, Any]:
    """{"run", "capabilities", "losses"} of one proxy; read from the cache where it was trained before."""
    from emulsion.evaluation.model import evaluate_model
    from emulsion.evaluation.settings import EvaluationSettings
    from emulsion.evaluation.suites import load_suites
    from emulsion.training.run import train_run
    from emulsion.training.runtime import Runtime

    folder = arguments.cache / fingerprint([arguments.spec, arguments.evaluation, dict(mixture)])
    if (folder / "result.json").exists():
        return dict(read_json(folder / "result.json"))
    write_json(folder / "mixture.json", constant_mixture(arguments.experiment, folder.name, "direct", mixture))
    train_run(
        mixture_file=folder / "mixture.json",
        store_folders=arguments.stores,
        tokenizer=arguments.tokenizer,
        spec_values=arguments.spec,
        output=folder / "model",
        checkpoints=folder / "checkpoints",
        runtime=Runtime(micro_batch=arguments.micro_batch),
        weights=arguments.weights,
    )
    settings, suites = EvaluationSettings.of(arguments.evaluation), load_suites(arguments.suites)
    losses, results, _ = evaluate_model(folder / "model", arguments.stores, suites, settings)
    found = {
        "run": folder.name,
        "capabilities": {name: each["score"] for name, each in results["capabilities"].items()},
        "losses": {source: each["loss"] for source, each in losses["sources"].items()},
    }
    write_json(folder / "result.json", found)
    return found


def main() -> None:
    arguments = parse()
    import torch

    torch.set_num_threads(arguments.threads)
    sizes = {store.source: store.tokens("train") for store in map(TokenStore.open, arguments.stores)}
    search = {key: value for key, value in arguments.settings.items() if key not in NOT_SEARCHED}
    settings = {
        **search,
        "caps": epoch_caps(sizes, arguments.tokens, arguments.max_epochs),
        "evaluations": arguments.settings["proxies"],
    }

    def score(mixture: Mixture) -> float:
        found = train_and_evaluate(mixture, arguments)
        value = Objective.of(settings["objective"], [found]).score(found)
        logging.info("%s: %.4f", mixture, value)
        return value

    record = optimise_directly(score, list(sizes), settings)
    write_json(arguments.mixture, constant_mixture(arguments.experiment, "optimal", "direct", record["ratios"]))
    write_json(arguments.output, record)


if __name__ == "__main__":
    command.run(main)
