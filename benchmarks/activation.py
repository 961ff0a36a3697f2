"""CPU time of a training step of the demonstration's model: GPT-2's activation kernel by kernel, and in one.

python benchmarks/activation.py    # alternates both in one process, on one thread
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from emulsion.models import model_class, model_config
from emulsion.training.forward import SequenceLosses

MODEL: dict[str, Any] = {"architecture": "gpt2", "hidden_size": 64, "layers": 2, "heads": 4, "intermediate_size": 256}
MODEL |= {"context": 80, "dropout": 0.0}
ROUNDS, STEPS = 12, 25


def training(activation: str) -> Callable[[], None]:
    """A function that takes one step with this activation."""
    config = model_config(MODEL, 512, 0)
    config.activation_function = activation
    model = model_class(MODEL)(config)
    losses, optimizer = SequenceLosses(model), torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    tokens = torch.randint(0, 512, (6, 81))

    def step() -> None:
        losses(tokens).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


if __name__ == "__main__":
    torch.set_num_threads(1)
    steps = {name: training(name) for name in ("gelu_new", "gelu_pytorch_tanh")}
    seconds = dict.fromkeys(steps, 0.0)
    for _ in range(ROUNDS):
        for name, step in steps.items():
            begun = time.process_time()
            for _ in range(STEPS):
                step()
            seconds[name] += time.process_time() - begun
    for name, taken in seconds.items():
        print(f"{name}: {1000 * taken / ROUNDS / STEPS:.1f} ms a step")
    print(f"ratio: {seconds['gelu_pytorch_tanh'] / seconds['gelu_new']:.2f}")
