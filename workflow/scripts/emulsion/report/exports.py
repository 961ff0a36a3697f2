"""A mixture as configuration snippets for other training projects, one function per target.

Weights here are shares of tokens. Targets that draw fixed-length sequences (nanotron, OLMo-core, Megatron-LM)
take them as they are. Those that draw or keep documents (axolotl, TRL, datasets) need them divided by the
sources' sizes, else sources of long documents would get more than their share.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from emulsion.errors import UserError
from emulsion.mixture import Mixture

DIGITS = 6  # of weights: a source below one token in a million is left out


@dataclass(frozen=True, kw_only=True)
class SourceSize:
    """The training text of a source: its tokens and documents, and the file of its documents (column `text`)."""

    tokens: int
    documents: int
    path: str

    @classmethod
    def of_store(cls, header: Mapping[str, Any]) -> SourceSize:
        """Of the training split of a token store, from its header."""
        train, source = header["splits"]["train"], header["source"]
        return cls(tokens=train["tokens"], documents=train["documents"], path=f"data/normalized/{source}.parquet")


Sizes = Mapping[str, SourceSize]


def rounded(weights: Mapping[str, float], digits: int = DIGITS) -> dict[str, float]:
    """The positive weights to `digits` digits, summing to exactly one (largest remainder)."""
    mixture, units = Mixture(weights), 10**digits
    counts = {source: math.floor(weight * units) for source, weight in mixture.items()}
    by_remainder = sorted(mixture, key=lambda source: counts[source] - mixture[source] * units)
    for source in by_remainder[: units - sum(counts.values())]:
        counts[source] += 1
    return {source: count / units for source, count in counts.items() if count}


def kept_shares(weights: Mapping[str, float], sizes: Sizes) -> dict[str, float]:
    """The share of each source's documents to keep, at most 1, so that what is kept has the weights in tokens."""
    per_token = {source: weight / _size(sizes, source).tokens for source, weight in rounded(weights).items()}
    most = max(per_token.values())
    return {source: value / most for source, value in per_token.items()}


def document_shares(weights: Mapping[str, float], sizes: Sizes) -> dict[str, float]:
    """The shares of documents that give the weights in tokens, at the sources' mean lengths."""
    lengths = {source: _size(sizes, source).tokens / sizes[source].documents for source in rounded(weights)}
    return rounded({source: weight / lengths[source] for source, weight in rounded(weights).items()})


def nanotron(weights: Mapping[str, float]) -> str:
    """A `data_stages` entry with a Nanoset per source (huggingface/nanotron, src/nanotron/config/config.py)."""
    shares = rounded(weights)
    folders = [f"data/nanosets/{source}" for source in shares]
    dataset = {"dataset_folder": folders, "dataset_weights": list(shares.values())}
    stage = {"name": "recommended mixture", "start_training_step": 1, "data": {"dataset": dataset}}
    stage["data"] |= {"num_loading_workers": 1, "seed": 42}  # type: ignore[operator]
    return _comment("nanotron: tokenise each source into its folder with tools/preprocess_data.py") + _yaml(
        {"data_stages": [stage]}
    )


def olmo_core(weights: Mapping[str, float], sizes: Sizes, tokens: int) -> str:
    """A SourceMixtureList (allenai/OLMo-core, src/olmo_core/data/source_mixture.py).

    tokens: the budget; where it wants more of a source than there is, the repetitions that allows are granted.
    """
    entries = []
    for source, share in rounded(weights).items():
        entry: dict[str, Any] = {"source_name": source, "target_ratio": share, "paths": [f"data/olmo/{source}/*.npy"]}
        epochs = share * tokens / _size(sizes, source).tokens
        if epochs > 1:
            entry["max_repetition_ratio"] = math.ceil(epochs * 100) / 100
        entries.append(entry)
    head = "OLMo-core: a SourceMixtureList, for SourceMixtureDatasetConfig(source_list=...)"
    return _comment(head) + _yaml({"sources": entries})


def megatron(weights: Mapping[str, float]) -> str:
    """The blend for --data-path: weights and prefixes in turn (NVIDIA/Megatron-LM, get_blend_from_list)."""
    blend = [f"{share:.{DIGITS}f} data/megatron/{source}_text_document" for source, share in rounded(weights).items()]
    return "--data-path \\\n  " + " \\\n  ".join(blend) + "\n"


