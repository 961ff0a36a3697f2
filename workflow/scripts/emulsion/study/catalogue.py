"""The catalogue: what the configuration says of sources and tokenizers, and of how sources stand to one another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Config = Mapping[str, Any]

CHAT_SCHEMAS = ("chat", "chat_from_value", "chat_role_content", "instruction_response", "natural_instructions")
CHAT_TYPES = ("instruction", "conversation")  # of sources whose schema is left to their columns
CHAT_PARTS = {"chat", "question"}  # of what `columns` may name


def kind_block(entry: Mapping[str, Any]) -> Any:
    """The block of a source, tokenizer or suite that its `kind` selects."""
    return entry[entry["kind"]]


def source_spec(config: Config, source: str) -> dict[str, Any]:
    """What decides the raw data of a source: the selected block, so that the others change nothing.

    Its licence decides nothing: one that is corrected fetches nothing again.
    """
    entry = config["sources"][source]
    spec = {"kind": entry["kind"], **kind_block(entry)}
    # To count tokens is to know which columns hold the text.
    return {**spec, **_columns(entry)} if "tokens" in spec else spec


def _columns(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("schema", "text_field", "columns") if key in entry}


def types_of_sources(config: Config, experiment: str) -> dict[str, str]:
    """{source: its type} of an experiment's sources, in their order."""
    return {source: config["sources"][source]["type"] for source in config["experiments"][experiment]["sources"]}


def chat_formats(config: Config, sources: Iterable[str]) -> list[str]:
    """The formats in which these sources write turns, as `emulsion.evaluation.suites` names them; plain without any."""
    found = set()
    for source in sources:
        entry = config["sources"][source]
        whole = config["sources"].get(entry["group"]["of"], entry) if entry["kind"] == "group" else entry
        schema = entry.get("schema", whole.get("schema"))
        named = CHAT_PARTS & set(entry.get("columns", whole.get("columns", {})))
        if named or schema in CHAT_SCHEMAS or (schema is None and entry["type"] in CHAT_TYPES):
            found.add("instruction" if entry["type"] == "instruction" else "dialogue")
    return sorted(found, reverse=True) or ["plain"]


def set_chat_formats(config: Config) -> None:
    """Set `evaluation.formats` of each experiment that leaves it out, in place, to those of its sources."""
    for experiment in config["experiments"].values():
        known = [source for source in experiment["sources"] if source in config["sources"]]
        experiment["evaluation"].setdefault("formats", chat_formats(config, known))


def licence(config: Config, source: str) -> str:
    """The licence of a source, as the configuration states it."""
    return str(config["sources"][source]["licence"])


def cleaning_spec(config: Config, source: str) -> dict[str, Any]:
    """How a source is cleaned; what is left out is off."""
    return dict(config["cleaning"][config["sources"][source]["cleaning"]])


def preceding(config: Config, source: str) -> list[str]:
    """The sources that keep their copy of what a source has in common with them."""
    order = config["precedence"]
    return list(order[: order.index(source)]) if source in order else []


def users(config: Config, source: str) -> list[str]:
    """The experiments that a source is part of: of those that the configuration is about, or else of all."""
    found = [name for name, chosen in config["experiments"].items() if source in chosen["sources"]]
    only = config.get("only")
    return [name for name in found if only is not None and name in only] or found


def sharing_experiments(config: Config, source: str) -> list[str]:
    """The sources of the experiments that a source is part of, itself among them, each once."""
    shared = [config["experiments"][name]["sources"] for name in users(config, source)]
    return list(dict.fromkeys(each for sources in shared for each in sources))


def group_field(config: Config, source: str) -> str:
    """The field by which a source is split into groups that are sources themselves."""
    blocks = (kind_block(entry) for entry in config["sources"].values() if entry["kind"] == "group")
    return next((str(block["field"]) for block in blocks if block["of"] == source), "")


def sources_to_probe(config: Config) -> dict[str, Any]:
    """{source: its spec, and how its columns should be read} of those on the hub."""
    return {
        name: {**source_spec(config, name), **_columns(entry)}
        for name, entry in config["sources"].items()
        if entry["kind"] == "hub"
    }


def tokenizers_of_kind(config: Config, kind: str) -> list[str]:
    return [name for name, entry in config["tokenizers"].items() if entry["kind"] == kind]


def tokenizer_spec(config: Config, tokenizer: str) -> dict[str, Any]:
    entry = config["tokenizers"][tokenizer]
    return {"kind": entry["kind"], "block": kind_block(entry)}


def max_loss(config: Config, source: str) -> str:
    """The share of a source's rows that may be lost; as text, for Snakemake rounds resources."""
    return str(config["sources"][source]["max_loss"])


def max_copies(config: Config, source: str) -> str:
    """The share of its held-out documents that may be in training too; as text, for Snakemake rounds resources."""
    return str(config["sources"][source]["max_copies"])


def schema_options(config: Config, source: str) -> list[str]:
    """The options by which the configuration settles how a source is read."""
    entry = config["sources"][source]
    columns = json.dumps(entry["columns"], sort_keys=True) if entry.get("columns") else None
    chosen = {"--schema": entry.get("schema"), "--text-field": entry.get("text_field"), "--columns": columns}
    return [part for option, value in chosen.items() if value for part in (option, value)]
