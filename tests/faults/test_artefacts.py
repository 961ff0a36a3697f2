"""One flipped bit or half a file of what the workflow writes: its next reader names it and says what to make again."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from training_cases import MIXTURE, SPEC

from emulsion.data.tokens import TokenStore, join_stores, write_store
from emulsion.errors import UserError
from emulsion.evaluation.model import load_model, read_sequences
from emulsion.files import read_json, write_json
from emulsion.laws.law_registry import load_law, save_law
from emulsion.laws.linear import fit_linear_law
from emulsion.training.initial_weights import initial_weights
from emulsion.training.inputs import open_stores
from emulsion.training.log import read_log
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime
from small_corpus import corpus


def flip(file, place, bit=0):
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.fixture(scope="module")
def run(tmp_path_factory, store_folders, tokenizer):
    """The model folder of a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    torch.set_num_threads(1)
    write_json(folder / "mixture.json", MIXTURE)
    train_run(
        mixture_file=folder / "mixture.json",
        store_folders=list(store_folders.values()),
        tokenizer=tokenizer,
        spec_values=SPEC,
        output=folder / "run",
        checkpoints=folder / "checkpoints",
        runtime=Runtime(micro_batch=8),
    )
    return folder / "run"


@pytest.fixture
def model(run, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(run, tmp_path / "model")


VALUE = {"name": "mixed", "weights": {"web": 0.25, "books": 0.75}, "steps": [1, 2.5, None], "é": "ü"}


def test_a_bit_anywhere_in_a_json_file_is_noticed_or_changes_nothing(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, VALUE)
    whole, unnoticed = file.read_bytes(), 0
    for place in range(len(whole)):
        for bit in range(8):
            flip(file, place, bit)
            try:
                found = read_json(file)
            except UserError as error:
                assert str(error).startswith(f"{file}: ")
            else:
                assert found == VALUE
                unnoticed += 1
            file.write_bytes(whole)
    assert unnoticed < len(whole)  # white space for white space


def test_half_a_json_file_is_noticed_wherever_it_is_cut(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, VALUE)
    whole = file.read_bytes()
    for size in range(len(whole) - 2):
        file.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"a\.json: not valid JSON.* delete .*a\.json, then run snakemake for it"):
            read_json(file)


def test_an_edited_file_is_refused_and_taken_without_its_checksum(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, VALUE)
    file.write_text(file.read_text().replace("0.25", "0.35"))
    with pytest.raises(UserError, match=r"does not fit its checksum.* delete the line `checksum` instead"):
        read_json(file)
    file.write_text(re.sub(r',\n  "checksum": "[^"]*"', "", file.read_text()))
    assert read_json(file)["weights"]["web"] == 0.35


def test_a_key_that_the_checksum_would_hide_is_refused(tmp_path):
    with pytest.raises(ValueError, match="the file's own"):
        write_json(tmp_path / "a.json", {"checksum": 1})


