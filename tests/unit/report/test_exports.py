"""Exports: what another project reads from the snippet is the mixture, in shares of tokens."""

from __future__ import annotations

import ast
import re
import shlex

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.report.exports import (
    SourceSize,
    all_exports,
    axolotl,
    config_block,
    document_shares,
    interleave_datasets,
    kept_shares,
    megatron,
    nanotron,
    olmo_core,
    rounded,
    trl,
)

WEIGHTS = {"openhermes": 0.31, "cosmopedia": 0.4123456, "magpie": 0.0, "fineweb": 0.2776544}
SIZES = {
    "openhermes": SourceSize(tokens=1_000_000, documents=2_000, path="data/normalized/openhermes.parquet"),
    "cosmopedia": SourceSize(tokens=4_000_000, documents=3_000, path="data/normalized/cosmopedia.parquet"),
    "magpie": SourceSize(tokens=500_000, documents=4_000, path="data/normalized/magpie.parquet"),
    "fineweb": SourceSize(tokens=9_000_000, documents=5_000, path="data/normalized/fineweb.parquet"),
}
USED = {source: weight for source, weight in WEIGHTS.items() if weight}


def _tokens(kept: dict[str, float]) -> dict[str, float]:
    """The shares of tokens in what is left when a share of each source is kept."""
    tokens = {source: share * SIZES[source].tokens for source, share in kept.items()}
    return {source: count / sum(tokens.values()) for source, count in tokens.items()}


def _source(path: str) -> str:
    return path.split("/")[-1].removesuffix(".parquet").removesuffix("_text_document")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12).filter(lambda w: sum(w) > 0.01), st.integers(2, 6))
def test_rounded_weights_sum_to_one_and_are_off_by_less_than_a_unit(weights: list[float], digits: int) -> None:
    mixture = {f"s{i}": weight / sum(weights) for i, weight in enumerate(weights)}
    found = rounded(mixture, digits)
    assert round(sum(round(weight * 10**digits) for weight in found.values())) == 10**digits
    assert all(abs(found.get(s, 0) - weight) < 10**-digits for s, weight in mixture.items())
    assert min(found.values()) > 0


def test_nanotron_reads_folders_and_their_weights_in_the_same_order() -> None:
    stage = yaml.safe_load(nanotron(WEIGHTS))["data_stages"][0]
    dataset = stage["data"]["dataset"]
    pairs = dict(zip(map(_source, dataset["dataset_folder"]), dataset["dataset_weights"], strict=True))
    assert pairs == pytest.approx(USED, abs=1e-6)
    assert stage["start_training_step"] == 1


def test_olmo_core_reads_ratios_that_sum_to_one_and_repetitions_where_they_are_needed() -> None:
    sources = yaml.safe_load(olmo_core(WEIGHTS, SIZES, tokens=10_000_000))["sources"]
    assert {each["source_name"]: each["target_ratio"] for each in sources} == pytest.approx(USED, abs=1e-6)
    assert sum(each["target_ratio"] for each in sources) == pytest.approx(1)
    # 3.1 of 1 million tokens, 4.123456 of 4; of fineweb there is enough.
    assert [each.get("max_repetition_ratio") for each in sources] == [3.1, 1.04, None]
    for each in sources:
        enough = SIZES[each["source_name"]].tokens * each.get("max_repetition_ratio", 1.0)
        assert enough >= int(each["target_ratio"] * 10_000_000)


def test_megatron_reads_weights_and_prefixes_in_turn() -> None:
    words = shlex.split(megatron(WEIGHTS).replace("\\\n", " "))
    assert words[0] == "--data-path" and len(words[1:]) % 2 == 0
    assert {_source(p): float(w) for w, p in zip(words[1::2], words[2::2], strict=True)} == pytest.approx(
        USED, abs=1e-6
    )


def test_axolotl_keeps_shares_of_the_sources_that_leave_the_mixture() -> None:
    datasets = yaml.safe_load(axolotl(WEIGHTS, SIZES))["datasets"]
    kept = {_source(each["path"]): each["weight"] for each in datasets}
    assert all(0 < weight <= 1 for weight in kept.values()) and max(kept.values()) == 1
    assert _tokens(kept) == pytest.approx(USED, abs=1e-5)


def test_trl_slices_leave_the_mixture() -> None:
    datasets = yaml.safe_load(trl(WEIGHTS, SIZES))["datasets"]
    assert all(set(each) == {"path", "data_files", "split", "columns"} for each in datasets)
    slices = {_source(each["data_files"]): int(re.fullmatch(r"train\[:(\d+)\]", each["split"])[1]) for each in datasets}
    kept = {source: count / SIZES[source].documents for source, count in slices.items()}
    assert _tokens(kept) == pytest.approx(USED, abs=2e-3)


