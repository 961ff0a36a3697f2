"""What to merge: the configuration of merge_datasets.py, or a recipe."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from emulsion.data.cleaning import Cleaning
from emulsion.data.cleaning.policy import FILTERS
from emulsion.data.recipes import NOT_LOADABLE, RecipeSource, load_recipe, normalising_note, tiny_shares
from emulsion.data.schemas import KINDS
from emulsion.data.sources.formats import suffix_of
from emulsion.errors import UserError, nearest, unknown
from emulsion.fields import SHARE, SWITCH, TEXT, TEXTS, WEIGHT, Form, checked, entries, read_yaml
from emulsion.files import WORKFLOW, from_home, is_there
from emulsion.mixture import Mixture

log = logging.getLogger(__name__)

# Where the configurations that come with the workflow lie; one is found by its name alone.
SHIPPED = WORKFLOW / "resources" / "merge"

ADDRESS = re.compile(r"(?:hf://|https?://huggingface\.co/)datasets/(?=[^/]+/[^/]+/?$)")  # in front of an id

# A configuration for plain concatenation may keep its datasets in two lists.
LISTS = ("datasets", "english_datasets", "vietnamese_datasets")

ANYTHING: Form = ("anything", lambda value: True)
PATTERNS: Form = ("a path or a list of paths", lambda value: TEXT[1](value) or TEXTS[1](value))
NAMES: Form = ("a list of names", lambda value: isinstance(value, list) and all(map(TEXT[1], value)))
# What a column may hold, as the configuration of the workflow says it.
ROLES = ("chat", "question", "answer", "text", "context", "system", "history", "tools", "reasoning")
COLUMNS: Form = (
    f"names of columns, each under one of {', '.join(ROLES)}",
    lambda value: (
        isinstance(value, Mapping) and bool(value) and set(value) <= set(ROLES) and all(map(TEXT[1], value.values()))
    ),
)
# For whoever reads the configuration; they decide nothing.
REMARKS = ("description", "categories", "note", "source", "verified")

DATASET_FIELDS: Mapping[str, Form] = {
    "name": TEXT,
    "weight": WEIGHT,
    "id": TEXT,
    "config": TEXT,
    "data_dir": TEXT,
    "split": TEXT,
    "revision": TEXT,
    "files": PATTERNS,
    "exclude": PATTERNS,
    "text_field": TEXT,
    "columns": COLUMNS,
    "schema": TEXT,
    "type": TEXT,
    "filters": NAMES,
    "max_loss": SHARE,
    "streaming": SWITCH,
    **dict.fromkeys(REMARKS, ANYTHING),
}


@dataclass(frozen=True)
class Origin:
    """A dataset to merge: files of this machine, without those that `exclude` names, or else a dataset of the hub.

    config, data_dir, split, revision: as `datasets.load_dataset` takes them; of files only a split may be said, None
    takes all. text_field, columns, schema, type: how rows become documents, as in the configuration of the workflow;
    columns: ((what it holds, its name), ...). filters, max_loss: instead of those of the request. evidence: how well a
    recipe knows the id. where: its place in the configuration. notes: what of it says nothing.
    """

    name: str
    weight: float | None
    files: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    id: str | None = None
    config: str | None = None
    data_dir: str | None = None
    split: str | None = "train"
    revision: str | None = None
    text_field: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    schema: str | None = None
    type: str = "text"
    filters: tuple[str, ...] | None = None
    evidence: str | None = None
    max_loss: float | None = field(default=None, compare=False)
    where: str = field(default="", compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Request:
    """Everything that decides the result, except the content of the sources.

    seed: of the order within sources; None keeps it. Weighted, sources are interleaved by weight; otherwise one is
    read after the other. max_loss: share of a dataset's rows that may be unreadable; it stops a merge and changes
    nothing in it.
    """

    sources: tuple[Origin, ...]
    weighted: bool
    seed: int | None
    shard_bytes: int
    max_samples: int | None = None
    max_passes: int | None = None
    tokenizer: str | None = None
    cleaning: Cleaning = field(default_factory=Cleaning.none)
    max_loss: float = field(default=0.05, compare=False)

    @property
    def mixture(self) -> Mixture:
        """Raises UserError where all weights are 0."""
        return Mixture({source.name: source.weight or 0.0 for source in self.sources}, "weights")

    @property
    def drawn(self) -> list[Origin]:
        """The sources that are read: all but those of weight 0."""
        return [source for source in self.sources if not self.weighted or source.weight]

    def cleaning_of(self, source: Origin) -> Cleaning:
        return self.cleaning if source.filters is None else replace(self.cleaning, filters=source.filters)

    def settled(self) -> dict[str, Any]:
        """As JSON; the tokenizer left out, for it is identified by its content and not by its folder."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("tokenizer", "max_loss", "sources")}
        sources = [{**asdict(source), "max_loss": None, "where": None, "notes": None} for source in self.sources]
        return {**kept, "sources": sources}

    def notes(self) -> list[str]:
        """What of the request says nothing, and what is changed in it, in sentences."""
        notes = list(dict.fromkeys(note for source in self.sources for note in source.notes))
        readers: dict[tuple[Any, ...], list[str]] = {}
        for source in self.sources:
            if source.files:
                readers.setdefault((source.files, source.exclude, source.split), []).append(f"'{source.name}'")
        notes += [
            f"{', '.join(names)} read the same files: {', '.join(key[0])}."
            for key, names in readers.items()
            if names[1:]
        ]
        if self.weighted:
            notes += filter(None, [normalising_note({source.name: source.weight or 0.0 for source in self.sources})])
        elif any(source.weight is not None for source in self.sources):
            notes.append("The datasets have weights, which say nothing without --use-weights.")
        return notes

    def announce(self) -> None:
        """Log the weights as shares, and the sources too small for this many documents."""
        if not self.weighted:
            return
        shares = self.mixture
        lines = [f"  {source.name}: {_as_share(shares[source.name])}" for source in self.sources]
        log.info("\n".join(["Dataset weights (normalized):", *lines]))
        for source, due in tiny_shares(shares, self.max_samples).items() if self.max_samples else ():
            log.warning("%s: of %d documents %.3g are due to it", source, self.max_samples, due)


