"""Online mixing methods and a fixed mixture in real training: speed, cost of observing, test loss; prints Markdown.

    python benchmarks/methods.py                                        # `tiny`, or `pythia-160m` on a GPU
    python benchmarks/methods.py --methods aioli --seeds 0 1 --tokens 16_000_000

Two sources of text that every installation has: Python files and C++ headers of the installed packages. Every method
has its default settings. The fixed run mixes both alike; DoReMi's reference is that run, and Skill-It's graph is made
up, as only its cost is of interest here: the run each of them needs first is not in the table. Times leave out the
start of a run and all compiling; without a GPU they are CPU time, so tokens/s are per CPU second.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import sysconfig
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from emulsion.data.tokenizers import train_bpe
from emulsion.data.tokens import write_store
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training import rounds as rounds_module
from emulsion.training.evidence import Reference
from emulsion.training.gradients import gradient_alignments
from emulsion.training.inputs import RunInputs
from emulsion.training.loop import Training
from emulsion.training.online_run import OnlineRun
from emulsion.training.rounds import Rounds
from emulsion.training.runtime import Runtime, make_deterministic
from emulsion.training.validation import held_out_losses

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("aioli", "doge", "doremi", "odm", "ado", "skillit")
SOURCES = {"headers": ("*.h", "*.hpp", "*.cuh"), "python": ("*.py",)}
GRAPH = {"headers": {"headers": 0.10, "python": 0.02}, "python": {"headers": 0.01, "python": 0.08}}
LONGEST = 100_000  # characters of a file
TEST_SEQUENCES = 256
WARM_UP = 3  # steps
# Sizes of the paper that compares the methods (Chen et al., 2411.05735): 8 sequences of 2,048 tokens a step.
Usual = dict[str, Any]
GPU: Usual = {"model": "pythia-160m", "training": "full", "tokens": 16_000_000, "batch": 8, "vocabulary": 16_384}
CPU: Usual = {"model": "tiny", "training": "demo", "tokens": 600_000, "batch": 13, "vocabulary": 512}
CHANGES: dict[str, dict[str, float]] = {"full": {"learning_rate": 6.0e-4, "final_learning_rate": 6.0e-5}, "demo": {}}


def clock() -> float:
    """Seconds: on a GPU by the wall, else of CPU time, which other work on the machine leaves alone."""
    return time.perf_counter() if torch.cuda.is_available() else time.process_time()


@dataclass
class Clock:
    """Seconds spent inside functions, and how often they were called, by name."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    calls: Counter[str] = field(default_factory=Counter)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = clock()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[name] += clock() - started
                self.calls[name] += 1

        return call


@dataclass(frozen=True)
class Measured:
    """One run: seconds in all and by part, calls by part, share of steps in probes, and the mean test loss."""

    seconds: float
    parts: defaultdict[str, float]
    calls: Counter[str]
    probes: float
    test: float
    weights: dict[str, float]


