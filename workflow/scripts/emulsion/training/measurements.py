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
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "seconds": training.seconds,
        "peak_memory_bytes": peak,
        "device": torch.cuda.get_device_name() if on_gpu else platform.machine(),
        "devices": training.accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "precision": training.accelerator.mixed_precision,
    }