def axolotl(weights: Mapping[str, float], sizes: Sizes) -> str:
    """A `datasets` list; `weight`, in (0, 1], is the share of a dataset's examples that is kept, not of the mix.

    axolotl-ai-cloud/axolotl, pull requests 3501 and 3690 (merged in May 2026); older versions have no weights.
    """
    datasets = [
        {
            "path": sizes[source].path,
            "ds_type": "parquet",
            "type": "completion",
            "field": "text",
            "weight": float(f"{share:.{DIGITS}g}"),
        }
        for source, share in kept_shares(weights, sizes).items()
    ]
    head = "axolotl (June 2026 or later): weight is the share of a dataset that is kept, worked out from its tokens"
    return _comment(head) + _yaml({"datasets": datasets})


def trl(weights: Mapping[str, float], sizes: Sizes) -> str:
    """A `datasets` list of TRL's DatasetMixtureConfig, which has no weights: a slice of each source is taken.

    huggingface/trl, trl/scripts/utils.py: the slices are concatenated, so one epoch over them has the shares.
    """
    datasets = [
        {
            "path": "parquet",
            "data_files": sizes[source].path,
            "split": f"train[:{max(1, round(share * sizes[source].documents))}]",
            "columns": ["text"],
        }
        for source, share in kept_shares(weights, sizes).items()
    ]
    head = "TRL: mixtures are concatenated, so the slices carry the weights; shuffle files that are in any order"
    return _comment(head) + _yaml({"datasets": datasets})


def interleave_datasets(weights: Mapping[str, float], sizes: Sizes) -> str:
    """Python for datasets.interleave_datasets, which draws documents: probabilities are of documents."""
    shares = document_shares(weights, sizes)
    files = {source: sizes[source].path for source in shares}
    return (
        "from datasets import interleave_datasets, load_dataset\n\n"
        f"files = {json.dumps(files, indent=4, ensure_ascii=False)}\n"
        "# Shares of documents that give the mixture's shares of tokens.\n"
        f"probabilities = {json.dumps(shares, indent=4, ensure_ascii=False)}\n"
        "mixture = interleave_datasets(\n"
        '    [load_dataset("parquet", data_files=files[source], split="train") for source in probabilities],\n'
        "    probabilities=list(probabilities.values()),\n"
        "    seed=42,\n"
        '    stopping_strategy="all_exhausted",  # repeats small sources instead of ending with the first\n'
        ")\n"
    )


def all_exports(weights: Mapping[str, float], sizes: Sizes, tokens: int, stages: int = 1) -> dict[str, dict[str, str]]:
    """{target: {"language", "text"}} for every target; that of a mixture with stages says that it leaves them out."""
    head = f"The shares of the whole run; the {stages} stages of the mixture are left out." if stages > 1 else ""
    exports = {
        "nanotron": {"language": "yaml", "text": nanotron(weights)},
        "OLMo-core": {"language": "yaml", "text": olmo_core(weights, sizes, tokens)},
        "Megatron-LM": {"language": "sh", "text": megatron(weights)},
        "axolotl": {"language": "yaml", "text": axolotl(weights, sizes)},
        "TRL": {"language": "yaml", "text": trl(weights, sizes)},
        "datasets.interleave_datasets": {"language": "python", "text": interleave_datasets(weights, sizes)},
    }
    return {name: {**each, "text": f"{_comment(head) if head else ''}{each['text']}"} for name, each in exports.items()}


def config_block(
    weights: Mapping[str, float], name: str = "recommended", stages: Sequence[Mapping[str, Any]] = ()
) -> str:
    """The mixture as a strategy of Emulsion's own config.yaml; with its stages where there is more than one."""
    if len(stages) < 2:
        return f"strategies:\n  {name}:\n    ratios: {_flow(_short(weights))}\n"
    lines = [f"      - {{until: {stage['until']:g}, ratios: {_flow(_short(stage['weights']))}}}" for stage in stages]
    return "\n".join(["strategies:", f"  {name}:", "    stages:", *lines, ""])


def _short(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights to four digits, or as many more as the smallest takes to be there."""
    least = min(weight for weight in Mixture(weights).values() if weight > 0)
    return rounded(weights, min(DIGITS, max(4, math.ceil(-math.log10(least)))))


def _flow(ratios: Mapping[str, float]) -> str:
    return str(yaml.safe_dump(ratios, default_flow_style=True, sort_keys=False, width=math.inf)).strip()


def _size(sizes: Sizes, source: str) -> SourceSize:
    size = sizes.get(source)
    if size is None or size.tokens < 1 or size.documents < 1:
        raise UserError(f"exports: the tokens and documents of source '{source}' are not known.")
    return size


def _comment(text: str) -> str:
    return f"# {text}\n"


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
