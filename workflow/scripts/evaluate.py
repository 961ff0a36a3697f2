"""Evaluate a trained model: test loss per source, capability suites, and the texts it wrote for them."""

import argparse
import json
from pathlib import Path

from emulsion import command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder in the Hugging Face layout")
    parser.add_argument("--stores", type=Path, nargs="+", required=True, help="token stores, one per source")
    parser.add_argument("--suites", type=Path, nargs="+", required=True, help="capability suites")
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON: see emulsion.evaluation.settings")
    parser.add_argument("--threads", type=int, default=1, help="of the processor; they decide the last bits")
    for name in ("perplexity", "capabilities", "generations"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()

    import torch

    from emulsion.evaluation.model import evaluate_model
    from emulsion.evaluation.settings import EvaluationSettings
    from emulsion.evaluation.suites import load_suites
    from emulsion.files import write_json, write_jsonl

    settings, suites = EvaluationSettings.of(arguments.settings), load_suites(arguments.suites)
    torch.set_num_threads(arguments.threads)
    losses, results, records = evaluate_model(arguments.model, arguments.stores, suites, settings)
    write_json(arguments.perplexity, losses)
    write_json(arguments.capabilities, results)
    write_jsonl(arguments.generations, records)


if __name__ == "__main__":
    command.run(main)