def installed(patterns: tuple[str, ...], megabytes: float) -> Iterator[tuple[str, str]]:
    """(name, text) of files of installed packages, in an order that their names decide, up to a size."""
    root = Path(sysconfig.get_path("purelib"))
    found = {file.relative_to(root).as_posix(): file for pattern in patterns for file in root.rglob(pattern)}
    left = megabytes * 1e6
    for name in sorted(found, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        text = found[name].read_text(encoding="utf-8", errors="replace")[:LONGEST]
        left -= len(text)
        if left < 0:
            return
        if text.strip():
            yield name, text


def prepare(folder: Path, megabytes: float, vocabulary: int) -> tuple[list[Path], Path]:
    """Token stores of the sources, and their tokenizer."""
    texts = {source: list(installed(patterns, megabytes)) for source, patterns in SOURCES.items()}
    tokenizer = folder / "tokenizer"
    train_bpe((text for rows in texts.values() for _, text in rows[:500]), vocabulary, tokenizer)
    for source, rows in texts.items():
        pieces = (rows[start : start + 512] for start in range(0, len(rows), 512))
        batches = (([name for name, _ in piece], [text for _, text in piece]) for piece in pieces)
        provenance = {"source": source, "kind": "installed packages", "licence": "unstated"}
        write_store(folder / source, batches, tokenizer, 0.05, provenance)
    return [folder / source for source in SOURCES], tokenizer


@dataclass(frozen=True)
class Bench:
    """What all runs share."""

    parts: RunInputs
    spec: dict[str, Any]
    runtime: Runtime
    folder: Path

    def training(self, seed: int, steps: int | None = None) -> Training:
        """A run on both sources alike."""
        values = {**self.spec, "seed": seed}
        spec = RunSpec.from_json(values)
        plan = self.parts.plan(spec, Schedule.constant(Mixture.uniform(list(self.parts.stores))))
        folder = self.folder / f"fixed-{seed}-{steps}"
        return Training(spec, plan, self.parts.stores, lambda: self.parts.model(spec.model), folder, "", self.runtime)

    def warm_up(self) -> None:
        """Everything is compiled, and all memory held, before anything is timed."""
        training = self.training(0)
        training.run(WARM_UP, save=False)
        training.validate()
        self.test(training)
        gradient_alignments(training)

    def test(self, training: Training) -> float:
        told = ("test", training.spec.context, TEST_SEQUENCES, self.runtime.micro_batch)
        with training.accelerator.autocast():
            return float(np.mean(list(held_out_losses(training.losses.evaluate, training.stores, *told).values())))

    def fixed(self, seed: int) -> tuple[Measured, dict[str, float]]:
        """The run on both sources alike, and its validation losses."""
        training, started = self.training(seed), clock()
        training.run()
        seconds = clock() - started
        mixture = dict(Mixture.uniform(list(self.parts.stores)))
        return Measured(seconds, defaultdict(float), Counter(), 0.0, self.test(training), mixture), training.validate()

    def online(self, kind: str, seed: int, reference: dict[str, float]) -> Measured:
        """The run on a method with its default settings."""
        settings = {"graph": GRAPH} if kind == "skillit" else {}
        run = OnlineRun(
            method={"kind": kind, **settings},
            evidence=Evidence(),
            sources=list(self.parts.stores),
            spec={**self.spec, "seed": seed},
            reference=Reference(losses=reference),
        )
        rounds = run.rounds(self.parts, self.folder / f"{kind}-{seed}", self.runtime)
        spent, training, method = Clock(), rounds.training, rounds.method
        with (
            patch.object(training, "validate", spent.timed("evaluations", training.validate)),
            patch.object(method, "update", spent.timed("deciding", method.update)),
            patch.object(rounds_module, "gradient_alignments", spent.timed("gradients", gradient_alignments)),
        ):
            started = clock()
            rounds.run()
            seconds = clock() - started
        return Measured(seconds, spent.seconds, spent.calls, probes(rounds), self.test(training), rounds.decided[-1])


def probes(rounds: Rounds) -> float:
    """The share of a run's steps that probes take."""
    taken = sum(stretch.end - stretch.start for stretch in rounds.stretches if stretch.probe is not None)
    return taken / rounds.training.spec.steps


def row(name: str, runs: list[Measured], fixed: list[Measured], spec: RunSpec) -> str:
    """A line of the table: means over seeds."""
    seconds = float(np.mean([run.seconds for run in runs]))
    usual = float(np.mean([run.seconds for run in fixed]))
    step = usual / spec.steps
    names = ("evaluations", "gradients", "deciding")
    parts = {name: float(np.mean([run.parts[name] for run in runs])) for name in names}
    observed = float(np.mean([run.calls["evaluations"] + run.calls["gradients"] for run in runs]))
    each = (parts["evaluations"] + parts["gradients"]) / observed / step if observed else 0.0
    # What is not training, as a share of the training: the rest is the same steps as those of the fixed run.
    training = seconds - sum(parts.values())
    cells = [
        f"{spec.realised_tokens / seconds:,.0f}",
        f"{usual / seconds:.3f}",
        *(f"{part / training:.1%}" for part in parts.values()),
        f"{sum(parts.values()) / training:.1%}",
        f"{observed:.0f}",
        f"{each:.2f}",
        f"{runs[0].probes:.1%}",
        " ".join(f"{run.test:.4f}" for run in runs),
        " ".join(f"{run.weights['python']:.3f}" for run in runs),
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def report(bench: Bench, methods: list[str], seeds: list[int], once: list[str]) -> Iterator[str]:
    """Train with every method in turn, and yield the lines of the report; once: methods of the first seed alone."""
    spec = RunSpec.from_json({**bench.spec, "seed": 0})
    sizes = ", ".join(f"{source} {store.tokens('train'):,}" for source, store in bench.parts.stores.items())
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU thread"
    yield (
        f"{spec.realised_tokens:,} tokens in {spec.steps} steps of {spec.batch_sequences} x {spec.context}; losses on "
        f"{spec.validation_sequences} sequences of each source; train tokens: {sizes}; {device}, torch "
        f"{torch.__version__}."
    )
    columns = "evaluations | gradients | deciding | overhead | observations | one, in steps | steps in probes"
    yield f"\n| method | tokens/s | of fixed | {columns} | mean test loss | last share of python |\n|" + "---|" * 12
    bench.warm_up()
    fixed, references = [], {}
    for seed in seeds:
        run, references[seed] = bench.fixed(seed)
        fixed.append(run)
    yield row("fixed", fixed, fixed, spec)
    for kind in methods:
        chosen = seeds[:1] if kind in once else seeds
        yield row(kind, [bench.online(kind, seed, references[seed]) for seed in chosen], fixed, spec)


def main() -> None:
    usual = GPU if torch.cuda.is_available() else CPU
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=METHODS, help="online methods")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--once", nargs="*", default=[], choices=METHODS, help="of these, with one seed only")
    parser.add_argument("--tokens", type=int, default=usual["tokens"], help="of a run")
    parser.add_argument("--batch", type=int, default=usual["batch"], help="sequences of a step")
    parser.add_argument("--validation-sequences", type=int, default=16, help="of each source, at every observation")
    parser.add_argument("--megabytes", type=float, default=None, help="of text of a source, at most")
    arguments = parser.parse_args()
    make_deterministic(1)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    model, settings = config["models"][usual["model"]], {**config["training"][usual["training"]]}
    settings.pop("micro_batch")
    spec = {
        **settings,
        **CHANGES[usual["training"]],
        "recipe": 0,
        "model": model,
        "tokens": arguments.tokens,
        "batch_tokens": arguments.batch * model["context"],
        "validations": 0,
        "validation_sequences": arguments.validation_sequences,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stores, tokenizer = prepare(folder, arguments.megabytes or 4 * arguments.tokens / 1e6, usual["vocabulary"])
        parts = RunInputs.open(stores, tokenizer, RunSpec.from_json({**spec, "seed": 0}), None)
        at_once = max(arguments.batch, arguments.validation_sequences)
        runtime = Runtime(micro_batch=at_once, checkpoint_seconds=1e9, quiet=True, compiled=torch.cuda.is_available())
        for line in report(Bench(parts, spec, runtime, folder), arguments.methods, arguments.seeds, arguments.once):
            print(line, flush=True)


if __name__ == "__main__":
    main()