def remade(split):
    return rf"{split}\.bin: (damaged|\d+ bytes, but its header says|missing).* delete .*, then run snakemake for"


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    "damage", [lambda file: flip(file, file.stat().st_size // 2), halve, Path.unlink], ids=["bit", "half", "gone"]
)
def test_a_damaged_token_store_is_refused_by_training_and_joining(tmp_path, store_folders, tokenizer, split, damage):
    store = shutil.copytree(store_folders["alpha"], tmp_path / "alpha")
    damage(store / f"{split}.bin")
    with pytest.raises(UserError, match=remade(split)):
        open_stores([store], tokenizer)
    with pytest.raises(UserError, match=remade(split)):
        join_stores(tmp_path / "joined", [store], {"source": "alpha"})


def test_a_damaged_test_split_is_refused_by_evaluation(tmp_path, run, store_folders):
    store = shutil.copytree(store_folders["alpha"], tmp_path / "alpha")
    flip(store / "test.bin", 100)
    with pytest.raises(UserError, match=remade("test")):
        read_sequences([store], run, "test", 24, 4)


def test_a_damaged_header_is_refused(tmp_path, store_folders):
    store = shutil.copytree(store_folders["alpha"], tmp_path / "alpha")
    header = store / "header.json"
    header.write_text(header.read_text().replace('"end_of_text": ', '"end_of_text": 1', 1))
    with pytest.raises(UserError, match=r"header\.json: damaged or edited"):
        TokenStore.open(store)


def test_tokens_are_read_once_a_process_and_again_when_they_change(tmp_path, tokenizer, monkeypatch):
    from emulsion.data import tokens

    write_store(tmp_path / "alpha", [corpus("alpha")], tokenizer, 0.2, {"source": "alpha"})
    read, original = [], tokens.sha256
    monkeypatch.setattr(tokens, "sha256", lambda file: (read.append(file), original(file))[1])
    for _ in range(3):
        TokenStore.open(tmp_path / "alpha").verify()
    assert len(read) == 3  # a file for each split
    flip(tmp_path / "alpha/train.bin", 0)
    with pytest.raises(UserError, match=remade("train")):
        TokenStore.open(tmp_path / "alpha").verify()


def test_a_damaged_mixture_is_refused(tmp_path, store_folders, tokenizer):
    mixture = tmp_path / "mixture.json"
    write_json(mixture, MIXTURE)
    mixture.write_text(mixture.read_text().replace("0.7", "0.5", 1))
    with pytest.raises(UserError, match=r"mixture\.json: damaged or edited"):
        train_run(
            mixture_file=mixture,
            store_folders=list(store_folders.values()),
            tokenizer=tokenizer,
            spec_values=SPEC,
            output=tmp_path / "run",
            checkpoints=tmp_path / "checkpoints",
            runtime=Runtime(micro_batch=8),
        )


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "generation_config.json", "tokenizer_config.json"]
)
@pytest.mark.parametrize("damage", [lambda file: flip(file, file.stat().st_size // 2), halve], ids=["bit", "half"])
def test_a_damaged_model_is_refused_by_evaluation_and_as_initial_weights(model, name, damage):
    damage(model / name)
    # Of some of them no rule is asked, so the remedy names the record.
    remedy = re.escape(f"delete {model / 'run.json'}, then run snakemake for it")
    for reader in (load_model, lambda folder: initial_weights({"weights": {"folder": "x"}}, folder)):
        with pytest.raises(UserError, match=rf"{re.escape(str(model / name))}: .*{remedy}"):
            reader(model)


def test_a_missing_file_of_a_model_is_named(model):
    (model / "generation_config.json").unlink()
    with pytest.raises(UserError, match=r"generation_config\.json: missing, and .*run\.json lists it"):
        load_model(model)


@pytest.mark.parametrize("damage", [lambda file: flip(file, 40), halve], ids=["bit", "half"])
def test_a_damaged_log_of_a_run_is_refused(model, damage):
    assert len(read_log(model / "training_log.jsonl")) == 12
    damage(model / "training_log.jsonl")
    with pytest.raises(UserError, match=r"training_log\.jsonl: damaged or edited.*snakemake"):
        read_log(model / "training_log.jsonl")


def test_a_damaged_record_is_refused(model):
    record = model / "run.json"
    record.write_text(record.read_text().replace('"steps": 12', '"steps": 13'))
    with pytest.raises(UserError, match=r"run\.json: damaged or edited.*snakemake"):
        load_model(model)


def test_a_damaged_law_is_refused(tmp_path):
    mixtures = [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2], [0.3, 0.5, 0.2], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]]
    law = fit_linear_law(torch.tensor(mixtures).double().numpy(), torch.tensor(mixtures).double().numpy()[:, :1])
    save_law(tmp_path / "law.json", law)
    assert load_law(tmp_path / "law.json").to_json() == law.to_json()
    halve(tmp_path / "law.json")
    with pytest.raises(UserError, match=r"law\.json: not valid JSON"):
        load_law(tmp_path / "law.json")
    save_law(tmp_path / "law.json", law)
    text = (tmp_path / "law.json").read_text()
    digit = re.search(r"\d\.\d", text)
    (tmp_path / "law.json").write_text(text[: digit.start()] + "7" + text[digit.start() + 1 :])
    with pytest.raises(UserError, match=r"law\.json: damaged or edited"):
        load_law(tmp_path / "law.json")
