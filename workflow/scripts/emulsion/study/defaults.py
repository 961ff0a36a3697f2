"""What the configuration leaves out and its schema cannot say, since it depends on the sources.

All of it is written into the configuration, in place, as if it stood there: entries of `tokenizers`, `models` and
`training` under the experiment's name, mixtures to compare, and tokens for a time budget. It depends on the
configuration and on the size of local files, never on the machine, so that a cluster's nodes agree on what is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulsion.data.sources.local import local_files
from emulsion.errors import UserError
from emulsion.methods.presets import allocation, published
from emulsion.study import sizes
from emulsion.study.budget import planned_cost
from emulsion.study.catalogue import kind_block
from emulsion.study.check_figures import drawable
from emulsion.study.experiment import Experiment

Settings = dict[str, Any]

KINDS = {
    "sources": ("local", "hub", "web", "group", "synthetic"),
    "tokenizers": ("bpe", "pretrained"),
    "suites": ("file", "synthetic"),
}
# Of a source whose size is not known before it is fetched.
_UNKNOWN_BYTES = 10e6
_DOCUMENT_BYTES = {"hub": 2000, "synthetic": 400}
_BYTES_OF_A_HUB_TOKEN = 4
# How much larger text is than its file.
_PACKED = {".gz": 3.0, ".zst": 3.5, ".parquet": 2.0}
_MOST_TOKENIZER_MEGABYTES = 20
# Passes over all sources that a time budget is spent on at most: more learns little (Muennighoff et al., 2305.16264).
_PASSES = 2
# Batches that a run should have at least, for its loss to say something of its mixture.
_LEAST_STEPS = 100
# At which the hours are taken, which are linear in tokens: all rounds and branches fit into runs so long.
_MANY_STEPS = 1_000_000
_ROUNDED = 1000

_SECTIONS = ("tokenizers", "models", "training")

SWARM = "spread"
MIXTURES: dict[str, Settings] = {
    "uniform": {"kind": "stratified"},
    "proportional": {"kind": "proportional"},
    # Every share but a hundredth is free: caps on epochs keep small sources from being repeated too often.
    "optimum": {"kind": "optimum", "swarm": SWARM, "objective": "mean_loss", "bounds": [0.01, 1.0]},
}
_SWARM: Settings = {"points": {"kind": "spread", "bounds": [0.01, 1.0]}, "batch": 3}


def kinds(config: Settings) -> Iterator[str]:
    """Set the kind of each source, tokenizer and suite that has one block, in place; what is wrong with the others."""
    for section, blocks in KINDS.items():
        for name, entry in config[section].items():
            if "kind" not in entry:
                found = [block for block in blocks if entry.get(block) is not None]
                if len(found) == 1:
                    entry["kind"] = found[0]
                else:
                    why = f"there are blocks for {' and '.join(found)}" if found else "and so is its block"
                    yield f"{section}.{name}: 'kind' is missing, {why}; one of {', '.join(blocks)}."


def unread_blocks(config: Settings, layers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Entries that an overlay gives another block than that of their kind and no kind, so that it would not be read."""
    for section, blocks in KINDS.items():
        for name, entry in config[section].items():
            written = [(layer.get(section) or {}).get(name) or {} for layer in layers]
            last: Settings = next((each for each in reversed(written) if {"kind", *blocks} & each.keys()), {})
            found = [block for block in blocks if last.get(block) is not None]
            if found and "kind" not in last and entry["kind"] not in found:
                yield (
                    f"{section}.{name}: its kind is '{entry['kind']}' in a file below, and `{found[0]}` would not be "
                    f"read. Add `kind: {found[0]}`, or take another name."
                )


def presets(config: Settings) -> Iterator[str]:
    """Set the published settings that methods and swarms name, where they say nothing else, in place; unknown names."""
    for section in ("methods", "swarms"):
        for name, entry in config[section].items():
            if not (chosen := entry.get("presets")):
                continue
            try:
                if section == "methods":
                    entry.update({**published(entry["kind"], **chosen), **entry})
                elif "count" not in entry["points"]:
                    # Points of a fixed number, as of `corners`, do not read it.
                    entry["points"]["count"] = allocation(**chosen).runs
            except UserError as error:
                yield f"{section}.{name}.{error}"


def mixtures(config: Settings) -> None:
    """Set what is compared by experiments that say nothing of it, in place, and the figures that show it."""
    for name, settings in config["experiments"].items():
        if any(settings[key] for key in ("strategies", "methods", "singles", "laws")):
            continue
        settings["singles"] = True
        if len(settings["sources"]) > 1:
            settings["methods"] = list(MIXTURES)
            for method, entry in MIXTURES.items():
                config["methods"].setdefault(method, dict(entry))
            config["swarms"].setdefault(SWARM, {**_SWARM, "points": dict(_SWARM["points"])})
        if not any(figure.startswith(f"{name}_") for figure in config["figures"]):
            config["figures"] += [f"{name}_{figure}" for figure in drawable(config, name)]


