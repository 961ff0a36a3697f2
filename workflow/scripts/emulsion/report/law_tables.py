"""The tables of a study of mixing laws as Markdown: `tables.md`, each table with a sentence on what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.laws.study.fits import LINEAR, LOG_LINEAR, PER_SEED, law_name, static_name
from emulsion.laws.study.format import (
    NOTHING,
    beside_ceiling,
    count,
    error_text,
    mixture_text,
    share_text,
    sums_text,
)
from emulsion.report.markup import plain, table

Found = Mapping[str, Any]
_WIDE = 3  # settings side by side, as in the paper
_LEGEND = (
    "MSE in nats², R² in the sample as the paper reports it; in parentheses the R² that the true function would reach "
    "in expectation, given the noise between seeds. A fit may end a little above it, as its parameters follow some "
    "of the noise. Static laws are fitted to each seed by itself and dynamic laws to each trunk; numbers are means "
    "over groups and over seeds or trunks."
)


def law_tables(found: Found) -> str:
    """`tables.md` from the content of `tables.json`."""
    parts = [f"# {plain(found['title'])}", _LEGEND]
    for each in found["tables"]:
        parts += [f"## {plain(each['title'])}", *_fits(each), *_groups(each["groups"]), *_static(each["static_laws"])]
        sections = (
            ("Greedy against optimal over two rounds", _greedy, each["greedy"]),
            ("A over time", _over_time, each["over_time"]),
            ("Full against diagonal A", _diagonal, each["diagonal"]),
            ("Methods' matrices beside the fitted A", _similarity, each["similarity"]),
        )
        for heading, rendered, section in sections:
            if section:
                parts += [f"### {heading}", rendered(section["rows"]), section["text"]]
    return "\n\n".join(parts) + "\n"


def _fits(each: Found) -> list[str]:
    rows, labels = each["fits"]["rows"], [setting["label"] for setting in each["settings"]]
    blocks = [labels[first : first + _WIDE] for first in range(0, len(labels), _WIDE)]
    parts = [_fit_block(rows, block, each["fits"]["published"] if block is blocks[-1] else None) for block in blocks]
    return [*parts, f"{each['fits']['text']} {_counted(each['settings'])}"]


def _fit_block(rows: Sequence[Found], labels: Sequence[str], published: Found | None) -> str:
    """Settings side by side; the last block has the mean over all settings, and what was published of it."""
    last = published is not None
    columns = [*labels, "mean"] if last else list(labels)
    header = ["law", *(f"{column} {measure}" for column in columns for measure in ("MSE", "R²"))]
    body = []
    for row in rows:
        cells = [row["cells"][label] for label in labels] + ([row["mean"]] if last else [])
        texts = [text for cell in cells for text in (error_text(cell and cell["mse"]), beside_ceiling(cell))]
        body.append([law_name(row["law"], row["branches"]), *texts])
    for key, law in (("static_r2", PER_SEED), ("dynamic_r2", LINEAR), ("log_dynamic_r2", LOG_LINEAR)):
        if published and key in published:
            empty = [NOTHING] * (2 * len(labels) + 1)
            body.append([f"{law_name(law)}, published", *empty, share_text(published[key])])
    return table(header, body, right=len(header) - 1)


def _counted(settings: Sequence[Found]) -> str:
    return " ".join(
        f"{setting['label']}: {_counts(setting['counts'], len(setting['sources']))}." for setting in settings
    )


def _counts(counts: Found, sources: int) -> str:
    runs = f"{count(counts['runs'], 'run')} ({count(counts['points'], 'point')}, {count(counts['seeds'], 'seed')})"
    parts = [runs + _too_few("points are", counts["points"], sources + 1, "static")]
    for name, each in counts["branches"].items():
        of = f"{count(each['branches'], 'branch', 'branches')} of {count(each['trunks'], 'trunk')}"
        few = _too_few("branches of a trunk are", each["branches"] / each["trunks"], sources, "dynamic")
        parts.append(f"{name}: {of}, {each['tokens']:,} tokens from token {each['after']:,} on{few}")
    return "; ".join(parts)


def _too_few(what: str, found: float, parameters: int, law: str) -> str:
    """A law with a parameter for every point goes through them all, right or wrong."""
    if found > parameters:
        return ""
    return f", where {what} no more than the {parameters} parameters of a {law} law, so that its R² says nothing"


def _groups(tables: Sequence[Found]) -> list[str]:
    parts = []
    for each in tables:
        names = [law_name(law["law"], law["branches"]) for law in each["laws"]]
        header = ["group", *(f"{name} {measure}" for name in names for measure in ("MSE", "R²"))]
        rows = [*each["rows"], {"group": "Average", "cells": each["mean"]}]
        body = [
            [row["group"], *(text for c in row["cells"] for text in (error_text(c["mse"]), beside_ceiling(c)))]
            for row in rows
        ]
        parts += [f"### Groups of {each['label']}", table(header, body, right=len(header) - 1), each["text"]]
    return parts


def _static(section: Found) -> list[str]:
    labels = list(section["rows"][0]["cells"])
    header = ["law", *(f"{column} {measure}" for column in [*labels, "mean"] for measure in ("R²", "left out"))]
    body = []
    for row in section["rows"]:
        cells = [row["cells"][label] for label in labels] + [row["mean"]]
        texts = [share_text(cell[key]) for cell in cells for key in ("r2", "left_out_r2")]
        body.append([static_name(row["law"]), *texts])
    note = "Laws fitted to the runs of all seeds; R² of these runs, and of each point predicted by the others."
    return ["### Static laws compared", table(header, body, right=len(header) - 1), f"{section['text']} {note}"]


def _greedy(rows: Sequence[Found]) -> str:
    header = ["setting", "branches", "seed"]
    header += [f"{who} {what}" for who in ("greedy", "optimal") for what in ("p¹", "p²", "perplexity")]
    body = [[row["label"], row["branches"], str(row["seed"]), *_choices(row), _yes(row["same"])] for row in rows]
    return table([*header, "same"], body, right=1)


def _choices(row: Found) -> list[str]:
    texts = []
    for choice in (row["greedy"], row["optimal"]):
        texts += [mixture_text(weights) for weights in choice["weights"]]
        texts.append(f"{choice['test_perplexity']:.2f}")
    return texts


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _over_time(rows: Sequence[Found]) -> str:
    header = ["setting", "from", "to", "order changed", "between seeds", "cosine", "Spearman"]
    body = [
        [
            row["label"],
            row["from"],
            row["to"],
            _of(row["changed"], row["trunks"]),
            _of(row["between_seeds"]["changed"], row["between_seeds"]["pairs"]),
            share_text(row["cosine"]),
            share_text(row["spearman"]),
        ]
        for row in rows
    ]
    return table(header, body, right=4)


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else NOTHING


def _diagonal(rows: Sequence[Found]) -> str:
    header = ["setting", "branches", "column sums of A", "diagonal A", "full R²", "diagonal R²", "same order"]
    body = [
        [
            row["label"],
            row["branches"],
            sums_text(row["column_sums"]),
            sums_text(row["diagonal"]),
            share_text(row["r2"]),
            share_text(row["diagonal_r2"]),
            _of(row["same_order"], row["trunks"]),
        ]
        for row in rows
    ]
    return table(header, body, right=3)


def _similarity(rows: Sequence[Found]) -> str:
    header = ["setting", "method", "kind", "branches", "trunks", "b", "cosine", "Spearman", "similarity"]
    body = [
        [
            *(row[key] for key in ("label", "method", "kind", "branches")),
            str(row["trunks"]),
            f"{row['b']:.3g}",
            *(share_text(row[key]) for key in ("cosine", "spearman", "similarity")),
        ]
        for row in rows
    ]
    return table(header, body, right=5)
