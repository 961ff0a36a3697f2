"""The run spec: all that decides the result of a training, and nothing that cannot change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.fields import SHARE, TEXT, WEIGHT, WHOLE, Form, checked, is_number
from emulsion.files import fingerprint
from emulsion.models import ARCHITECTURES

DECAYS = ("cosine", "linear")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")

_SIZES = ("hidden_size", "layers", "heads", "intermediate_size", "context")
FORMS: Mapping[str, Form] = {
    "recipe": ("a whole number", lambda value: is_number(value) and value == int(value)),
    "model": (
        f"a model with an architecture and {', '.join(_SIZES)} as whole numbers",
        lambda value: (
            isinstance(value, Mapping)
            and value.get("architecture") in ARCHITECTURES
            and all(WHOLE[1](value.get(size)) for size in _SIZES)
        ),
    ),
    "tokens": WHOLE,
    "batch_tokens": WHOLE,
    "learning_rate": WEIGHT,
    "final_learning_rate": WEIGHT,
    "warmup": SHARE,
    "weight_decay": WEIGHT,
    "betas": (
        "two numbers from 0 to below 1",
        lambda value: (
            isinstance(value, list | tuple) and len(value) == 2 and all(WEIGHT[1](each) and each < 1 for each in value)
        ),
    ),
    "epsilon": WEIGHT,
    "clip": WEIGHT,
    "validations": ("a whole number, 0 or more", lambda value: value == 0 or WHOLE[1](value)),
    "validation_sequences": WHOLE,
    "precision": TEXT,
    "seed": ("a whole number", lambda value: is_number(value) and value == int(value)),
    "decay": TEXT,
    "part": ("a number above 0, up to 1", lambda value: SHARE[1](value) and value > 0),
}


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """A training without its mixture, token stores and initial weights, which are files.

    recipe         meaning of the training step; bumped by hand when it changes
    model          architecture and sizes, see `emulsion.models`
    tokens         budget: predicted tokens, at most (whole batches only)
    batch_tokens   tokens of one optimiser step, at most (whole sequences only)
    learning_rate  peak, reached after `warmup` x steps, then falling to `final_learning_rate`
    clip           largest norm of the gradient
    validations    how many times, evenly spread, the loss on each source is taken
    validation_sequences  of each source, at most, each time
    precision      auto (bf16 where the device has it, else fp32), fp32, bf16, fp16
    decay          how the learning rate falls: cosine or linear
    part           share of each source's training sequences that it reads, the same ones in every run
    """

    recipe: int
    model: Mapping[str, Any]
    tokens: int
    batch_tokens: int
    learning_rate: float
    final_learning_rate: float
    warmup: float
    weight_decay: float
    betas: tuple[float, float]
    epsilon: float
    clip: float
    validations: int
    validation_sequences: int
    precision: str
    seed: int
    decay: str = "cosine"
    part: float = 1.0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunSpec:
        """Raises UserError where a key is missing, unknown or of another form, or the budget is less than one batch."""
        needed = [field.name for field in fields(cls) if field.default is MISSING]
        given = checked(values, FORMS, needed, "run spec")
        spec = cls(**{**given, "betas": tuple(given["betas"])})
        for key, allowed in (("decay", DECAYS), ("precision", PRECISIONS)):
            if (chosen := getattr(spec, key)) not in allowed:
                raise unknown(key, chosen, allowed, "run spec")
        if spec.batch_sequences < 1:
            raise UserError(f"run spec: batch_tokens {spec.batch_tokens} is less than one sequence of {spec.context}.")
        if spec.steps < 1:
            raise UserError(f"run spec: tokens {spec.tokens} is less than one batch of {spec.batch_tokens} tokens.")
        return spec

    @property
    def context(self) -> int:
        return int(self.model["context"])

    @property
    def batch_sequences(self) -> int:
        return self.batch_tokens // self.context

    @property
    def steps(self) -> int:
        return self.tokens // (self.batch_sequences * self.context) if self.batch_sequences else 0

    @property
    def sequences(self) -> int:
        return self.steps * self.batch_sequences

    @property
    def realised_tokens(self) -> int:
        return self.sequences * self.context

    def branch(self, after: int, tokens: int) -> tuple[int, int]:
        """(start, end): steps after which a branch, given in tokens, leaves and ends; at least one step apart.

        A branch of all tokens that are left ends with the run. Raises UserError where none are left.
        """
        step_tokens = self.batch_sequences * self.context
        start, length = (max(1, round(each / step_tokens)) for each in (after, tokens))
        if start >= self.steps:
            raise UserError(
                f"after: {after:,} tokens are step {start} of {self.steps}; branches have to leave before the last "
                "step."
            )
        to_the_end = after + tokens >= self.realised_tokens
        return start, self.steps if to_the_end else min(start + length, self.steps)

    def validation_steps(self) -> frozenset[int]:
        """The steps after which validation losses are taken; the last step is one, unless there are none."""
        count = min(self.validations, self.steps)
        return frozenset(round(self.steps * (number + 1) / count) for number in range(count))


def run_identity(
    spec: Mapping[str, Any], mixture: Mapping[str, Any], stores: Mapping[str, Any], weights: str | None = None
) -> str:
    """The fingerprint of a run: its spec, its schedule and the content of its token stores.

    weights: the hash of the weights it starts from, None where they are random.
    """
    initial = {} if weights is None else {"weights": weights}
    return fingerprint({"spec": spec, "schedule": mixture["schedule"], "stores": stores, **initial})
