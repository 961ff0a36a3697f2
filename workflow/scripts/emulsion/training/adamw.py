"""AdamW with no decay on norms and biases; warm-up, then a cosine or a straight line."""

from __future__ import annotations

import math

import torch

from emulsion.spec import RunSpec


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and embeddings decay; vectors (norms, biases) do not."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def build_optimizer(model: torch.nn.Module, spec: RunSpec) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        parameter_groups(model, spec.weight_decay),
        lr=spec.learning_rate,
        betas=(float(spec.betas[0]), float(spec.betas[1])),  # a 0 of YAML is no float
        eps=spec.epsilon,
        fused=True,
    )


def learning_rate(step: int, spec: RunSpec) -> float:
    """The rate of optimiser step `step`, counted from 0."""
    warmup_steps = round(spec.warmup * spec.steps)
    if step < warmup_steps:
        return spec.learning_rate * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, spec.steps - warmup_steps)
    left = 1 - progress if spec.decay == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return spec.final_learning_rate + (spec.learning_rate - spec.final_learning_rate) * left
