"""Our training loop beside Hugging Face's `Trainer`: same model, tokens, order, optimiser settings; prints Markdown.

    python benchmarks/training.py [--model tiny ...] [--steps 100] [--micro-batch N] [--rounds 2]

Without a GPU: fp32 on one thread, the model `tiny`. With one: bf16, `pythia-160m` and `gpt2-500M`, with model FLOP
utilisation and memory; nanoGPT's loop (the whole model compiled, nothing logged) on the same model; and Trainer once
more with its usual settings (fp16, gradient checkpointing). `--loops` chooses among them. Models
and optimiser settings are those of config.yaml, the tokens are made up. Every run is a process of its own, the loops
take turns, and of several rounds the one with the least CPU time a step counts (on a GPU: the fastest).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from data_path import ROOT, Result, fresh, peak_megabytes, seconds

from emulsion.data.batches import read_batch, spread_rows, train_sizes
from emulsion.data.tokens import FORMAT, StoreWriter, TokenStore
from emulsion.files import write_json
from emulsion.mixture import Mixture
from emulsion.models import build_model, flops_per_token, vocabulary_size
from emulsion.plan import SequencePlan
from emulsion.seeds import derive_seed
from emulsion.spec import RunSpec

SOURCES = ("alpha", "beta")
PEAK_TFLOPS = {"H200": 989.5, "H100 NVL": 835.5, "H100 PCIe": 756.5, "H100": 989.5, "A100": 312.0, "L40S": 362.0}
WARM_UP = 5  # steps that are not timed, nor is the last one, after which our loop takes validation losses
DOCUMENT = 1000  # tokens


@dataclass(frozen=True)
class Loop:
    """A loop to measure: whose it is, and its settings."""

    name: str
    whose: str
    precision: str = "fp32"
    checkpointing: bool = False
    deterministic: bool = False
    compiled: bool = False


CPU_LOOPS = [Loop("Emulsion", "ours", deterministic=True), Loop("Trainer", "trainer")]
GPU_LOOPS = [
    Loop("Emulsion", "ours", "bf16", deterministic=True, compiled=True),
    Loop("Emulsion, any algorithm", "ours", "bf16", compiled=True),
    Loop("Emulsion, not compiled", "ours", "bf16", deterministic=True),
    Loop("nanoGPT's loop", "nanogpt", "bf16", compiled=True),
    Loop("Trainer, bf16", "trainer", "bf16"),
    Loop("Trainer, usual settings", "trainer", "fp16", checkpointing=True),
]


def run_spec(model: str, steps: int, precision: str) -> tuple[RunSpec, int]:
    """The spec of a run of `steps` steps with the settings of config.yaml, and its micro-batch."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    if model not in config["models"]:
        sys.exit(f"--model: '{model}' is not one of {', '.join(config['models'])}.")
    settings = dict(config["training"]["demo" if model == "tiny" else "full"])
    micro_batch = settings.pop("micro_batch")
    changes = {"validations": 1, "validation_sequences": 32, "precision": precision, "seed": 0, "recipe": 0}
    tokens = steps * settings["batch_tokens"]
    return RunSpec.from_json({**settings, **changes, "model": config["models"][model], "tokens": tokens}), micro_batch


