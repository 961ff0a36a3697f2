"""Scores per capability: run the suites' items on a model, average, and say how sure the averages are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.evaluation.bootstrap import bootstrap_interval, stratified_interval
from emulsion.evaluation.checks import passes
from emulsion.evaluation.generation import Request, generate, rows_without_token
from emulsion.evaluation.likelihood import choice_scores, encode_questions
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import Item, Suite
from emulsion.seeds import derive_seed

Key = tuple[str, str]  # the names of a suite and an item
Record = dict[str, Any]


def evaluate_suites(
    model: Any, tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings
) -> tuple[dict[str, Any], list[Record]]:
    """The results of `summarise`, and a record of every generation with its verdict."""
    records = generate_answers(model, tokenizer, suites, settings)
    scores = score_choices(model, tokenizer, suites, settings) | score_generations(records)
    return summarise(suites, scores, settings.resamples, settings.seed), records


def score_choices(
    model: Any, tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings
) -> dict[Key, float]:
    """1 where the right choice is likelier per byte than every other, else 0; a tie counts as wrong."""
    asked = [(suite, item) for suite, item in _items(suites) if item.kind == "choice"]
    questions = encode_questions(
        tokenizer,
        [suite.prompt(item) for suite, item in asked],
        [item.choices for _, item in asked],
        model.config.max_position_embeddings,
    )
    given = choice_scores(model, questions, settings.batch)
    return {
        (suite.name, item.id): float(np.flatnonzero(scores == scores.max()).tolist() == [item.answer])
        for (suite, item), scores in zip(asked, given, strict=True)
    }


def generate_answers(model: Any, tokenizer: Any, suites: Sequence[Suite], settings: EvaluationSettings) -> list[Record]:
    """Sample every generation item; a record holds only the new text, which alone is judged."""
    asked = [
        (suite, item, sample)
        for suite, item in _items(suites)
        if item.kind == "generation"
        for sample in range(settings.samples)
    ]
    prompts = [suite.prompt(item) for suite, item, _ in asked]
    encoded = tokenizer(prompts, add_special_tokens=False)["input_ids"] if prompts else []
    requests = [
        Request(tokens, item.max_new_tokens, derive_seed(settings.seed, suite.name, item.id, sample))
        for (suite, item, sample), tokens in zip(asked, encoded, strict=True)
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
    return [_record(*each) for each in zip(asked, prompts, texts, strict=True)]


def score_generations(records: Iterable[Record]) -> dict[Key, float]:
    """The share of an item's samples that passed."""
    passed: dict[Key, list[bool]] = defaultdict(list)
    for record in records:
        passed[record["suite"], record["id"]].append(record["passed"])
    return {key: float(np.mean(each)) for key, each in passed.items()}


def summarise(suites: Sequence[Suite], scores: Mapping[Key, float], resamples: int, seed: int) -> dict[str, Any]:
    """Scores per capability over all suites, per suite, and their unweighted mean over capabilities.

    Intervals are 95 % bootstraps over items; the mean's resamples items within each capability. `chance` is
    the expected score of blind guessing, None where a capability has generated items.
    """
    if len({suite.name for suite in suites}) < len(suites):
        raise UserError("suites: two suites have the same name.")
    pooled = _by_capability(_items(suites))
    strata = [[scores[key] for key in group] for group in pooled.values()]
    interval = stratified_interval(strata, resamples, derive_seed(seed, "bootstrap", "mean"))

    def entries(groups: Mapping[str, Mapping[Key, Item]], *names: str) -> dict[str, Any]:
        return {
            capability: _entry(group, scores, resamples, derive_seed(seed, "bootstrap", *names, capability))
            for capability, group in groups.items()
        }

    return {
        "capabilities": entries(pooled),
        "mean": {"score": float(np.mean([np.mean(each) for each in strata])), "interval": list(interval)},
        "suites": {suite.name: entries(_by_capability(_items([suite])), suite.name) for suite in suites},
        "items": [
            {
                "suite": suite.name,
                "id": item.id,
                "capability": item.capability,
                "score": scores[suite.name, item.id],
            }
            for suite, item in _items(suites)
        ],
    }


def _items(suites: Iterable[Suite]) -> list[tuple[Suite, Item]]:
    return [(suite, item) for suite in suites for item in suite.items]


def _by_capability(items: Iterable[tuple[Suite, Item]]) -> dict[str, dict[Key, Item]]:
    groups: dict[str, dict[Key, Item]] = defaultdict(dict)
    for suite, item in items:
        groups[item.capability][suite.name, item.id] = item
    return dict(groups)


def _entry(group: Mapping[Key, Item], scores: Mapping[Key, float], resamples: int, seed: int) -> dict[str, Any]:
    values = [scores[key] for key in group]
    chances = [item.chance for item in group.values() if item.chance is not None]
    return {
        "score": float(np.mean(values)),
        "interval": list(bootstrap_interval(values, resamples, seed)),
        "items": len(values),
        "chance": float(np.mean(chances)) if len(chances) == len(values) else None,
    }


def _record(asked: tuple[Suite, Item, int], prompt: str, text: str) -> Record:
    suite, item, sample = asked
    return {
        "suite": suite.name,
        "id": item.id,
        "capability": item.capability,
        "prompt": prompt,
        "sample": sample,
        "text": text,
        "passed": all(passes(check, text) for check in item.checks),
    }
