"""The plan of an experiment, for people: what it costs, what it can detect, what it repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.power import in_print
from emulsion.data.held_out import too_small as too_small_splits
from emulsion.data.lost import loss_text, removal_text
from emulsion.study.account import PARAMETERS, SEARCHED, SWARMS
from emulsion.study.budget import STAGES, over_budget

# Of a training that runs: those that stay and the next one, each of the weights and Adam's two moments.
CHECKPOINTS = 3


def plan_text(
    experiment: str,
    plan: Mapping[str, Any],
    headers: Sequence[Mapping[str, Any]],
    accounts: Mapping[str, Mapping[str, Any]],
    context: int,
) -> str:
    """Markdown. `plan` is made by `experiment_plan.plan_of`; headers: of the token stores, none before they are made.

    accounts: {source: the account of its rows}, of those that are there; context: the longest of the models.
    """
    sizes = {header["source"]: header["splits"]["train"]["tokens"] for header in headers}
    power = [power_text(effects) for effects in plan["effects"]]
    power += [plan["few_points"]] if plan["few_points"] else []
    parts = [f"# Plan of {experiment}", cost_table(plan), *checkpoints_text(plan), *budget_verdict(plan), *power]
    return "\n\n".join([*parts, epochs_text(plan, sizes), *data_text(headers, accounts, context)]) + "\n"


def data_text(
    headers: Sequence[Mapping[str, Any]], accounts: Mapping[str, Mapping[str, Any]], context: int
) -> list[str]:
    """The splits that are too small, and the rows that were lost or that cleaning removed, source by source."""
    problems = [f"- {problem}" for problem in too_small_splits(headers, context)]
    if headers and not problems:
        problems = [f"Every split of every source has a sequence of {context} tokens."]
    lost = [
        f"- {text}" for name, each in accounts.items() if (text := loss_text(name, each["read"], each["set_aside"]))
    ]
    lost = ["Rows that became no documents:", "", *lost] if lost else []
    removed = [
        f"- {text}"
        for name, each in accounts.items()
        if (text := removal_text(name, each["read"], each["removed"], each["set_aside"]))
    ]
    removed = ["Rows that cleaning removed:", "", *removed] if removed else []
    return ["\n".join(lines) for lines in (problems, lost, removed) if lines]


def cost_table(plan: Mapping[str, Any]) -> str:
    lines = [
        f"| stage | runs | tokens | FLOPs | models on disk | {plan['device']} hours |",
        "|---|---|---|---|---|---|",
    ]
    for stage in filter(plan["costs"].get, [*STAGES, SWARMS, SEARCHED, PARAMETERS, "total"]):
        cost = plan["costs"][stage]
        lines.append(
            f"| {stage} | {cost['runs']:.0f} | {cost['tokens']:,.0f} | {cost['flops']:.2e} | "
            f"{cost['disk_bytes'] / 1e9:.2f} GB | {cost['hours']:.2f} |"
        )
    return "\n".join(lines)


def checkpoints_text(plan: Mapping[str, Any]) -> list[str]:
    """A sentence on the disk that trainings take while they run; none where it is under a tenth of a gigabyte."""
    largest = max(cost["disk_bytes"] / cost["runs"] for cost in plan["costs"].values() if cost["runs"])
    gigabytes = CHECKPOINTS * 3 * largest / 1e9
    if gigabytes < 0.1:
        return []
    return [f"Beside these models, checkpoints take up to {gigabytes:.1f} GB for each training that runs."]


def budget_verdict(plan: Mapping[str, Any]) -> list[str]:
    hours = {stage: cost["hours"] for stage, cost in plan["costs"].items()}
    problems = over_budget(hours, plan["limits"])
    allowed = ", ".join(f"{stage} {limit:g} h" for stage, limit in plan["limits"].items()) or "none given"
    return [f"Over budget: {' '.join(problems)}" if problems else f"Within the budget ({allowed})."]


def power_text(effects: Mapping[str, Any]) -> str:
    """What can be detected by losses or by capabilities; one by one where they differ."""
    by = "sources" if effects["kind"] == "losses" else "capabilities"
    seen = {name: in_print(effect) for name, effect in effects[by].items()}
    if len(set(seen.values())) == 1:
        return str(effects["text"])
    each = ", ".join(f"{name} {effect}" for name, effect in seen.items())
    return f"{effects['text']} By {'source, in nats' if by == 'sources' else 'capability'}: {each}."


def epochs_text(plan: Mapping[str, Any], sizes: Mapping[str, int]) -> str:
    """How often each mixture of the configuration reads each source."""
    if not sizes:
        return "How often sources are repeated is known once they are tokenised, and is in the plan that is made then."
    sources = list(sizes)
    lines = [
        f"Epochs of each source (limit {plan['max_epochs']}):",
        "",
        f"| mixture | {' | '.join(sources)} |",
        "|---" * (len(sources) + 1) + "|",
    ]
    for mixture, weights in plan["mixtures"].items():
        epochs = {source: weights.get(source, 0.0) * plan["tokens"][mixture] / sizes[source] for source in sources}
        cells = [f"**{times:.2f}**" if times > plan["max_epochs"] else f"{times:.2f}" for times in epochs.values()]
        lines.append(f"| {mixture} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *too_small(plan, sizes)])


def too_small(plan: Mapping[str, Any], sizes: Mapping[str, int]) -> list[str]:
    """A sentence for each source that is too small for what a mixture takes of it."""
    problems = []
    for mixture, weights in plan["mixtures"].items():
        for source, size in sizes.items():
            wanted = weights.get(source, 0.0) * plan["tokens"][mixture]
            if wanted > plan["max_epochs"] * size:
                amounts = f"{wanted:,.0f} tokens wanted, {size:,} there"
                problems.append(f"- `{mixture}` reads '{source}' {wanted / size:.2f} times: {amounts}.")
    return problems or ["No source is too small for its share."]
