"""The leaderboard of methods as a page: the decision, against stratified sampling, by source, and all costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.report.markup import plain, section, table

Found = Mapping[str, Any]

NOTE = (
    "Differences are to stratified sampling, paired by seed, with 95 % intervals over seeds: of the mean over sources"
    " of test perplexity, by which the verdicts are given after Holm's correction, and of the mean test loss, by which"
    " the best is decided. Negative is better. These intervals rest on the seeds of two mixtures alone; the best is"
    " decided with the noise of all mixtures together, unless they differ in it, and so may be ahead where an interval"
    " here holds 0."
)
COSTS = (
    "Extra tokens were trained on before a run to decide its mixture, by swarms, reference runs, graphs, guides,"
    " searches and runs whose trajectory is taken up; methods that share a swarm are each charged all of it. Tokens"
    " read to observe or to measure take a third of the work of training on them. Probe tokens are part of the run."
)
REPLAYS = (
    "The mean test perplexity of an online method less that of its first run's trajectory trained again without "
    "observing anything (feedback), of that trajectory less its mean as one mixture (order), and of that mean less "
    "stratified sampling (mixture). Negative: it helped. p after Holm's correction over the three."
)
UNCORRECTED = "Differences of test loss to stratified sampling, nats per token, with intervals that are not corrected."


def markdown(title: str, board: Found, notices: Mapping[str, Sequence[str]]) -> str:
    """`methods.md` from the content of `methods.json`; notices: {mixture: sentences on what was decided online}."""
    text = board["decision"]["text"]
    said = [f"- {mixture}: {notice}" for mixture, each in notices.items() for notice in each]
    sections = [
        f"# Methods compared: {plain(title)}",
        f"**{text[:1].upper() + text[1:]}.** By the mean test loss over sources{_weighted(board)}; lower is better.",
        _scores(board),
        section("By source", _by_source(board)),
        section("Costs", _costs(board)),
        section("Schedule or feedback", _replays(board["replays"])) if board["replays"] else "",
        section("Noticed while training", "\n".join(said)) if said else "",
    ]
    return "\n\n".join(each for each in sections if each) + "\n"


def _weighted(board: Found) -> str:
    """What the experiment weighs in the mean loss, and not in the mean perplexity, which is as published."""
    weights = board["loss_weights"] or {}
    shares = [f"{source} {100 * weight / sum(weights.values()):.3g} %" for source, weight in weights.items() if weight]
    return f", weighted ({', '.join(shares)}), and beside it the mean perplexity, not weighted" if shares else ""


def _scores(board: Found) -> str:
    header = ["method", "seeds", "mean test loss", "to stratified", "mean test perplexity", "to stratified", "verdict"]
    body = [
        [
            row["method"],
            str(row["seeds"]),
            f"{row['mean_test_loss']:.4f}",
            difference_text(row["loss_to_stratified"], 4),
            f"{row['mean_test_perplexity']:.3f}",
            difference_text({"difference": row["difference_to_stratified"], "interval": row["interval"]}, 3),
            "; ".join(filter(None, [row["verdict"], row["place"]])),
        ]
        for row in board["methods"]
    ]
    note = NOTE
    if board["stratified"] is None:
        note = "No mixture of all sources alike was trained, so nothing is compared with stratified sampling."
    return f"{table(header, body)}\n\n{note}"


def _by_source(board: Found) -> str:
    sources = board["sources"]
    losses = [
        [row["method"], *(_of_source(row["by_source"][source]) for source in sources)] for row in board["methods"]
    ]
    shares = [
        [row["method"], *(f"{100 * row['by_source'][source]['share']:.1f} %" for source in sources)]
        for row in board["methods"]
    ]
    drawn = "Shares of the tokens that were drawn, over the whole run:"
    parts = [table(["method", *sources], losses), UNCORRECTED, drawn]
    return "\n\n".join([*parts, table(["method", *sources], shares, right=len(sources))])


def _of_source(cell: Found) -> str:
    difference = difference_text(cell, 4)
    return f"{cell['loss']:.4f}" + (f" ({difference})" if difference else "")


def _costs(board: Found) -> str:
    header = ["method", "extra runs", "extra tokens", "in runs of this size", "read for them", "probe tokens"]
    body = [
        [
            name,
            *(_count(cost[key]) for key in ("extra_runs", "extra_tokens")),
            "" if cost["extra_in_runs"] is None else f"{cost['extra_in_runs']:.2f}",
            *(_count(cost[key]) for key in ("extra_evaluation_tokens", "probe_tokens", "evaluation_tokens")),
            f"{cost['seconds']:.1f}",
            ", ".join(cost["needed"]),
        ]
        for row in board["methods"]
        for name, cost in row["costs"].items()
    ]
    note = COSTS
    if any(cost["extra_tokens"] is None for row in board["methods"] for cost in row["costs"].values()):
        note += " Empty cells: trained before costs were recorded."
    return f"{table([*header, 'read in the run', 'seconds', 'needed'], body)}\n\n{note}"


def _replays(rows: Sequence[Found]) -> str:
    parts = ("feedback", "order", "mixture")
    body = [[row["method"], *(_worth(row[part]) for part in parts)] for row in rows]
    return f"{table(['method', *parts], body)}\n\n{REPLAYS}"


def _worth(cell: Found) -> str:
    p = cell["p_holm"]
    return difference_text(cell, 3) + ("" if p is None else f", p {p:.2g}")


def difference_text(cell: Found, digits: int) -> str:
    if cell["difference"] is None:
        return ""
    text = f"{cell['difference']:+.{digits}f}"
    if cell["interval"]:
        text += " [{:+.{digits}f}, {:+.{digits}f}]".format(*cell["interval"], digits=digits)
    return text


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