def _as_share(share: float) -> str:
    return f"{share:.4f} ({share:.2%})" if share >= 0.001 else f"{share:.6f} ({share:.4%})"


def find_config(path: Path) -> Path:
    """The file in the working directory, or the one that comes with the workflow; raises UserError for neither."""
    if path.exists():
        return path
    shipped = next((each for each in (SHIPPED / path, WORKFLOW / path) if each.is_file()), None)
    if shipped is None:
        names = sorted(file.name for file in SHIPPED.glob("*.yaml"))
        guess = nearest(path.name, names)
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise UserError(f"{path}: no such file.{hint} With the workflow come: {', '.join(names)}.")
    return Path(os.path.relpath(shipped))


def read_sources(path: Path, weighted: bool) -> tuple[Origin, ...]:
    """The sources of a configuration, which has `datasets:`, or of a recipe, which has `sources:`.

    Raises UserError for unknown and missing fields, two sources of one name, and sources that cannot be loaded.
    """
    found = read_yaml(path)
    if isinstance(found, Mapping) and "sources" in found:
        return _of_recipe(path)
    values = checked(found, dict.fromkeys(LISTS, ANYTHING), (), str(path))
    if weighted and set(values) - {"datasets"}:
        raise UserError(f"{path}: --use-weights needs one list `datasets`, but there is {', '.join(values)}.")
    if not values:
        raise UserError(f"{path}: names no sources; list them under `datasets`.")
    sources = tuple(
        _origin(entry, f"{path}: {key}[{place}]", weighted)
        for key in LISTS
        if key in values
        for place, entry in enumerate(entries(values[key], f"{path}: {key}"))
    )
    seen: dict[str, str] = {}
    for source in sources:
        if source.name in seen:
            raise UserError(
                f"{source.where}: '{source.name}' is there already, {seen[source.name]}. To read one dataset twice, "
                "give each a `name` of its own and the dataset's as `id`, or its paths as `files`."
            )
        seen[source.name] = source.where
    return sources


def _origin(entry: Any, where: str, weighted: bool) -> Origin:
    values = checked(entry, DATASET_FIELDS, ("name", "weight") if weighted else ("name",), where)
    for key in ("name", "id"):
        if address := ADDRESS.match(values.get(key, "")):
            values[key] = values[key][address.end() :].removesuffix("/")
    for remark in REMARKS:
        values.pop(remark, None)
    notes = (
        () if values.pop("streaming", True) else (f"{where}.streaming: false says nothing; data are always streamed.",)
    )
    if "schema" in values and values["schema"] not in KINDS:
        raise unknown("schema", values["schema"], KINDS, f"{where}.schema")
    for name in values.get("filters", ()):
        if name not in FILTERS:
            raise unknown("filter", name, FILTERS, f"{where}.filters")
    if "filters" in values:
        values["filters"] = tuple(name for name in FILTERS if name in values["filters"])
    if "columns" in values and "text_field" in values:
        raise UserError(f"{where}: has both `columns` and `text_field`; leave one of them out.")
    values["columns"] = tuple(values.get("columns", {}).items())
    if "files" in values and "id" in values:
        raise UserError(f"{where}: has both `files` and `id`; leave one of them out.")
    if "files" not in values and "id" not in values and is_path(values["name"]):
        values["files"] = values["name"]
    if "exclude" in values and "files" not in values:
        raise UserError(
            f"{where}.exclude: is of files of this machine, but '{values['name']}' is a dataset of the hub."
        )
    common = {"weight": None, **values, "where": where, "notes": notes}
    return _of_files(common, where) if "files" in values else _of_hub(common)


