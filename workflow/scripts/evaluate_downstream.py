"""Ask a trained model the items of downstream tasks, by lm-eval."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json


def main(
    *,
    model: Path,
    settings: Json,
    evaluation: Json = None,
    threads: int = 1,
    output: Path,
    items: Path,
) -> None:
    """
    :param model: folder in the Hugging Face layout
    :param settings: JSON: see emulsion.evaluation.downstream
    :param evaluation: JSON: see emulsion.evaluation.settings
    :param threads: of the processor; they decide the last bits
    :param output: file to write: scores of each task
    :param items: file to write: a row for each item
    """
    import torch

    from emulsion.evaluation.downstream import DownstreamSettings, item_records, require_lm_eval, summarise
    from emulsion.evaluation.model import load_model
    from emulsion.evaluation.settings import EvaluationSettings
    from emulsion.files import write_json, write_jsonl

    require_lm_eval()
    from emulsion.evaluation.harness import VERSION, ask

    chosen, drawn = DownstreamSettings.of(settings), EvaluationSettings.of(evaluation or {})
    torch.set_num_threads(threads)
    loaded, tokenizer = load_model(model)
    answers = ask(loaded, tokenizer, chosen, drawn.seed)
    asked = {"lm_eval": VERSION, "shots": chosen.shots, "limit": chosen.limit}
    context = {"context": loaded.config.max_position_embeddings}
    write_jsonl(items, item_records(answers))
    write_json(output, {**asked, **context, **summarise(answers, drawn.resamples, drawn.seed)})


if __name__ == "__main__":
    command.run(main)
