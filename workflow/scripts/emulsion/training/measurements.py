"""What a training takes: size, time, memory, device."""

from __future__ import annotations

import platform
import resource
from typing import Any

import torch

from emulsion.training.loop import Training


def measurements(training: Training) -> dict[str, Any]:
    """Of a run as far as it got."""
    on_gpu = training.accelerator.device.type == "cuda"
    return {
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "seconds": training.seconds,
        "peak_memory_bytes": peak_memory_bytes(),
        "device": torch.cuda.get_device_name() if on_gpu else platform.machine(),
        "devices": training.accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "precision": training.accelerator.mixed_precision,
    }


def peak_memory_bytes() -> int:
    """The most memory that this process held: of the GPU where it used one, else its own."""
    of_gpu: int = torch.cuda.max_memory_allocated()
    return of_gpu or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
