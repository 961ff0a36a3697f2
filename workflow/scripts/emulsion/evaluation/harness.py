"""Downstream tasks asked by lm-eval: its prompts, its scoring of every choice and its verdicts.

Only tasks that compare or score given texts are taken: a task that writes needs a model that can. Their metrics are
lm-eval's own. For others it would import Hugging Face's package `evaluate`, which a script in the folder of this
project's `evaluate.py` would not get.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import lm_eval
from jinja2 import UndefinedError
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from emulsion.errors import UserError, unknown
from emulsion.evaluation.downstream import METRICS, Answer, DownstreamSettings, Pair, TaskAnswers, token_counts
from emulsion.files import read_jsonl, sha256

VERSION: str = lm_eval.__version__

# Why an item is not asked: lm-eval would stop there.
TOO_LONG = "a choice is longer than the model's context"
NO_TOKEN = "a choice has no token of its own"

log = logging.getLogger(__name__)


def ask(model: Any, tokenizer: Any, settings: DownstreamSettings, seed: int) -> list[TaskAnswers]:
    """Every task's answers, in the order of the settings; `seed` draws the examples of few-shot prompts.

    Contexts are cut from the left, as are those of the capability suites, and no token is put in front of them, as in
    training. The first `limit` items that can be asked are. Raises UserError for a task that there is not, that writes,
    whose items cannot be read, or of which none can be asked.
    """
    datasets.disable_progress_bars()
    # A warning for each context that is cut; they are counted instead.
    logging.getLogger("lm_eval.models.huggingface").setLevel(logging.ERROR)
    context = model.config.max_position_embeddings
    tasks = load_tasks(settings)
    asked, left_out = {}, {}
    for name, task in tasks.items():
        task.set_config(key="num_fewshot", value=settings.shots)
        task.set_fewshot_seed(seed=seed)
        asked[name], left_out[name] = _choose(task, tokenizer, context, settings.limit)
        log.info("%s: %d items, left out %s", name, len(asked[name]), left_out[name])
    scorer = HFLM(
        pretrained=model,
        tokenizer=tokenizer,
        backend="causal",
        batch_size=settings.batch,
        max_length=context,
        add_bos_token=False,
    )
    # No standard errors: lm-eval would resample in as many processes as there are processors.
    found = lm_eval.evaluate(scorer, {"tasks": tasks}, samples=asked, bootstrap_iters=0, log_samples=True)
    answers = {name: [_answer(sample) for sample in found["samples"][name]] for name in tasks}
    return [
        TaskAnswers(
            task=name,
            version=found["versions"][name],
            data=_data(settings, name, task),
            multiple_choice=task.OUTPUT_TYPE == "multiple_choice",
            answers=answers[name],
            left_out=left_out[name],
            cut=sum(_is_cut(tokenizer, answer.pairs, context) for answer in answers[name]),
        )
        for name, task in tasks.items()
    ]


def load_tasks(settings: DownstreamSettings) -> dict[str, Any]:
    """name -> lm-eval's task, its items those of `{task}.jsonl` where the folder has one."""
    manager = _manager(settings)
    for name in settings.tasks:
        if name not in manager.all_subtasks:
            raise unknown("task", name, manager.all_subtasks, "downstream.tasks")
    return {name: _load(manager, settings, name) for name in settings.tasks}


def items_file(settings: DownstreamSettings, task: str) -> Path | None:
    """The file with a task's items, None where they come from the hub or from a definition of the user's own."""
    file = settings.task_files / f"{task}.jsonl" if settings.task_files else None
    return file if file and file.exists() else None


def _manager(settings: DownstreamSettings) -> Any:
    folder = None if settings.task_files is None else str(settings.task_files)
    if folder:
        own = TaskManager(include_path=folder, include_defaults=False)
        if set(settings.tasks) <= set(own.all_subtasks):
            return own  # spares a quarter of a minute of reading lm-eval's thousands of definitions
    return TaskManager(include_path=folder)