def sizes_of_runs(config: Settings) -> Iterator[str]:
    """Set tokenizer, model, training and tokens of experiments that leave them out, in place; what cannot be set.

    All names of the configuration must be known, and its methods of the right form.
    """
    for name, settings in config["experiments"].items():
        hours = settings["budget"]["hours"]
        if not isinstance(hours, dict):
            settings["budget"]["hours"] = hours = {"total": hours}
        try:
            _set_sizes(config, name, settings, hours.get("total"))
        except UserError as error:
            yield str(error)


def _set_sizes(config: Settings, name: str, settings: Settings, hours: float | None) -> None:
    text = {source: text_bytes(config, source) for source in settings["sources"]}
    if "tokens" in settings:
        _set_sections(config, name, settings, text, sizes.rung_for(settings["tokens"], sum(text.values())))
        return
    if hours is None:
        raise UserError(
            f"experiments.{name}: 'tokens' is missing; say how many tokens a run has, or how long all may take: "
            "`budget: {hours: 0.5}`."
        )
    for rung in reversed(sizes.LADDER):
        trial = {**config, **{key: dict(config[key]) for key in _SECTIONS}}
        trial["experiments"] = {**config["experiments"], name: (chosen := dict(settings))}
        _set_sections(trial, name, chosen, text, rung)
        vocab_size = kind_block(trial["tokenizers"][chosen["tokenizer"]])["vocab_size"]
        most = _PASSES * sum(text.values()) * (1 - 2 * config["held_out"]) / sizes.bytes_per_token(vocab_size)
        is_last = rung is sizes.LADDER[0] or "model" in settings
        try:
            chosen["tokens"] = _tokens_within(trial, name, hours, most)
        except UserError:
            if is_last:
                raise
            continue
        if is_last or chosen["tokens"] >= sizes.TOKENS_PER_PARAMETER * sizes.parameters(rung, sum(text.values())):
            config.update({key: trial[key] for key in _SECTIONS})
            settings.update(chosen)
            return


def _set_sections(config: Settings, name: str, settings: Settings, text: dict[str, float], rung: sizes.Rung) -> None:
    """Set tokenizer, model and training, each by the experiment's name where it is left out."""
    if "model" in settings:
        rung = sizes.rung_of_width(config["models"][settings["model"]]["hidden_size"])
    vocab_size = sizes.vocabulary(sum(text.values()), rung.vocabulary)
    if settings.setdefault("tokenizer", name) == name:
        megabytes = min(_MOST_TOKENIZER_MEGABYTES, max(0.1, round(sum(text.values()) / 1e6, 1)))
        bpe = {"vocab_size": vocab_size, "sources": list(settings["sources"]), "megabytes": megabytes}
        config["tokenizers"].setdefault(name, {"kind": "bpe", "bpe": bpe})
    if settings.setdefault("model", name) == name:
        held_out = min(text.values()) * config["held_out"] / sizes.bytes_per_token(vocab_size)
        config["models"].setdefault(name, sizes.model_of(rung, held_out))
    if settings.setdefault("training", name) == name:
        config["training"].setdefault(name, sizes.training_of(rung, config["models"][settings["model"]]))


def _tokens_within(config: Settings, name: str, hours: float, most: float) -> int:
    """Tokens of each run with which an experiment takes `hours` of its device, `most` at most; whole batches.

    Raises UserError where starting and evaluating its runs leaves too little time to train them.
    """
    batch = _batch_tokens(config, name)
    least, many = _LEAST_STEPS * batch, _MANY_STEPS * batch
    try:
        low, high = (_hours_of(config, name, tokens) for tokens in (many, 2 * many))
    except UserError as error:
        raise UserError(f"experiments.{name}: {error}") from None
    slope = (high - low) / many
    shortest = low - slope * (many - least)
    if shortest > hours:
        raise UserError(
            f"experiments.{name}.budget.hours: {hours:g} hours are too few: its runs would take {shortest:.3g} with "
            f"{_LEAST_STEPS} steps each. Give it more time, fewer seeds or fewer mixtures, or say `tokens`."
        )
    affordable = least + (hours - shortest) / slope if slope else most
    tokens = max(min(affordable, most), least)
    step = max(batch, _ROUNDED // batch * batch)
    return int(tokens // step * step)


def _hours_of(config: Settings, name: str, tokens: int) -> float:
    """Hours of its device that an experiment takes with `tokens` a run."""
    settings = {**config["experiments"][name], "tokens": tokens}
    changed = {**config, "experiments": {**config["experiments"], name: settings}}
    return planned_cost(Experiment(changed, name))["total"]["hours"]


def _batch_tokens(config: Settings, name: str) -> int:
    settings = config["experiments"][name]
    context = config["models"][settings["model"]]["context"]
    return int(max(1, config["training"][settings["training"]]["batch_tokens"] // context) * context)


def text_bytes(config: Settings, source: str) -> float:
    """Bytes of text of a source, as far as they can be told before it is fetched."""
    entry = config["sources"][source]
    block = entry[entry["kind"]]
    if entry["kind"] == "local":
        files = local_files(source, block)
        return max(1.0, sum(file.stat().st_size * _PACKED.get(file.suffix.lower(), 1.0) for file in files))
    if "tokens" in block:
        return float(block["tokens"]) * _BYTES_OF_A_HUB_TOKEN
    if "documents" in block:
        return float(block["documents"]) * _DOCUMENT_BYTES[entry["kind"]]
    return _UNKNOWN_BYTES
