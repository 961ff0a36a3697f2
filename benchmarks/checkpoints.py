"""What it costs that a run can be trusted to go on: checked and synced checkpoints, and compared tokens.

    python benchmarks/checkpoints.py [--model tiny] [--steps 100] [--saves 20]

Trains a few steps, on one thread, on made-up tokens of the size of the model's run in config.yaml; then saves and loads
checkpoints of that state, and reads the token stores as a job does once. Prints Markdown: medians, and their share of
the time between two checkpoints, and of a whole run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from training import SOURCES, run_spec, write_stores

from emulsion.data.batches import train_sizes
from emulsion.data.tokens import SPLITS, TokenStore
from emulsion.files import sha256
from emulsion.mixture import Mixture
from emulsion.models import build_model, vocabulary_size
from emulsion.plan import SequencePlan
from emulsion.training import checkpoint
from emulsion.training.loop import Training
from emulsion.training.runtime import Runtime

VOCABULARY = 2048
RUN_TOKENS = 900_000


def median_seconds(do: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        do()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--saves", type=int, default=20)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    spec, micro_batch = run_spec(asked.model, asked.steps, "fp32")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # on a disk, not in memory
        folder = Path(name)
        write_stores(folder, VOCABULARY, RUN_TOKENS)
        stores = {source: TokenStore.open(folder / source) for source in SOURCES}
        plan = SequencePlan(train_sizes(stores, spec.context), Mixture({"alpha": 3, "beta": 1}), spec.seed)
        vocabulary = vocabulary_size(spec.model, VOCABULARY)
        runtime = Runtime(micro_batch=micro_batch, checkpoint_seconds=1e9, quiet=True)
        told = (folder / "run", "run", runtime)
        training = Training(spec, plan, stores, lambda: build_model(spec.model, vocabulary, 0), *told)
        training.run()
        training.step //= 2  # a step that has a next batch
        step = training.seconds / spec.steps
        run_steps = RUN_TOKENS // (spec.batch_sequences * spec.context)

        def save() -> None:
            training._save()

        def load() -> None:
            checkpoint.load(training.folder, "run", spec.steps, training.model, training.optimizer)

        saving, loading = median_seconds(save, asked.saves), median_seconds(load, asked.saves)
        receipt = median_seconds(training.receipt, asked.saves)
        files = [store.folder / f"{split}.bin" for store in stores.values() for split in SPLITS]
        size = sum(file.stat().st_size for file in files)
        comparing = median_seconds(lambda: [sha256(file) for file in files], 5)
    whole, between = run_steps * step, Runtime(micro_batch=1).checkpoint_seconds
    saves = int(whole // between)
    share = (saves * saving + comparing) / whole
    rows = [
        ("a step", f"{1000 * step:.1f} ms", ""),
        ("a checkpoint, saved", f"{1000 * saving:.0f} ms", f"{saving / between:.3%} of the {between:g} s between two"),
        ("of it, the receipt", f"{1000 * receipt:.1f} ms", ""),
        ("a checkpoint, loaded and compared", f"{1000 * loading:.0f} ms", "once a job"),
        ("token stores, compared", f"{1000 * comparing:.1f} ms", f"{size / comparing / 1e6:.0f} MB/s, once a job"),
        (
            "a run",
            f"{whole:.0f} s",
            f"{share:.3%} of it for {saves} checkpoints and the stores",
        ),
    ]
    print(f"{asked.model}, {sum(p.numel() for p in training.model.parameters()):,} parameters\n")
    print("| what | time | share |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
