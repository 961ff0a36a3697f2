"""Regret in simulated worlds, summarised: median and 90th percentile with intervals over worlds, against cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.table import Floats

STRATIFIED = "stratified"
_RESAMPLES = 1000
WORSE = 0.01  # nats above stratified sampling: more than a seed moves most worlds' mean loss
LITTLE = 0.0125  # nats from even shares to the best schedule: the most there was to gain in sweeps of ours
_MUCH = 0.05

Trials = Mapping[str, Sequence[Mapping[str, Any]]]  # {method: rows of `proving_ground.trial`}
_Key = tuple[str, int]


def summary(trials: Trials, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """A row for every method and kind of world, and one for all kinds together ("all"), the least median first.

    A row has `worlds`, `cost` (mean, in target runs), `median` and `p90` of regret in nats with their 95 % intervals
    over worlds (None of fewer than 6 and than 36 worlds), `worse` (share of worlds more than .01 nats above stratified
    sampling) and the median of the paired `difference` to it with its interval; the last three None without it. Raises
    UserError where methods met different worlds.
    """
    found = {name: {(row["kind"], row["world"]): row for row in rows} for name, rows in trials.items()}
    first = next(iter(found), "")
    for name, rows in found.items():
        if set(rows) != set(found[first]):
            raise UserError(f"proving ground: '{name}' and '{first}' met different worlds; run both again.")
    table = [
        _row(name, kind, [key for key in of if kind in ("all", key[0])], of, found.get(STRATIFIED))
        for name, of in found.items()
        for kind in ("all", *kinds)
        if any(kind in ("all", key[0]) for key in of)
    ]
    order = {row["method"]: row["median"] for row in table if row["kind"] == "all"}
    return sorted(table, key=lambda row: (order[row["method"]], row["method"]))


def by_gain(trials: Trials) -> list[dict[str, Any]]:
    """A row for every method and part of the worlds, which are parted by how much the best schedule gains over
    stratified sampling: `part` in words, `worlds`, the mean of the paired `difference` to stratified sampling in nats
    with its 95 % interval over worlds, and `worse` as in `summary`. None without stratified sampling.
    """
    if STRATIFIED not in trials:
        return []
    base = {(row["kind"], row["world"]): row["regret"] for row in trials[STRATIFIED]}
    gain = np.array(list(base.values()))
    little, much = f"{1e3 * LITTLE:g}", f"{1e3 * _MUCH:g}"
    parts = {
        f"at most {little}": gain <= LITTLE,
        f"{little} to {much}": (gain > LITTLE) & (gain <= _MUCH),
        f"more than {much}": gain > _MUCH,
    }
    table = []
    for part, within in parts.items():
        for name, rows in trials.items():
            if not within.any() or name == STRATIFIED:
                continue
            of = {(row["kind"], row["world"]): row["regret"] for row in rows}
            apart = np.array([of[key] for key in base])[within] - gain[within]
            table.append(
                {
                    "method": name,
                    "part": part,
                    "worlds": len(apart),
                    "difference": float(apart.mean()),
                    "difference_interval": _interval(apart, lambda drawn: drawn.mean(axis=1)),
                    "worse": float((apart > WORSE).mean()),
                }
            )
    return table


def by_sources(trials: Trials) -> list[dict[str, Any]]:
    """Rows as of `summary`, with `sources` and `repeated` in place of the kind: of worlds of that many sources, those
    whose sources are small enough to be read again, and the others. What `analysis.advice` goes by. `little` is the
    mean difference to stratified sampling where the best schedule gains at most 12.5 thousandths of a nat over it, of
    `little_worlds` worlds; both None without it.
    """
    found = {name: {(row["kind"], row["world"]): row for row in rows} for name, rows in trials.items()}
    cells: dict[tuple[int, bool], list[_Key]] = {}
    for key, row in next(iter(found.values())).items():
        cells.setdefault((int(row["sources"]), row["kind"] == "repetition"), []).append(key)
    table = []
    for (sources, repeated), keys in sorted(cells.items()):
        for name, of in found.items():
            base = found.get(STRATIFIED)
            row = _row(name, "", keys, of, base)
            kept = {key: value for key, value in row.items() if key != "kind"}
            table.append({**kept, "sources": sources, "repeated": repeated, **_little(keys, of, base)})
    return sorted(table, key=lambda row: (row["sources"], row["repeated"], row["median"]))


def _row(
    name: str, kind: str, keys: list[_Key], of: Mapping[_Key, Any], base: Mapping[_Key, Any] | None
) -> dict[str, Any]:
    regret = np.array([of[key]["regret"] for key in keys])
    row: dict[str, Any] = {
        "method": name,
        "kind": kind,
        "worlds": len(keys),
        "cost": float(np.mean([of[key]["cost"] for key in keys])),
        "median": float(np.median(regret)),
        "median_interval": _of_quantile(regret, 0.5),
        "p90": float(np.quantile(regret, 0.9)),
        "p90_interval": _of_quantile(regret, 0.9),
        "worse": None,
        "difference": None,
        "difference_interval": None,
    }
    if base is not None and name != STRATIFIED:
        apart = regret - np.array([base[key]["regret"] for key in keys])
        row["worse"] = float((apart > WORSE).mean())
        row["difference"], row["difference_interval"] = float(np.median(apart)), _of_quantile(apart, 0.5)
    return row


def _little(keys: list[_Key], of: Mapping[_Key, Any], base: Mapping[_Key, Any] | None) -> dict[str, Any]:
    """`little` and `little_worlds` of `by_sources`."""
    within = [key for key in keys if base and base[key]["regret"] <= LITTLE]
    apart = [of[key]["regret"] - base[key]["regret"] for key in within] if base else []
    return {"little": float(np.mean(apart)) if apart else None, "little_worlds": len(within) if base else None}


def _of_quantile(values: Floats, quantile: float) -> list[float] | None:
    """The interval of a quantile over worlds; None of so few that all of them may well lie on one side of it."""
    if max(quantile, 1 - quantile) ** len(values) > 0.025:
        return None
    return _interval(values, lambda drawn: np.quantile(drawn, quantile, axis=1))


def _interval(values: Floats, statistic: Callable[[Floats], Floats]) -> list[float] | None:
    """The 95 % interval of a statistic, by the bootstrap over worlds; None of one world."""
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(0).integers(0, len(values), (_RESAMPLES, len(values)))
    ends = np.quantile(statistic(values[drawn]), (0.025, 0.975))
    return [float(end) for end in ends]


def page(rows: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]], kinds: Sequence[str], seed: int) -> str:
    """Rows of `summary` and of `by_gain` as Markdown, in thousandths of a nat."""
    every = [row for row in rows if row["kind"] == "all"]
    each = {(row["method"], row["kind"]): row for row in rows}
    count = max(row["worlds"] for row in rows if row["kind"] != "all")
    lines = [
        "# Methods in simulated worlds",
        "",
        "Regret of the target run in thousandths of a nat, the mean held-out loss above that of the best schedule, "
        f"over {every[0]['worlds']} worlds: {count} of each of {len(kinds)} kinds, drawn with seed {seed}. Brackets: "
        "95 % intervals over worlds, which medians have from 6 worlds on and 90th percentiles from 36. Cost is in "
        "target runs: all that was trained, a third of what was evaluated. "
        f"Worse: share of worlds more than {1e3 * WORSE:.0f} above stratified sampling. docs/which_method.md says what "
        "to make of it.",
        "",
        "| method | cost | median | 90th percentile | against stratified | worse |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in every:
        against = worse = ""
        if row["difference"] is not None:
            against, worse = _cell(row, "difference", "+.1f"), f"{100 * row['worse']:.0f} %"
        cells = [f"{row['cost']:.2f}", _cell(row, "median"), _cell(row, "p90"), against, worse]
        lines.append(f"| {row['method']} | {' | '.join(cells)} |")
    lines += ["", "By kind of world, median / 90th percentile:", "", f"| method | {' | '.join(kinds)} |"]
    lines.append("|---|" + "---:|" * len(kinds))
    for row in every:
        of = [each.get((row["method"], kind)) for kind in kinds]
        shown = [f"{1e3 * cell['median']:.1f} / {1e3 * cell['p90']:.0f}" if cell else "" for cell in of]
        lines.append(f"| {row['method']} | {' | '.join(shown)} |")
    return "\n".join([*lines, *_parted(parts, [row["method"] for row in every]), ""])


def _parted(parts: Sequence[Mapping[str, Any]], methods: Sequence[str]) -> list[str]:
    """Lines of the table by how much there is to gain."""
    counts = {row["part"]: row["worlds"] for row in parts}
    if not counts:
        return []
    each = {(row["method"], row["part"]): row for row in parts}
    lines = [
        "",
        "By how much the best schedule gains over stratified sampling: the mean of the difference to it, and the share "
        "of worlds in which a method is worse.",
        "",
        f"| method | {' | '.join(f'{part} ({count} worlds)' for part, count in counts.items())} |",
        "|---|" + "---:|" * len(counts),
    ]
    for method in methods:
        of = [each[method, part] for part in counts if (method, part) in each]
        if of:
            shown = [f"{_cell(row, 'difference', '+.1f')}, {100 * row['worse']:.0f} %" for row in of]
            lines.append(f"| {method} | {' | '.join(shown)} |")
    return lines


def _cell(row: Mapping[str, Any], key: str, form: str = ".1f") -> str:
    ends = row[f"{key}_interval"]
    interval = f" [{1e3 * ends[0]:{form}}, {1e3 * ends[1]:{form}}]" if ends else ""
    return f"{1e3 * row[key]:{form}}{interval}"
