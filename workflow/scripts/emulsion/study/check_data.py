"""Checks on sources, cleaning, tokenizers, suites and existing token stores."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from emulsion.analysis.scores import MEAN
from emulsion.data.cleaning.policy import Cleaning
from emulsion.data.schemas import CHATS
from emulsion.data.sources.addresses import local_name
from emulsion.data.sources.local import local_files, notes, unread_files
from emulsion.data.tokenizers import fingerprint
from emulsion.errors import UserError
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.suites import Suite, load_suite
from emulsion.files import found, read_object
from emulsion.study.catalogue import CHAT_TYPES, Config, cleaning_spec, group_field
from emulsion.study.check_common import error_of, folder_or_hub, has_block, known
from emulsion.study.paths import suite_file
from emulsion.synthetic import CAPABILITIES

# How a row may be read: what `columns` names for it, and the schemas that read it so.
_WAYS = {"text": ("text",), "chat": ("chat",), "pair": ("question", "answer")}
_READ_SO = {"text": ("text", "prompt_text"), "chat": CHATS, "pair": ("instruction_response",)}


def sources(config: Config) -> Iterator[str]:
    for name, source in config["sources"].items():
        problems = list(has_block(f"sources.{name}", source))
        yield from problems
        yield from _reading(source, f"sources.{name}")
        if not problems and source["kind"] == "local":
            yield from error_of(_local, name, source["local"])
        if not problems and source["kind"] == "hub":
            yield from _hub_id(source["hub"]["id"], f"sources.{name}.hub.id")
        if not problems and source["kind"] == "web":
            yield from _checksums(source["web"], f"sources.{name}.web.sha256")
            for place, address in enumerate(source["web"]["files"]):
                yield from error_of(local_name, f"sources.{name}.web.files[{place}]", place, address)
        if not problems and source["kind"] == "group":
            yield from _group(config, name)
        yield from known("cleaning", source["cleaning"], config["cleaning"], f"sources.{name}.cleaning")


def _reading(source: Mapping[str, Any], where: str) -> Iterator[str]:
    """What says how rows are read agrees: of two that do not, one would say nothing."""
    named = source.get("columns", {})
    ways = [way for way, roles in _WAYS.items() if any(role in named for role in roles)]
    if "text_field" in source and named:
        yield f"{where}: both `text_field` and `columns` say what is read; leave one of them out."
    elif len(ways) > 1 or (ways == ["text"] and len(named) > 1):
        yield f"{where}.columns: {', '.join(named)}: a row is a text, a chat, or a question and its answer; name one."
    elif "schema" in source and (ways or "text_field" in source):
        way, key = (ways[0], "columns") if ways else ("text", "text_field")
        if source["schema"] not in _READ_SO[way]:
            yield f"{where}.schema: '{source['schema']}' does not read what `{key}` names; leave one of them out."


def types(config: Config) -> Iterator[str]:
    """What a user should know: a type that is nearly one of those that decide how turns are written."""
    for name, source in config["sources"].items():
        meant = get_close_matches(source["type"].lower(), CHAT_TYPES, n=1, cutoff=0.8)
        if meant and source["type"] != meant[0]:
            yield (
                f"sources.{name}.type: '{source['type']}' is a word of its own; turns are written as those of "
                f"'{meant[0]}' only where it is spelt so."
            )


def unread(config: Config) -> Iterator[str]:
    """What a user should know: files of folders that are not read."""
    for name, source in config["sources"].items():
        if source["kind"] == "local":
            yield from notes(f"sources.{name}.local.files", unread_files(name, source["local"]))


def _hub_id(identifier: str, where: str) -> Iterator[str]:
    """An id is owner/name, or the name of a dataset without an owner."""
    if not re.fullmatch(r"\w[\w.-]*(?:/\w[\w.-]*)?", identifier, re.ASCII):
        address = re.search(r"datasets/([\w.-]+/[\w.-]+)", identifier)
        hint = f" Write '{address[1]}'." if address else ""
        yield f"{where}: '{identifier}' cannot be the id of a dataset, which is owner/name.{hint}"


def _checksums(web: Mapping[str, Any], where: str) -> Iterator[str]:
    if "sha256" in web and len(web["sha256"]) != len(web["files"]):
        yield f"{where}: {len(web['sha256'])} checksum(s) for {len(web['files'])} file(s)."


def _local(name: str, source: Mapping[str, Any]) -> None:
    """Raises UserError where files are missing, and for names that Snakemake cannot be given."""
    for file in local_files(name, source):
        if re.search(r"\{.*\}", str(file), re.DOTALL):
            raise UserError(
                f"sources.{name}.local.files: '{file}': Snakemake takes what is in braces in a path for a wildcard; "
                "rename it, or name a link to it, or to its folder, that has no braces."
            )


def _group(config: Config, name: str) -> Iterator[str]:
    """A group of a source that is whole itself; all groups of one source by the same field."""
    group, where = config["sources"][name]["group"], f"sources.{name}.group"
    whole = [source for source, entry in config["sources"].items() if entry["kind"] != "group"]
    if group["of"] in config["sources"] and group["of"] not in whole:
        yield f"{where}.of: '{group['of']}' is itself a group; name the source that is split."
    else:
        yield from known("source", group["of"], whole, f"{where}.of")
    if group["field"] != (first := group_field(config, group["of"])):
        yield f"{where}.field: '{group['field']}', but another group of '{group['of']}' has '{first}'."


def cleaning(config: Config) -> Iterator[str]:
    for name, settings in config["cleaning"].items():
        yield from error_of(Cleaning.from_json, settings, f"cleaning.{name}")
    for source in config["precedence"]:
        yield from known("source", source, config["sources"], "precedence")
    if any(source not in config["sources"] for source in config["precedence"]):
        return
    ways = {json.dumps(cleaning_spec(config, source).get("deduplicate")) for source in config["precedence"]}
    if len(ways) > 1 or ways == {"null"}:
        yield "precedence: its sources must be cleaned with the same `deduplicate`, so that they can be compared."


def tokenizers(config: Config) -> Iterator[str]:
    for name, tokenizer in config["tokenizers"].items():
        problems = list(has_block(f"tokenizers.{name}", tokenizer))
        yield from problems
        if not problems and tokenizer["kind"] == "pretrained":
            yield from folder_or_hub(tokenizer["pretrained"]["id"], f"tokenizers.{name}.pretrained.id")
        for source in tokenizer.get("bpe", {}).get("sources", []):
            yield from known("source", source, config["sources"], f"tokenizers.{name}.bpe.sources")


def _suite(path: Path | str) -> Suite:
    """A suite's file, read once as long as it stays as it is: several checks ask, and a large one takes a while."""
    return _read_suite(path, Path(path).stat().st_mtime_ns if Path(path).exists() else 0)


