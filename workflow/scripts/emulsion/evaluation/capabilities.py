"""Scores per capability: ask a model the suites' items and average, each half of a suite by itself."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from emulsion.errors import UserError
from emulsion.evaluation.checks import passes
from emulsion.evaluation.generation import Request, generate, rows_without_token
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.intervals import clustered_interval, mean_interval
from emulsion.evaluation.likelihood import Question, encode_questions, log_likelihoods
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Item, Suite, reply
from emulsion.seeds import derive_seed

log = logging.getLogger(__name__)

Key = tuple[str, str]  # the names of a suite and an item
Record = dict[str, Any]


class Scored(NamedTuple):
    """An item's score, 0 to 1; for choices also how likely the right one is, among all and by itself."""

    score: float
    probability: float | None = None
    bits_per_byte: float | None = None


def evaluate_suites(
    model: Any, tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings
) -> tuple[dict[str, Any], list[Record]]:
    """The results of `summarise`, and a record of every generation with its verdict."""
    records = generate_answers(model, tokenizer, suites, settings)
    scores = score_choices(model, tokenizer, suites, settings) | score_generations(records)
    return summarise(suites, scores, settings.seed, settings.selection), records


def score_choices(
    model: Any, tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings
) -> dict[Key, Scored]:
    """Score 1 where the right choice is likelier per byte than every other, else 0; a tie counts as wrong, and so do
    choices that are the same tokens. Means over chat formats.

    `probability` is that of the right choice given that one of the choices follows, by their whole likelihoods;
    `bits_per_byte` what the right choice costs, lower being better. Both vary less with the seed than the score does.
    """
    asked = encode_choices(tokenizer, suites, settings, model.config.max_position_embeddings)
    given = log_likelihoods(model, [question for *_, question in asked], settings.batch)
    scored: dict[Key, list[Scored]] = defaultdict(list)
    for (suite, item, question), totals in zip(asked, given, strict=True):
        scored[suite.name, item.id].append(_chosen(question, totals, item.answer))
    return {key: Scored(*(float(np.mean(part)) for part in zip(*each, strict=True))) for key, each in scored.items()}


def encode_choices(
    tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings, context: int
) -> list[tuple[Suite, Item, Question]]:
    """The items with choices, in each format, as tokens; those that no model can get right are named in the log.

    Raises UserError for a choice that does not fit in a context of `context` tokens.
    """
    asked = [(suite, item, text) for suite, item, _, text in _prompts(suites, settings, "choice")]
    questions = encode_questions(
        tokenizer,
        [text for _, _, text in asked],
        [item.choices for _, item, _ in asked],
        context,
        [f"suite '{suite.name}': item '{item.id}'" for suite, item, _ in asked],
    )
    found = [(suite, item, question) for (suite, item, _), question in zip(asked, questions, strict=True)]
    alike = dict.fromkeys((suite.name, item.id) for suite, item, question in found if _is_alike(question, item.answer))
    for suite, item in alike:
        log.warning("suite '%s': item '%s': its right choice and a wrong one are the same tokens: 0.", suite, item)
    return found


def _is_alike(question: Question, answer: int | None) -> bool:
    """Whether a wrong choice is the same tokens as the right one: by bytes, the longer one would win whatever is asked.

    So it is with a tokenizer that lower-cases, or has one token for all words that it does not know.
    """
    return answer is not None and question.continuations.count(question.continuations[answer]) > 1


def _chosen(question: Question, totals: np.ndarray, answer: int | None) -> Scored:
    per_byte = totals / np.array(question.sizes)
    best = np.flatnonzero(per_byte == per_byte.max()).tolist() == [answer]
    right = float(best and not _is_alike(question, answer))
    shares = np.exp(totals - totals.max())
    return Scored(right, float(shares[answer] / shares.sum()), float(-per_byte[answer] / math.log(2)))


def generate_answers(model: Any, tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings) -> list[Record]:
    """Sample every generation item; a record holds only the new text, up to a next turn, which alone is judged."""
    asked = [
        (suite, item, form, text, sample)
        for suite, item, form, text in _prompts(suites, settings, "generation")
        for sample in range(settings.samples)
    ]
    prompts = [text for *_, text, _ in asked]
    encoded = tokenizer(prompts, add_special_tokens=False)["input_ids"] if prompts else []
    requests = [
        Request(
            tokens, item.max_new_tokens, derive_seed(settings.seed, suite.name, item.id, *filter(None, [form]), sample)
        )
        for (suite, item, form, _, sample), tokens in zip(asked, encoded, strict=True)
    ]
    answers = generate(
        model,
        requests,
        temperature=settings.temperature,
        end=tokenizer.eos_token_id,
        batch=settings.batch,
        context=model.config.max_position_embeddings,
        unused=rows_without_token(model, tokenizer),
    )
    texts = [tokenizer.decode(tokens, skip_special_tokens=True) for tokens in answers]
    return [_record(*each, text) for each, text in zip(asked, texts, strict=True)]