def test_interleaving_draws_documents_so_that_tokens_have_the_shares() -> None:
    lengths = {source: size.tokens / size.documents for source, size in SIZES.items()}
    tokens = {source: share * lengths[source] for source, share in document_shares(WEIGHTS, SIZES).items()}
    shares = {source: count / sum(tokens.values()) for source, count in tokens.items()}
    assert shares == pytest.approx(USED, abs=1e-5)


def test_the_interleaving_code_runs_and_mixes(tmp_path) -> None:
    sizes = {}
    for source, length in {"short": 10, "long": 40}.items():
        path = tmp_path / f"{source}.parquet"
        pd.DataFrame({"text": [source * length] * 400}).to_parquet(path)
        sizes[source] = SourceSize(tokens=400 * length, documents=400, path=str(path))
    code = interleave_datasets({"short": 0.5, "long": 0.5}, sizes)
    scope: dict = {}
    exec(code.replace('split="train"', f'split="train", cache_dir={str(tmp_path / "cache")!r}'), scope)
    counts = pd.Series(scope["mixture"]["text"]).str.startswith("short").mean()
    assert counts == pytest.approx(0.8, abs=0.05)  # four short documents for each long one


def test_every_target_is_exported_and_parses() -> None:
    exports = all_exports(WEIGHTS, SIZES, 10_000_000)
    assert list(exports) == ["nanotron", "OLMo-core", "Megatron-LM", "axolotl", "TRL", "datasets.interleave_datasets"]
    for each in exports.values():
        assert "magpie" not in each["text"]  # of weight zero
        {"yaml": yaml.safe_load, "python": ast.parse, "sh": shlex.split}[each["language"]](each["text"])


def test_exports_of_a_mixture_with_stages_say_that_they_leave_them_out() -> None:
    plain = all_exports(WEIGHTS, SIZES, 10_000_000)
    for target, each in all_exports(WEIGHTS, SIZES, 10_000_000, stages=3).items():
        said = "# The shares of the whole run; the 3 stages of the mixture are left out.\n"
        assert each["text"] == said + plain[target]["text"]


def test_the_config_block_is_a_strategy_of_ours() -> None:
    block = yaml.safe_load(config_block(WEIGHTS))
    assert block["strategies"]["recommended"]["ratios"] == pytest.approx(USED, abs=1e-4)
    assert config_block({"a": 1, "b": 3}, "mine") == "strategies:\n  mine:\n    ratios: {a: 0.25, b: 0.75}\n"


def test_a_source_of_a_small_weight_stays_in_the_block():
    block = yaml.safe_load(config_block({"a": 0.99998, "b": 0.00002}))
    assert block["strategies"]["recommended"]["ratios"] == {"a": 0.99998, "b": 0.00002}


def test_a_block_of_many_sources_stays_on_one_line() -> None:
    assert config_block({f"a_source_of_some_length_{i}": 1.0 for i in range(20)}).count("\n") == 3


def test_a_source_of_unknown_size_is_named() -> None:
    with pytest.raises(UserError, match="'fineweb'"):
        kept_shares(WEIGHTS, {source: size for source, size in SIZES.items() if source != "fineweb"})
    with pytest.raises(UserError, match="'a'"):
        document_shares({"a": 1.0}, {"a": SourceSize(tokens=10, documents=0, path="a")})


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(0, 100))
def test_kept_shares_always_give_the_weights_in_tokens(weights: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = {
        f"s{i}": SourceSize(tokens=int(rng.integers(10, 10**9)), documents=5, path="") for i in range(len(weights))
    }
    mixture = {f"s{i}": weight for i, weight in enumerate(weights)}
    kept = kept_shares(mixture, sizes)
    tokens = {source: share * sizes[source].tokens for source, share in kept.items()}
    expected = {source: weight / sum(weights) for source, weight in mixture.items()}
    assert {s: t / sum(tokens.values()) for s, t in tokens.items()} == pytest.approx(expected, abs=2e-6)
    assert max(kept.values()) == 1


def test_a_curriculum_is_recommended_with_its_stages():
    stages = [{"until": 0.5, "weights": {"a": 1.0, "b": 3.0}}, {"until": 1.0, "weights": {"a": 1.0}}]
    block = yaml.safe_load(config_block({"a": 0.6, "b": 0.4}, stages=stages))
    assert block["strategies"]["recommended"]["stages"] == [
        {"until": 0.5, "ratios": {"a": 0.25, "b": 0.75}},
        {"until": 1, "ratios": {"a": 1.0}},
    ]
