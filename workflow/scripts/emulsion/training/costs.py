"""What a run cost, its own part and what it needed before it could begin, counted in tokens.

A cost lists what was needed: swarms, references and graphs (which are swarms), guides, searches and runs whose
trajectory or mixture is taken up. It passes from file to file: a mixture file has that of its mixture, and `run.json`
that of its run. What two of them need is counted once. Held-out text that all runs read alike is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from emulsion.data.tokens import TokenStore
from emulsion.files import read_object
from emulsion.mixture import read_mixture
from emulsion.spec import RunSpec


class Needed(TypedDict):
    """what               such as "swarm small" or "run exp3-aioli"
    runs               trainings, branches among them
    tokens             trained on
    evaluation_tokens  read to observe or to measure; those whose gradients are taken count once
    """

    what: str
    runs: int
    tokens: int
    evaluation_tokens: int


def run_cost(
    tokens: int,
    needed: Sequence[Needed] = (),
    *,
    probe_tokens: int = 0,
    evaluations: int = 0,
    evaluation_tokens: int = 0,
) -> dict[str, Any]:
    """The `cost` of a run.json.

    probe_tokens  of `tokens`, those trained on mixtures that only probe
    evaluations   how often the run was observed, and the tokens read for it
    """
    return {
        "tokens": tokens,
        "probe_tokens": probe_tokens,
        "evaluations": evaluations,
        "evaluation_tokens": evaluation_tokens,
        "needed": list(needed),
        "extra_tokens": sum(each["tokens"] for each in needed),
        "extra_evaluation_tokens": sum(each["evaluation_tokens"] for each in needed),
    }


def together(*lists: Iterable[Needed]) -> list[Needed]:
    """What any of them need, each once."""
    return list({each["what"]: each for needed in lists for each in needed}.values())


def needed_of_mixtures(files: Iterable[Path]) -> list[Needed]:
    """What these mixture files needed."""
    return together(*(read_mixture(file).get("needed", []) for file in files))


def needed_of_swarm(files: Sequence[Path]) -> list[Needed]:
    """A swarm, from what each of its jobs wrote; nothing without files."""
    contents = [read_object(file) for file in files]
    if not contents:
        return []
    rows = [row for content in contents for row in content["runs"]]
    sets = [(each["tokens"], len(each["ends"])) for row in rows for each in row["branches"].values()]
    return [
        Needed(
            what=f"swarm {contents[0]['swarm']}",
            runs=len(rows) + sum(ends for _, ends in sets),
            tokens=sum(row["tokens"] for row in rows) + sum(tokens * ends for tokens, ends in sets),
            evaluation_tokens=sum(content["evaluation_tokens"] for content in contents),
        )
    ]


def needed_of_run(record: Mapping[str, Any]) -> list[Needed]:
    """A run that decided something, and all that it needed itself; record: its run.json."""
    cost = record.get("cost") or run_cost(record["tokens"])
    own = Needed(
        what=f"run {record['experiment']}-{record['mixture']}, seed {record['spec']['seed']}",
        runs=1,
        tokens=cost["tokens"],
        evaluation_tokens=cost["evaluation_tokens"],
    )
    return together(cost["needed"], [own])


def tokens_measured(rows: Sequence[Mapping[str, Any]], spec: RunSpec, stores: Mapping[str, TokenStore]) -> int:
    """Tokens read to measure the runs of a swarm, and its branches."""
    validations = tests = 0
    for row in rows:
        fine = ("sequence_losses" in row) + ("token_losses" in row)
        # Of a step that several things ask for, losses are taken once.
        steps = {each["tokens"] for each in row.get("curve", ())} | {each["after"] for each in row["branches"].values()}
        steps |= set() if row["initial"] is None else {0}
        validations += len(steps) + row["finished"] * (1 + fine)
        tests += row["finished"]
        for branches in row["branches"].values():
            validations += len(branches["ends"])
            tests += sum(end["test"] is not None for end in branches["ends"])
    each = {
        split: sum(min(store.count(split, spec.context), spec.validation_sequences) for store in stores.values())
        for split in ("validation", "test")
    }
    return int(validations * each["validation"] + tests * each["test"]) * spec.context
