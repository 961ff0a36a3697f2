"""Where does the noise between seeds come from: initial weights, data, or rounding? A mixture trained again and again.

    python benchmarks/seed_noise.py --study FOLDER [--mixture equal_mix] [--runs 9]

FOLDER is a checkout in which `make demo` has ended. One thing at a time differs from run to run: the initial weights;
the order within sources, which also decides the documents that are read; both, as seeds do; or neither, with initial
weights that are other ones in the sixth digit. Prints each run's scores as it ends, then a Markdown table of their
standard deviation between runs: of the mean score, each capability and the mean test loss (nats). Half a minute of one
core a run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import torch

from emulsion.data.batches import train_sizes
from emulsion.evaluation.model import evaluate_model
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import load_suites
from emulsion.files import read_object
from emulsion.plan import SequencePlan
from emulsion.schedule import Schedule
from emulsion.seeds import derive_seed
from emulsion.spec import RunSpec
from emulsion.training.finish import finish
from emulsion.training.inputs import RunInputs
from emulsion.training.loop import Training
from emulsion.training.runtime import Runtime, make_deterministic

ROUNDING = 1e-6  # relative change of initial weights
HEAD = ("experiment", "mixture", "identity", "spec", "schedule", "tokenizer", "cost")  # how a run's record begins
# The seeds of initial weights, of data, and of a change of the sixth digit in the n-th run; 0: no change.
CASES: dict[str, Callable[[int], tuple[int, int, int]]] = {
    "rounding alone": lambda n: (0, 0, n),
    "initial weights": lambda n: (n, 0, 0),
    "data": lambda n: (0, n, 0),
    "both": lambda n: (n, n, 0),
}


def trained(study: Path, mixture: str, weights: int, data: int, rounding: int) -> dict[str, float]:
    """{"mean", each capability: score, "test_loss"} of one run of the mixture."""
    record = read_object(study / f"models/exp3-{mixture}/run.json")
    tokenizer, stores = study / "data/tokenizers/demo", sorted((study / "data/tokens/demo").iterdir())
    spec = replace(RunSpec.from_json(record["spec"]), validations=1)
    inputs = RunInputs.open(stores, tokenizer, spec, None)

    def build() -> torch.nn.Module:
        torch.manual_seed(derive_seed(weights, "initialisation", bits=63))
        model = inputs.model(spec.model)
        if rounding:
            noise = torch.Generator().manual_seed(rounding)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.mul_(1 + ROUNDING * torch.randn(parameter.shape, generator=noise))
        return model

    schedule = Schedule.from_json(record["schedule"], spec.sequences)
    plan = SequencePlan(train_sizes(inputs.stores, spec.context), schedule, data)
    runtime = Runtime(micro_batch=spec.batch_sequences, checkpoint_seconds=1e9, quiet=True)
    suites = load_suites([study / "data/suites/world.json"])
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch, "model")
        training = Training(spec, plan, inputs.stores, build, Path(scratch, "states"), record["identity"], runtime)
        training.run()
        finish(training, inputs, {name: record[name] for name in HEAD}, tokenizer, model)
        losses, results, _ = evaluate_model(model, stores, suites, EvaluationSettings(resamples=1))
    scores = {name: float(each["score"]) for name, each in results["capabilities"].items()}
    loss = np.mean([each["loss"] for each in losses["sources"].values()])
    return {"mean": float(np.mean(list(scores.values()))), **scores, "test_loss": float(loss)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, required=True)
    parser.add_argument("--mixture", default="equal_mix")
    parser.add_argument("--runs", type=int, default=9, help="of each case")
    options = parser.parse_args()
    make_deterministic(1)
    found: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    for n in range(1, options.runs + 1):
        for case, seeds in CASES.items():
            scores = trained(options.study, options.mixture, *seeds(n))
            found[case].append(scores)
            values = " ".join(f"{name} {value:.4f}" for name, value in scores.items())
            print(f"{case}: {values}", file=sys.stderr, flush=True)
    names = list(found["both"][0])
    print(f"| what differs | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}")
    for case, each in found.items():
        spread = [np.std([scores[name] for scores in each], ddof=1) for name in names]
        print(f"| {case} | {' | '.join(f'{sd:.4f}' for sd in spread)} |")


if __name__ == "__main__":
    main()
