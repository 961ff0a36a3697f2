"""How much main memory a job asks for, in MB, by the size of its model."""

from __future__ import annotations

from emulsion.models import parameter_count
from emulsion.study.budget import vocabulary_of
from emulsion.study.experiment import Experiment
from emulsion.study.mixture_table import Size

# Python, torch and, on a GPU, its driver's part of main memory; data are mapped and take what is free.
TRAINING_MB, EVALUATION_MB = 8000, 4000
FITTING_MB = 4000
# While they start, each of up to eight processes of a node builds the model (4 bytes of a parameter); the first one
# gathers weights and both moments for a checkpoint (12). On a processor weights, gradients and moments, 16, take less.
TRAINING_BYTES = 8 * 4 + 12
EVALUATION_BYTES = 2 * 4  # as it is read, and in place


def of_training(experiment: Experiment, size: Size, attempt: int = 1) -> int:
    """For the n-th try of a job that trains: half as much again at each, for the last may have been killed for it."""
    return round(_mb(experiment, size, TRAINING_MB, TRAINING_BYTES) * (1 + attempt) / 2)


def of_evaluation(experiment: Experiment, size: Size) -> int:
    """For a job that asks a model of this size."""
    return round(_mb(experiment, size, EVALUATION_MB, EVALUATION_BYTES))


def of_fitting(experiment: Experiment) -> int:
    """For a job that fits laws to a swarm: of three runs for each of m sources some m^3 / 60 MB were taken."""
    return round(FITTING_MB + len(experiment.sources) ** 3 / 50)


def _mb(experiment: Experiment, size: Size, fixed: int, each: int) -> float:
    spec = experiment.spec_of(size)
    return fixed + each * parameter_count(spec["model"], vocabulary_of(experiment, spec)) / 1e6
