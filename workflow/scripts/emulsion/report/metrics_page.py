"""What an experiment's runs reached, for people: the generations as text, the table of limits and published results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.report.markup import plain, table

Found = Mapping[str, Any]


def metrics_markdown(found: Found) -> str:
    """`results/{experiment}-metrics.md` from the content of `results/{experiment}-metrics.json`."""
    criteria = [[row["criterion"], f"**{row['verdict']}**", row["evidence"]] for row in found["criteria"]]
    sections = [
        f"# {plain(found['title'])}",
        f"## Limits\n\n{table(['criterion', 'verdict', 'evidence'], criteria)}",
        f"## Runs\n\n{_runs(found['runs'])}",
        _tasks(found["runs"]),
        _published(found),
        "## What is counted\n\n" + "\n".join(f"- **{name}**: {text}." for name, text in found["definitions"].items()),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _runs(runs: Found) -> str:
    heads = ["run", "parameters", "tokens", "perplexity", "coherent", "distinct-2", "repetition", "self-BLEU", "passed"]
    rows = [
        [name, f"{run['parameters']:,}", f"{run['tokens']:,}", f"{run['perplexity']['mixed']:.2f}", *_texts(run)]
        for name, run in runs.items()
    ]
    return table(heads, rows, right=len(heads) - 1)


def _texts(run: Found) -> list[str]:
    texts = run["generations"]
    if not texts["texts"]:
        return ["–"] * 5
    values = (
        texts["coherent"]["share"],
        texts["distinct"]["2"],
        texts["repetition"],
        texts["self_bleu"],
        texts["passed"],
    )
    return ["–" if value is None else f"{value:.3f}" for value in values]


def _tasks(runs: Found) -> str:
    """Zero-shot scores on published tasks; nothing where none were asked."""
    tasks = next(iter(runs.values()))["tasks"]
    if not tasks:
        return ""
    chances = ["–" if task["chance"] is None else f"{task['chance']:.2f}" for task in tasks.values()]
    rows = [[run, *(_score(each["tasks"][name]["acc"]) for name in tasks)] for run, each in runs.items()]
    return "## Published tasks\n\n" + table(["run", *tasks], [*rows, ["chance", *chances]], right=len(tasks))


def _score(found: Found) -> str:
    low, high = found["interval"]
    return f"{found['score']:.3f} [{low:.3f}, {high:.3f}]"


def _published(found: Found) -> str:
    """Ours beside others', a row for each model, with its source."""
    if not found["published"]:
        return ""
    ours = [
        [f"{name} (here)", f"{run['parameters']:,}", f"{run['tokens']:,}", _own(run), "this experiment"]
        for name, run in found["runs"].items()
    ]
    others = [
        [model["name"], f"{model['parameters']:,}", _tokens(model), _list(model["results"]), _source(model)]
        for model in found["published"]["models"]
    ]
    head, rows = ["model", "parameters", "tokens", "results", "source"], ours + others
    return f"## Published results of similar models\n\n{found['published']['caveat']}\n\n{table(head, rows)}"


def _own(run: Found) -> str:
    held_out = {
        f"held-out {source} perplexity": each["perplexity"] for source, each in run["perplexity"]["sources"].items()
    }
    return _list({**held_out, **{name: each["score"] for name, each in run["capabilities"].items()}})


def _list(results: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in results.items())


def _tokens(model: Found) -> str:
    return f"{model['tokens']:,}" if "tokens" in model else "not stated"


def _source(model: Found) -> str:
    return f"[{model['source']}]({model['url']})"


def generations_text(generations: Mapping[str, Sequence[Found]]) -> str:
    """Every generation of every run, {run: rows of its generations.jsonl}, prompt by prompt."""
    parts = []
    for run, records in generations.items():
        parts.append(f"{'=' * 100}\n{run}: {len(records)} generations\n{'=' * 100}")
        parts += [_generation(record) for record in records]
    return "\n\n".join(parts) + "\n"


def _generation(record: Found) -> str:
    verdict = "passed" if record["passed"] else "not passed"
    head = f"--- {record['suite']} / {record['id']} ({record['capability']}), sample {record['sample']}, {verdict}"
    return f"{head}\n{record['prompt']}\n>>>\n{record['text']}"
