"""What to merge: the configuration of merge_datasets.py, or a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emulsion.data.recipes import NOT_LOADABLE, RecipeSource, load_recipe
from emulsion.errors import UserError
from emulsion.fields import SWITCH, TEXT, TEXTS, WEIGHT, Form, checked, entries, read_yaml
from emulsion.mixture import Mixture

# A configuration for plain concatenation may keep its sources in two lists.
LISTS = ("datasets", "english_datasets", "vietnamese_datasets")

DATASET_FIELDS: Mapping[str, Form] = {
    "name": TEXT,
    "weight": WEIGHT,
    "config": TEXT,
    "split": TEXT,
    "revision": TEXT,
    "files": TEXTS,
    "text_field": TEXT,
    "type": TEXT,
    "streaming": SWITCH,  # sources are always streamed, so it says nothing
}


@dataclass(frozen=True)
class Origin:
    """A source to merge: files of this machine, or else a dataset of the hub.

    text_field: the column of its text, where it is not a chat or the like; type: how chats are rendered, as in the
    configuration of the workflow. evidence: how well a recipe knows the id.
    """

    name: str
    weight: float | None
    files: tuple[str, ...] = ()
    id: str | None = None
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    text_field: str = "text"
    type: str = "text"
    evidence: str | None = None


@dataclass(frozen=True)
class Request:
    """Everything that decides the result, but for what is in the sources.

    seed: of the order within sources; None keeps it. Weighted, sources are interleaved by weight; otherwise one is
    read after the other.
    """

    sources: tuple[Origin, ...]
    weighted: bool
    seed: int | None
    shard_bytes: int
    max_samples: int | None = None
    max_passes: int | None = None
    tokenizer: str | None = None

    @property
    def mixture(self) -> Mixture:
        """Raises UserError where all weights are 0."""
        return Mixture({source.name: source.weight or 0.0 for source in self.sources}, "weights")

    def settled(self) -> dict[str, Any]:
        """As JSON; the tokenizer left out, for it is identified by its content and not by its folder."""
        return {key: value for key, value in asdict(self).items() if key != "tokenizer"}


def read_sources(path: Path, weighted: bool) -> tuple[Origin, ...]:
    """The sources of a configuration, which has `datasets:`, or of a recipe, which has `sources:`.

    Raises UserError for unknown and missing fields, two sources of one name, and sources that cannot be loaded.
    """
    found = read_yaml(path)
    if isinstance(found, Mapping) and "sources" in found:
        return _of_recipe(path)
    values = checked(found, {name: ("a list", lambda value: True) for name in LISTS}, (), str(path))
    if weighted and set(values) - {"datasets"}:
        raise UserError(f"{path}: --use-weights needs one list `datasets`, but there is {', '.join(values)}.")
    if not values:
        raise UserError(f"{path}: names no sources; list them under `datasets`.")
    listed = [
        (f"{path}: {key}[{place}]", entry)
        for key in LISTS
        if key in values
        for place, entry in enumerate(entries(values[key], f"{path}: {key}"))
    ]
    sources = tuple(_origin(entry, where, weighted) for where, entry in listed)
    seen: dict[str, str] = {}
    for source, (where, _) in zip(sources, listed, strict=True):
        if source.name in seen:
            raise UserError(f"{where}: '{source.name}' is there already, {seen[source.name]}.")
        seen[source.name] = where
    return sources


def _origin(entry: Any, where: str, weighted: bool) -> Origin:
    values = checked(entry, DATASET_FIELDS, ("name", "weight") if weighted else ("name",), where)
    values.pop("streaming", None)
    files = tuple(values.get("files", ()))
    if files:
        for field in ("config", "split", "revision"):
            if field in values:
                raise UserError(f"{where}.{field}: is of datasets of the hub, but `files` are read here.")
        return Origin(**{"weight": None, **values, "files": files})
    name = "/".join(str(part) for part in (values["name"], values.get("config"), values.get("split")) if part)
    # As the default split goes without saying, so does it in the name.
    return Origin(**{"weight": None, **values, "id": values["name"], "name": name.removesuffix("/train")})


def _of_recipe(path: Path) -> tuple[Origin, ...]:
    return tuple(
        _substituted(source, f"{path}: sources[{place}] ({source.name})")
        for place, source in enumerate(load_recipe(path).sources)
    )


def _substituted(source: RecipeSource, where: str) -> Origin:
    """The source as the recipe has it, or the files that a copy of the recipe puts in its place."""
    if source.files:
        return Origin(source.name, source.weight, files=source.files, text_field=source.text_field)
    if source.id is None or source.evidence in NOT_LOADABLE:
        raise UserError(
            f"{where}: no dataset of the hub is known to be this source. In a copy of the recipe, put `files` of your "
            "own there, or the id of a substitute and the evidence `guess`."
        )
    return Origin(
        source.name,
        source.weight,
        id=source.id,
        config=source.config,
        split=source.split,
        revision=source.revision,
        text_field=source.text_field,
        evidence=source.evidence,
    )