@functools.lru_cache(maxsize=64)
def _read_suite(path: Path | str, changed: int) -> Suite:
    return load_suite(path)


def suites(config: Config) -> Iterator[str]:
    for name, suite in config["suites"].items():
        problems = list(has_block(f"suites.{name}", suite))
        yield from problems
        if not problems and suite["kind"] == "file":
            where = f"suites.{name}.file"
            unreadable = list(error_of(_suite, suite_file(config, name)))
            yield from (f"{where}: {problem}" for problem in unreadable)
            if not unreadable and MEAN in capabilities(config, [name]):
                yield f"{where}: a capability is called '{MEAN}', as is the mean of all; choose another name."


def suites_of(config: Config, name: str) -> Iterator[str]:
    """The suites of an experiment say different names in their files, by which their results are known."""
    named: dict[str, str] = {}
    for suite in config["experiments"][name]["suites"]:
        entry = config["suites"][suite]
        called = _suite(found(entry["file"])).name if entry["kind"] == "file" else suite
        if (other := named.setdefault(called, suite)) != suite:
            yield (
                f"experiments.{name}.suites: '{other}' and '{suite}' are both called '{called}' by the `suite` of "
                "their files; give one of them another name."
            )


def capabilities(config: Config, suites: Iterable[str]) -> set[str]:
    """The capabilities that suites test."""
    tested: set[str] = set()
    for suite in suites:
        entry = config["suites"][suite]
        items = _suite(found(entry["file"])).items if entry["kind"] == "file" else ()
        tested |= {item.capability for item in items} or set(CAPABILITIES)
    return tested


def halves(config: Config, name: str) -> Iterator[str]:
    """Suites that cannot be split into a half that chooses mixtures and one that judges them."""
    experiment = config["experiments"][name]
    for suite in experiment["suites"] if experiment["evaluation"]["selection"] else ():
        entry = config["suites"][suite]
        if entry["kind"] == "synthetic" and entry["synthetic"]["items_per_capability"] == 1:
            where = f"suites.{suite}.synthetic.items_per_capability"
            yield f"{where}: one item cannot both choose mixtures and judge them; ask for 2 or more."
        elif entry["kind"] == "file":
            yield from error_of(selection_half, _suite(suite_file(config, suite)), experiment["evaluation"]["seed"])


def stores(config: Config, name: str, folder: Path) -> Iterator[str]:
    """Token stores that lie there already, newer than a tokenizer that did not make them.

    An older store is not a mistake: the workflow is about to make it again.
    """
    experiment = config["experiments"][name]
    tokenizer = folder / "data/tokenizers" / experiment["tokenizer"]
    definition = tokenizer / "tokenizer.json"
    for source in experiment["sources"]:
        header = folder / "data/tokens" / experiment["tokenizer"] / source / "header.json"
        if not (header.exists() and definition.exists()):
            continue
        made_with = read_object(header)["tokenizer"]
        if header.stat().st_mtime >= definition.stat().st_mtime and made_with != fingerprint(tokenizer):
            yield (
                f"experiments.{name}: the token store {header.parent} was made with another tokenizer ({made_with}) "
                f"than {tokenizer} ({fingerprint(tokenizer)}); delete the store and it is made again."
            )