def _load(manager: Any, settings: DownstreamSettings, name: str) -> Any:
    file = items_file(settings, name)
    overrides = _local_items(file) if file else {}
    try:
        # A member of a group keeps all of its definition that is not overridden.
        task = manager.load([{"group": "downstream", "task": [{"task": name, **overrides}]}])["tasks"][name]
    except OSError as error:
        raise UserError(
            f"downstream.tasks: '{name}': {error}. Without the hub, put its items into {name}.jsonl in a folder, and "
            "name that under downstream.task_files."
        ) from error
    except (UndefinedError, KeyError, TypeError, ValueError) as error:
        if file is None:
            raise
        raise UserError(f"{file}: lm-eval's task '{name}' cannot read these items: {error!r}.") from error
    if task.OUTPUT_TYPE not in ("multiple_choice", "loglikelihood") or "acc" not in task.aggregation():
        raise UserError(
            f"downstream.tasks: '{name}' is a task of kind {task.OUTPUT_TYPE}; only tasks that compare given answers, "
            "and report the share of right ones as acc, are asked."
        )
    return task


def _local_items(file: Path) -> dict[str, Any]:
    """What of a task's definition to override so that its items, and the examples of its prompts, are of this file."""
    rows = read_jsonl(file)
    if not rows:
        raise UserError(f"{file}: no items.")
    for number, row in enumerate(rows, start=1):
        if row.keys() != rows[0].keys():
            raise UserError(f"{file}:{number}: columns {sorted(row)}, but the first row has {sorted(rows[0])}.")
    return {
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {"test": str(file)}},
        "training_split": None,
        "validation_split": None,
        "test_split": "test",
        "fewshot_split": "test",  # lm-eval leaves out the item itself where it draws examples from the same split
    }


def _choose(task: Any, tokenizer: Any, context: int, limit: int | None) -> tuple[list[int], dict[str, int]]:
    """The indices of the first `limit` items that can be asked, and how many before them cannot, by reason."""
    reasons: Counter[str] = Counter()

    def fitting() -> Iterator[int]:
        for index, doc in enumerate(task.eval_docs):
            reason = _obstacle(tokenizer, _pairs(task, doc), context)
            if reason is None:
                yield index
            else:
                reasons[reason] += 1

    chosen = list(islice(fitting(), limit))
    if not chosen:
        raise UserError(f"downstream.tasks: '{task.task_name}': no item can be asked: {dict(reasons)}.")
    return chosen, dict(reasons)


def _pairs(task: Any, doc: Mapping[str, Any]) -> list[Pair]:
    """What lm-eval scores of an item, without examples in front, which do not change the continuations."""
    made = task.construct_requests(doc, task.fewshot_context(doc, 0), metadata=(task.task_name, 0, 1))
    return [request.args for request in (made if isinstance(made, list) else [made])]


def _obstacle(tokenizer: Any, pairs: list[Pair], context: int) -> str | None:
    lengths = [continuation for _, continuation in token_counts(tokenizer, pairs)]
    if max(lengths) > context:
        return TOO_LONG
    return NO_TOKEN if min(lengths) < 1 else None


def _is_cut(tokenizer: Any, pairs: tuple[Pair, ...], context: int) -> bool:
    """Whether any choice of an item and its context are too long together; the last token is not read."""
    return max(total for total, _ in token_counts(tokenizer, pairs)) > context + 1


def _answer(sample: Mapping[str, Any]) -> Answer:
    return Answer(
        item=int(sample["doc_id"]),
        pairs=tuple((context, text) for context, text in sample["arguments"]),
        log_likelihoods=tuple(float(nats) for nats, _ in sample["filtered_resps"]),
        metrics={name: float(sample[name]) for name in METRICS if name in sample},
    )


def _data(settings: DownstreamSettings, name: str, task: Any) -> str:
    file = items_file(settings, name)
    if file:
        return f"{file.name}, sha256 {sha256(file)}"
    return " ".join(str(part) for part in (task.DATASET_PATH, task.DATASET_NAME) if part)