def _prompts(
    suites: Iterable[Suite], settings: EvaluationSettings, kind: str
) -> Iterator[tuple[Suite, Item, str, str]]:
    """(suite, item, format, text) of every item of a kind, in each format."""
    for suite, item in _items(suites):
        if item.kind == kind:
            for form, text in suite.prompts(item, settings.formats).items():
                yield suite, item, form, text


def score_generations(records: Iterable[Record]) -> dict[Key, Scored]:
    """The share of an item's samples, in all formats, that passed."""
    passed: dict[Key, list[bool]] = defaultdict(list)
    for record in records:
        passed[record["suite"], record["id"]].append(record["passed"])
    return {key: Scored(float(np.mean(each))) for key, each in passed.items()}


def summarise(
    suites: Sequence[Suite], scores: Mapping[Key, Scored], seed: int = 0, selection: bool = True
) -> dict[str, Any]:
    """Scores per capability over all suites, per suite, and their unweighted mean over capabilities.

    All of the test half; `selection` holds the same, without `suites`, of the selection half, None without it. `seed`
    decides the halves. Intervals (95 %) know items and topics. `chance` is the expected score of blind guessing,
    None where a capability has generated items.
    """
    if len({suite.name for suite in suites}) < len(suites):
        raise UserError("suites: two suites have the same name.")
    chosen = {(suite.name, item) for suite in suites for item in (selection_half(suite, seed) if selection else ())}
    halves: tuple[list[tuple[Suite, Item]], ...] = ([], [])
    for suite, item in _items(suites):
        halves[(suite.name, item.id) in chosen].append((suite, item))
    judged, choosing = halves
    by_suite = {suite.name: [pair for pair in judged if pair[0] is suite] for suite in suites}
    return {
        **_half(judged, scores),
        "suites": {name: _entries(pairs, scores) for name, pairs in by_suite.items()},
        "selection": _half(choosing, scores) if selection else None,
    }


def _half(items: Sequence[tuple[Suite, Item]], scores: Mapping[Key, Scored]) -> dict[str, Any]:
    entries = _entries(items, scores)
    return {
        "capabilities": entries,
        "mean": _mean_entry(entries),
        "items": [_written(suite, item, scores[suite.name, item.id]) for suite, item in items],
    }


def _mean_entry(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """The unweighted mean over capabilities; None without any."""
    means = [(entry["score"], tuple(entry["interval"])) for entry in entries.values()]
    if not means:
        return None
    return {"score": float(np.mean([score for score, _ in means])), "interval": list(mean_interval(means))}


def _written(suite: Suite, item: Item, scored: Scored) -> dict[str, Any]:
    head = {"suite": suite.name, "id": item.id, "capability": item.capability, "kind": item.kind}
    return {**head, "topic": item.cluster, **scored._asdict()}


def _entries(items: Iterable[tuple[Suite, Item]], scores: Mapping[Key, Scored]) -> dict[str, Any]:
    """{capability: its entry}, in the order of the items."""
    groups: dict[str, list[tuple[Suite, Item]]] = defaultdict(list)
    for suite, item in items:
        groups[item.capability].append((suite, item))
    return {capability: _entry(group, scores) for capability, group in groups.items()}


def _entry(group: Sequence[tuple[Suite, Item]], scores: Mapping[Key, Scored]) -> dict[str, Any]:
    scored = [scores[suite.name, item.id] for suite, item in group]
    clusters = [(suite.name, item.cluster) for suite, item in group]
    values = [each.score for each in scored]
    chances = [item.chance for _, item in group if item.chance is not None]
    return {
        "score": float(np.mean(values)),
        "interval": list(clustered_interval(values, clusters)),
        "probability": _mean([each.probability for each in scored]),
        "bits_per_byte": _mean([each.bits_per_byte for each in scored]),
        "items": len(values),
        "topics": len(set(clusters)),
        "chance": float(np.mean(chances)) if len(chances) == len(values) else None,
    }


def _items(suites: Iterable[Suite]) -> list[tuple[Suite, Item]]:
    return [(suite, item) for suite in suites for item in suite.items]


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is not None; None where nothing is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _record(suite: Suite, item: Item, form: str, prompt: str, sample: int, text: str) -> Record:
    answer = reply(text, form)
    return {
        "suite": suite.name,
        "id": item.id,
        "capability": item.capability,
        "format": form or None,
        "prompt": prompt,
        "sample": sample,
        "text": answer,
        "passed": bool(answer.strip()) and all(passes(check, answer) for check in item.checks),
    }
