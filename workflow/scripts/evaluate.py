"""Evaluate a trained model: test loss per source, capability suites, and the texts it wrote for them."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some


def main(
    *,
    model: Path,
    stores: Some[Path],
    suites: Sequence[Path] = (),
    settings: Json = None,
    threads: int = 1,
    perplexity: Path,
    capabilities: Path,
    generations: Path,
) -> None:
    """
    :param model: folder in the Hugging Face layout
    :param stores: token stores, one per source
    :param suites: capability suites, if any
    :param settings: JSON: see emulsion.evaluation.settings
    :param threads: of the processor; they decide the last bits
    :param perplexity: file to write
    :param capabilities: file to write
    :param generations: file to write
    """
    import torch

    from emulsion.evaluation.model import evaluate_model
    from emulsion.evaluation.settings import EvaluationSettings
    from emulsion.evaluation.suites import load_suites
    from emulsion.files import sha256, write_json, write_jsonl

    chosen, loaded = EvaluationSettings.of(settings or {}), load_suites(suites)
    torch.set_num_threads(threads)
    losses, results, records = evaluate_model(model, stores, loaded, chosen)
    write_json(perplexity, losses)
    write_jsonl(generations, records)
    write_json(capabilities, {**results, "generations_sha256": sha256(generations)})


if __name__ == "__main__":
    command.run(main)
