"""Ask a trained model the items of downstream tasks, by lm-eval."""

import argparse
import json
from pathlib import Path

from emulsion import command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder in the Hugging Face layout")
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: see emulsion.evaluation.downstream")
    parser.add_argument("--evaluation", type=json.loads, default={}, help="JSON: see emulsion.evaluation.settings")
    parser.add_argument("--threads", type=int, default=1, help="of the processor; they decide the last bits")
    parser.add_argument("--output", type=Path, required=True, help="file to write: scores of each task")
    parser.add_argument("--items", type=Path, required=True, help="file to write: a row for each item")
    arguments = parser.parse_args()

    import torch

    from emulsion.evaluation.downstream import DownstreamSettings, item_records, require_lm_eval, summarise
    from emulsion.evaluation.model import load_model
    from emulsion.evaluation.settings import EvaluationSettings
    from emulsion.files import write_json, write_jsonl

    require_lm_eval()
    from emulsion.evaluation.harness import VERSION, ask

    settings, evaluation = DownstreamSettings.of(arguments.settings), EvaluationSettings.of(arguments.evaluation)
    torch.set_num_threads(arguments.threads)
    model, tokenizer = load_model(arguments.model)
    answers = ask(model, tokenizer, settings, evaluation.seed)
    asked = {"lm_eval": VERSION, "shots": settings.shots, "limit": settings.limit}
    context = {"context": model.config.max_position_embeddings}
    write_jsonl(arguments.items, item_records(answers))
    write_json(arguments.output, {**asked, **context, **summarise(answers, evaluation.resamples, evaluation.seed)})


if __name__ == "__main__":
    command.run(main)