def write_stores(folder: Path, vocabulary: int, tokens: int) -> Result:
    """Made-up token stores: frequencies by Zipf's law, and half of the tokens follow from the one before."""

    def encode(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([int(text) for text in texts])
        flat = np.minimum(rng.zipf(1.2, len(texts) * DOCUMENT), vocabulary - 1).astype(np.int64)
        follows = np.flatnonzero(rng.random(len(flat) // 2) < 0.5) * 2 + 1
        flat[follows] = (flat[follows - 1] * 7 + 3) % vocabulary
        return flat.astype(np.uint32), np.full(len(texts), DOCUMENT)

    documents = max(500, 2 * tokens // DOCUMENT)
    for number, source in enumerate(SOURCES):
        target = folder / source
        target.mkdir(parents=True)
        writer = StoreWriter(target, encode, vocab_size=vocabulary, end_of_text=0, held_out=0.1)
        names = [str(number * documents + index) for index in range(documents)]
        body = writer.write(
            (names[start : start + 500], names[start : start + 500]) for start in range(0, documents, 500)
        )
        origin = {"source": source, "provenance": {"source": source, "kind": "made up"}}
        header = {"format": FORMAT, **origin, "tokenizer": "none", "vocab_size": vocabulary, **body}
        write_json(target / "header.json", header)
    return {}


def train(loop: Loop, folder: Path, model: str, steps: int, micro_batch: int | None, launched: float) -> Result:
    """One training, from the launch of its process to its last step."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    spec, usual = run_spec(model, steps, loop.precision)
    on_gpu = torch.cuda.is_available()
    torch.set_num_threads(torch.get_num_threads() if on_gpu else 1)
    torch.use_deterministic_algorithms(loop.deterministic, warn_only=not on_gpu)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    stores = {source: TokenStore.open(folder / source) for source in SOURCES}
    plan = SequencePlan(train_sizes(stores, spec.context), Mixture({"alpha": 3, "beta": 1}), spec.seed)
    run = {"ours": _ours, "nanogpt": _nanogpt, "trainer": _trainer}[loop.whose]
    times, loss = run(loop, spec, plan, stores, micro_batch or usual, folder)
    first, last, count = times[WARM_UP], times[-2], len(times) - 2 - WARM_UP
    return {
        "start": times[0]["clock"] - launched,
        "start_cpu": times[0]["cpu"],
        "step_cpu": (last["cpu"] - first["cpu"]) / count,
        "speed": count * spec.batch_sequences * spec.context / (last["wall"] - first["wall"]),
        "whole_cpu": last["cpu"],
        "loss": loss,
        "peak": peak_megabytes(),
        "gpu": torch.cuda.get_device_name() if on_gpu else None,
        "gpu_memory": torch.cuda.max_memory_allocated() / 1e9 if on_gpu else 0.0,
    }


def _ours(
    loop: Loop, spec: RunSpec, plan: SequencePlan, stores: dict[str, TokenStore], micro_batch: int, folder: Path
) -> tuple[list[dict[str, float]], float]:
    from emulsion.training.loop import Training
    from emulsion.training.runtime import Runtime

    times: list[dict[str, float]] = []

    class Timed(Training):
        def _train_step(self) -> None:
            super()._train_step()
            times.append({**seconds(), "clock": time.time()})

    vocabulary = vocabulary_size(spec.model, stores["alpha"].header["vocab_size"])
    runtime = Runtime(micro_batch=micro_batch, checkpoint_seconds=1e9, compiled=loop.compiled)
    output = Path(tempfile.mkdtemp(dir=folder))
    training = Timed(spec, plan, stores, lambda: build_model(spec.model, vocabulary, 0), output, "", runtime)
    training.run()
    return times, float(np.mean(list(training.log.rows[-1]["validation"].values())))


def _nanogpt(
    loop: Loop, spec: RunSpec, plan: SequencePlan, stores: dict[str, TokenStore], micro_batch: int, folder: Path
) -> tuple[list[dict[str, float]], float]:
    """The loop of nanoGPT's `train.py`: tokens pinned and copied ahead, the whole model compiled with its loss."""
    import torch
    from torch.nn.functional import cross_entropy

    from emulsion.losses import sequence_losses
    from emulsion.training.adamw import build_optimizer, learning_rate

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokens = read_batch(plan, stores, spec.context, 0, spec.sequences)
    pieces = iter(np.split(tokens, range(micro_batch, len(tokens), micro_batch)))
    torch.manual_seed(derive_seed(spec.seed, "initialisation", bits=63))
    model = build_model(spec.model, vocabulary_size(spec.model, stores["alpha"].header["vocab_size"]), 0).to(device)
    optimizer = build_optimizer(model, spec)

    def loss_of(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return cross_entropy(model(input_ids=inputs).logits.flatten(0, 1), targets.flatten())

    def following() -> list[torch.Tensor]:
        piece = torch.from_numpy(next(pieces, tokens[:micro_batch]))
        parts = [piece[:, :-1].contiguous(), piece[:, 1:].contiguous()]
        return [part.pin_memory().to(device, non_blocking=True) if device == "cuda" else part for part in parts]

    compiled = torch.compile(loss_of) if loop.compiled else loss_of
    autocast = torch.autocast(device, torch.bfloat16, enabled=loop.precision == "bf16")
    accumulated, times, ready = -(-spec.batch_sequences // micro_batch), [], following()
    for step in range(spec.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, spec)
        for _ in range(accumulated):
            with autocast:
                loss = compiled(*ready) / accumulated
            ready = following()
            loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), spec.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append({**seconds(), "clock": time.time()})
    with autocast:
        losses = [_held_out(sequence_losses, model, store, spec, micro_batch) for store in stores.values()]
    return times, float(np.mean(losses))


def _held_out(losses: Any, model: Any, store: TokenStore, spec: RunSpec, micro_batch: int) -> float:
    """The mean loss of a source's validation sequences that our own loop takes."""
    places = spread_rows(store.count("validation", spec.context), spec.validation_sequences)
    return float(losses(model, store.read("validation", places, spec.context), micro_batch).mean())


def _trainer(
    loop: Loop, spec: RunSpec, plan: SequencePlan, stores: dict[str, TokenStore], micro_batch: int, folder: Path
) -> tuple[list[dict[str, float]], float]:
    """Trainer's own optimiser with our settings and schedule, on our sequences in our order, read beforehand."""
    import torch
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    from emulsion.losses import sequence_losses
    from emulsion.training.adamw import learning_rate

    times: list[dict[str, float]] = []

    class Watch(TrainerCallback):  # type: ignore[misc]  # transformers has no types here
        def on_step_end(self, *_: Any, **__: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.current_stream().synchronize()
            times.append({**seconds(), "clock": time.time()})

    class Scheduled(Trainer):  # type: ignore[misc]
        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            rate = torch.optim.lr_scheduler.LambdaLR
            self.lr_scheduler = rate(
                optimizer or self.optimizer, lambda step: learning_rate(step, spec) / spec.learning_rate
            )
            return self.lr_scheduler

    tokens = torch.from_numpy(read_batch(plan, stores, spec.context, 0, spec.sequences))
    rows = [{"input_ids": row[:-1], "labels": row[1:], "shift_labels": row[1:]} for row in tokens]
    torch.manual_seed(derive_seed(spec.seed, "initialisation", bits=63))
    model = build_model(spec.model, vocabulary_size(spec.model, stores["alpha"].header["vocab_size"]), 0)
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(dir=folder),
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=-(-spec.batch_sequences // micro_batch),
        max_steps=spec.steps,
        learning_rate=spec.learning_rate,
        weight_decay=spec.weight_decay,
        adam_beta1=spec.betas[0],
        adam_beta2=spec.betas[1],
        adam_epsilon=spec.epsilon,
        max_grad_norm=spec.clip,
        bf16=loop.precision == "bf16",
        fp16=loop.precision == "fp16",
        activation_checkpointing=loop.checkpointing,
        use_cpu=not torch.cuda.is_available(),
        train_sampling_strategy="sequential",
        remove_unused_columns=False,
        logging_steps=100,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = Scheduled(model=model, args=arguments, train_dataset=rows, callbacks=[Watch()])
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    with trainer.accelerator.autocast():
        losses = [_held_out(sequence_losses, model, store, spec, micro_batch) for store in stores.values()]
    return times, float(np.mean(losses))


def report(models: list[str], loops: list[Loop], steps: int, micro_batch: int | None, rounds: int) -> Iterator[str]:
    """Train with every loop in turn, and yield the lines of the report."""
    for model in models:
        spec, usual = run_spec(model, steps, "fp32")
        vocabulary = vocabulary_size(spec.model, 512)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_stores(folder, vocabulary, spec.tokens)
            shared = (folder, model, steps, micro_batch)
            tries = [{loop: fresh(train, loop, *shared, time.time()) for loop in loops} for _ in range(rounds)]
        shape = f"{spec.steps} steps of {spec.batch_sequences} x {spec.context} tokens, {micro_batch or usual} at once"
        columns = "start-up s | start-up CPU-s | whole run CPU-s | final loss | peak MB | GPU GB | MFU"
        yield f"\n{model}: {shape}.\n\n| loop | tokens/s | CPU ms a step | {columns} |"
        yield "|---|---|---|---|---|---|---|---|---|---|"
        for loop in loops:
            ours = [results[loop] for results in tries]
            best = min(ours, key=lambda result: -result["speed"] if result["gpu"] else result["step_cpu"])
            peak = next((value for part, value in PEAK_TFLOPS.items() if part in (best["gpu"] or "")), None)
            used = best["speed"] * flops_per_token(spec.model, vocabulary) / (peak * 1e12) if peak else None
            times = [f"{best['speed']:,.0f}", f"{1e3 * best['step_cpu']:.2f}", f"{best['start']:.1f}"]
            cpu = [f"{best['start_cpu']:.1f}", f"{best['whole_cpu']:.1f}", f"{best['loss']:.6f}", f"{best['peak']:.0f}"]
            gpu = [f"{best['gpu_memory']:.1f}" if best["gpu"] else "", f"{used:.1%}" if used else ""]
            yield "| " + " | ".join([loop.name, *times, *cpu, *gpu]) + " |"


def main() -> None:
    from torch.cuda import is_available

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", help="models of config.yaml")
    parser.add_argument("--steps", type=int, default=None, help="100, or 40 on a GPU")
    parser.add_argument("--micro-batch", type=int, default=None, help="sequences at once; that of config.yaml")
    parser.add_argument("--rounds", type=int, default=2)
    loops, usual = (GPU_LOOPS, 40) if is_available() else (CPU_LOOPS, 100)
    parser.add_argument("--loops", nargs="+", choices=[loop.name for loop in loops], help="names of loops; all of them")
    arguments = parser.parse_args()
    models = arguments.model or (["pythia-160m", "gpt2-500M"] if is_available() else ["tiny"])
    steps = usual if arguments.steps is None else arguments.steps
    if steps < WARM_UP + 3:
        parser.error(f"--steps: {steps} leave none to be timed; it takes {WARM_UP + 3} or more.")
    loops = [loop for loop in loops if not arguments.loops or loop.name in arguments.loops]
    for line in report(models, loops, steps, arguments.micro_batch, arguments.rounds):
        print(line, flush=True)


if __name__ == "__main__":
    main()
