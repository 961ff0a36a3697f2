"""Downstream tasks: which are asked, and what is reported of the answers that lm-eval judged.

What asks lm-eval is `emulsion.evaluation.harness`; nothing here needs it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError, unknown
from emulsion.evaluation.bootstrap import bootstrap_interval, stratified_interval
from emulsion.evaluation.likelihood import encode_questions, log_likelihoods
from emulsion.seeds import derive_seed

# Of what lm-eval measures, the shares of items answered rightly: by likelihood, and by likelihood per character.
METRICS = ("acc", "acc_norm")

Pair = tuple[str, str]  # a context and a continuation


@dataclass(frozen=True, kw_only=True)
class DownstreamSettings:
    """Which tasks are asked, and how."""

    tasks: tuple[str, ...]
    task_files: Path | None = None  # folder of {task}.jsonl with items, and of task definitions; None for the hub
    limit: int | None = None  # items of each task, None for all
    shots: int = 0  # solved examples in front of each item
    batch: int = 8  # sequences at once, each with the logits of all its tokens

    def __post_init__(self) -> None:
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise UserError(f"downstream.tasks: {list(self.tasks)} is not a list of different tasks.")
        for name, least in (("limit", 2), ("shots", 0), ("batch", 1)):
            value = getattr(self, name)
            if name == "limit" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UserError(f"downstream.{name}: {value!r} is not a whole number of {least} or more.")
        if self.task_files is not None and not self.task_files.is_dir():
            raise UserError(f"downstream.task_files: {self.task_files}: no such folder.")

    @classmethod
    def of(cls, raw: Any) -> DownstreamSettings:
        """The settings in a mapping; raises UserError for an unknown key or a value out of range."""
        if not isinstance(raw, Mapping) or not isinstance(raw.get("tasks"), list):
            raise UserError(f"downstream: {raw!r} is not a mapping of settings with a list of tasks.")
        names = [each.name for each in fields(cls)]
        for key in raw:
            if key not in names:
                raise unknown("setting", str(key), names, "downstream")
        folder = raw.get("task_files")
        return cls(**{**raw, "tasks": tuple(raw["tasks"]), "task_files": Path(folder) if folder else None})


@dataclass(frozen=True)
class Answer:
    """lm-eval's verdict on one item: what it scored, in nats, and each metric's value."""

    item: int  # index in the split that lm-eval asks
    pairs: tuple[Pair, ...]
    log_likelihoods: tuple[float, ...]
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class TaskAnswers:
    """A task as it was asked."""

    task: str
    version: Any  # lm-eval's, of the prompt and the metrics
    data: str  # where the items come from
    multiple_choice: bool  # else the one continuation must be what the model would write
    answers: Sequence[Answer]
    left_out: Mapping[str, int] = field(default_factory=dict)  # reason -> items that were not asked
    cut: int = 0  # items whose context lost its beginning to fit

    @property
    def chance(self) -> float | None:
        """The expected score of a blind guess; None where there is none to compute."""
        if not self.multiple_choice:
            return None
        return float(np.mean([1 / len(answer.pairs) for answer in self.answers]))


def require_lm_eval() -> None:
    """Raise UserError where lm-eval, which is optional, is not installed."""
    if importlib.util.find_spec("lm_eval") is None:
        raise UserError("lm-eval is not installed; `pip install lm-eval==0.4.13` or run with `--sdm conda`.")


def token_counts(tokenizer: Any, pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """(tokens in all, tokens of the continuation) of each pair, split where lm-eval splits it.

    That is behind as many tokens as the context has alone, without the white space at its end. One token stands for an
    empty context.
    """
    if not pairs:
        return []
    wholes = tokenizer([context + text for context, text in pairs], add_special_tokens=False)["input_ids"]
    bodies = tokenizer([context.rstrip() for context, _ in pairs], add_special_tokens=False)["input_ids"]
    return [(len(whole) + (not body), len(whole) - len(body)) for whole, body in zip(wholes, bodies, strict=True)]


def differences(model: Any, tokenizer: Any, answers: Sequence[Answer], batch: int) -> tuple[NDArray[np.float64], int]:
    """How far lm-eval's log-likelihoods are from this library's own [pairs], nats; how many pairs are not comparable.

    Each pair is a question of its own: choices of one question share a context that is cut for the longest of them,
    where lm-eval cuts for each. Not comparable are continuations that merge with the last letters of their context,
    which this library charges to them and lm-eval does not.
    """
    pairs = [pair for answer in answers for pair in answer.pairs]
    theirs = np.array([nats for answer in answers for nats in answer.log_likelihoods])
    contexts, continuations = [context for context, _ in pairs], [[text] for _, text in pairs]
    questions = encode_questions(tokenizer, contexts, continuations, model.config.max_position_embeddings)
    ours = np.concatenate(log_likelihoods(model, questions, batch))
    split = [length for _, length in token_counts(tokenizer, pairs)]
    alike = np.array([len(question.continuations[0]) for question in questions]) == split
    return np.abs(ours - theirs)[alike], int((~alike).sum())


def summarise(tasks: Sequence[TaskAnswers], resamples: int, seed: int) -> dict[str, Any]:
    """Scores of each task, and the unweighted mean of `acc` over tasks.

    Intervals are 95 % bootstraps over items, the mean's within each task; `stderr` is the standard error of the mean
    as lm-eval gives it.
    """
    strata = [[answer.metrics["acc"] for answer in task.answers] for task in tasks]
    interval = stratified_interval(strata, resamples, derive_seed(seed, "downstream", "mean"))
    return {
        "mean": {"score": float(np.mean([np.mean(each) for each in strata])), "interval": list(interval)},
        "tasks": {task.task: _entry(task, resamples, seed) for task in tasks},
    }


def item_records(tasks: Sequence[TaskAnswers]) -> Iterator[dict[str, Any]]:
    """A row for each item: its metrics, and the log-likelihood of each choice in nats."""
    for task in tasks:
        for answer in task.answers:
            row = {"task": task.task, "item": answer.item}
            yield {**row, **answer.metrics, "log_likelihoods": list(answer.log_likelihoods)}


def _entry(task: TaskAnswers, resamples: int, seed: int) -> dict[str, Any]:
    named = [name for name in METRICS if name in task.answers[0].metrics]
    entry = {
        "version": task.version,
        "data": task.data,
        "items": len(task.answers),
        "left_out": dict(task.left_out),
        "cut": task.cut,
        "chance": task.chance,
    }
    for name in named:
        values = np.array([answer.metrics[name] for answer in task.answers])
        entry[name] = {
            "score": float(values.mean()),
            "stderr": float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None,
            "interval": list(bootstrap_interval(values, resamples, derive_seed(seed, "downstream", task.task, name))),
        }
    return entry