def is_path(name: str) -> bool:
    """Whether a dataset's name is a path: of something that is there, or written as one."""
    begins = name.startswith((".", "/", "~", "{")) or name.endswith(os.sep)
    return is_there(Path(name)) or begins or bool(set(name) & set("*?[")) or suffix_of(name) is not None


def _is_folder(path: str) -> bool:
    return is_there(there := from_home(path)) and there.is_dir()


def _of_files(values: dict[str, Any], where: str) -> Origin:
    """Named by its name; a folder by config and data_dir as well, as a dataset of the hub is."""
    files, exclude = (
        (value,) if isinstance(value, str) else tuple(value) for value in (values["files"], values.get("exclude", ()))
    )
    is_named_by_path = files == (values["name"],)
    is_folder = is_named_by_path and _is_folder(files[0])
    notes = values.pop("notes")
    if is_named_by_path and re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", files[0]):
        notes += (f"'{files[0]}' is there on this machine, so it is not looked for on the hub.",)
    for key, places in (("data_dir", ("{}",)), ("config", ("{}", "data/{}")), ("revision", ())):
        if (value := values.pop(key, None)) is None:
            continue
        below = [f"{files[0].rstrip('/')}/{place.format(value)}" for place in places if is_folder]
        found = next((folder for folder in below if _is_folder(folder)), None)
        if found is not None:
            files = (found,)
        else:
            why = f", for '{files[0]}' has no folder of this name" if below else ""
            notes += (f"{where}.{key}: '{value}' says nothing about files of this machine{why}.",)
        if is_folder and key != "revision":
            values["name"] = f"{values['name']}/{value}"
    usual = "train" if is_folder else None
    return Origin(**{"split": usual, **values, "files": files, "exclude": exclude, "notes": notes})


def _of_hub(values: dict[str, Any]) -> Origin:
    """Named by id, config, folder and split, as far as they are given; the usual split goes without saying."""
    key = "id" if "id" in values else "name"
    _check_id(values[key], f"{values['where']}.{key}")
    parts = [values["name"], *(values.get(key) for key in ("config", "data_dir", "split"))]
    name = "/".join(part for part in parts if part).removesuffix("/train")
    return Origin(
        **{**values, "id": values.get("id", values["name"]), "name": values["name"] if "id" in values else name}
    )


def _check_id(identifier: str, where: str) -> None:
    """Raises UserError for what cannot be the id of a dataset, by the hub's own rule."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(identifier)
    except HFValidationError as error:
        owner, name, *folders = [*identifier.split("/"), ""]
        hint = str(error).split(": '")[0].replace("Repo id", "it").replace("Repo_id", "it")
        if any(folders) and owner and name:
            hint = f"write `{owner}/{name}`, and what follows as `config` or `data_dir`"
            if owner == "datasets":
                hint = f"write `{'/'.join([name, *filter(None, folders)])}`"
        raise UserError(
            f"{where}: '{identifier}' cannot be the id of a dataset, which is owner/name: {hint}. Nor is it a file or "
            "folder here."
        ) from None


def _of_recipe(path: Path) -> tuple[Origin, ...]:
    return tuple(
        _substituted(source, f"{path}: sources[{place}] ({source.name})")
        for place, source in enumerate(load_recipe(path).sources)
    )


def _substituted(source: RecipeSource, where: str) -> Origin:
    """The source as the recipe has it, or the files that a copy of the recipe puts in its place."""
    if source.files:
        return Origin(
            source.name, source.weight, files=source.files, split=None, text_field=source.text_field, where=where
        )
    if source.id is None or source.evidence in NOT_LOADABLE:
        raise UserError(
            f"{where}: no dataset of the hub is known to be this source. In a copy of the recipe, put `files` of your "
            "own there, or the id of a substitute and the evidence `guess`."
        )
    _check_id(source.id, where)
    return Origin(
        source.name,
        source.weight,
        id=source.id,
        config=source.config,
        split=source.split,
        revision=source.revision,
        text_field=source.text_field,
        evidence=source.evidence,
        where=where,
    )


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What two requests as JSON differ in, such as `seed: 1, before 0`; sources by name."""
    options, before = ({**each, **each["cleaning"]} for each in (one, other))
    parts = ("sources", "cleaning", "local")
    found = [
        f"{key}: {value}, before {before.get(key)}"
        for key, value in options.items()
        if key not in parts and value != before.get(key)
    ]
    mine, theirs = (
        {source["name"]: (source, each["local"].get(source["name"])) for source in each["sources"]}
        for each in (one, other)
    )
    found += [f"'{name}' is new" for name in mine if name not in theirs]
    found += [f"'{name}' is gone" for name in theirs if name not in mine]
    return found + [
        f"{'the files of ' if mine[name][0] == theirs[name][0] else ''}'{name}' changed"
        for name in mine
        if name in theirs and mine[name] != theirs[name]
    ]
