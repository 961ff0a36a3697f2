"""Every file that counts is on the disk before it has its name: a recorder of what is written, synced and renamed."""

import ast
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from matplotlib.figure import Figure
from training_cases import MIXTURE, SPEC

from emulsion import files
from emulsion.data.tokenizers import train_bpe
from emulsion.data.tokens import join_stores, write_store
from emulsion.figures.style import save as save_figure
from emulsion.training import owner as owners
from emulsion.training.journal import Journal
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime
from small_corpus import corpus

SYNC = files.sync
SCRIPTS = Path(files.__file__).parents[1]


class Disk:
    """What a disk is sure of: contents that were synced, by file number; names whose folder was synced after."""

    def __init__(self, folder):
        self.folder, self.contents, self.loose, self.named = folder, {}, {}, []

    def sync(self, path):
        SYNC(path)
        path = Path(path)
        self.contents[path.stat().st_ino] = self.state(path)
        for name in [name for name, folder in self.loose.items() if folder == path.resolve()]:
            del self.loose[name]

    def rename(self, source, target):
        """A name that the workflow gives; hidden names do not count, nor does who owned a run before a power cut."""
        target = Path(target)
        if (
            not target.resolve().is_relative_to(self.folder)  # such as bytecode of what is imported meanwhile
            or target.name == owners.FILE
            or target.name.startswith(".")
            or any(part.endswith(".part") for part in target.parent.parts)
        ):
            return
        source = Path(source)
        for entry in [source, *source.rglob("*")] if source.is_dir() else [source]:
            assert self.contents.get(entry.stat().st_ino) == self.state(entry), f"{entry} -> {target}: not on the disk"
        self.named.append(target)
        self.loose[target] = target.parent.resolve()

    @staticmethod
    def state(path):
        return sorted(entry.name for entry in path.iterdir()) if path.is_dir() else path.read_bytes()


@pytest.fixture
def disk(monkeypatch, tmp_path):
    recorder = Disk(tmp_path)
    monkeypatch.setattr(files, "sync", recorder.sync)
    for owner, name in ((os, "replace"), (os, "rename"), (Path, "replace"), (Path, "rename")):
        original = getattr(owner, name)

        def recorded(source, target, *more, original=original, **options):
            recorder.rename(source, target)
            return original(source, target, *more, **options)

        monkeypatch.setattr(owner, name, recorded)
    yield recorder
    assert not recorder.loose, "folders that were not synced after a file took its name there"


def parquet(folder):
    table = pa.table({"text": ["a", "b"]})
    with files.whole_file(folder / "rows.parquet") as part:
        pq.write_table(table, part)


def draws(folder):
    figure = Figure()
    figure.add_subplot()
    save_figure(figure, folder / "figure.png")


WRITERS = {
    "json": lambda folder: files.write_json(folder / "new/folder/a.json", {"a": 1}),
    "text": lambda folder: files.write_text(folder / "a.md", "words"),
    "jsonl": lambda folder: files.write_jsonl(folder / "a.jsonl", [{"a": 1}]),
    "parquet": parquet,
    "figure": draws,
    "journal": lambda folder: Journal(folder / "journal").keep({"a": 1}, {"b": 2}),
    "tokenizer": lambda folder: train_bpe(["some words to learn"] * 20, 300, folder / "tokenizer"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_is_synced_before_it_has_its_name_and_its_folder_after(disk, tmp_path, name):
    for _ in range(2):  # the second time in the place of the first
        before = len(disk.named)
        WRITERS[name](tmp_path)
        assert len(disk.named) > before
    assert not list(tmp_path.rglob(".*.part"))


def test_a_token_store_is_synced_before_it_has_its_name(disk, tmp_path, tokenizer):
    told = {"source": "alpha", "kind": "local", "licence": "unstated"}
    for name in ("one", "two"):
        write_store(tmp_path / name, [corpus("alpha")], tokenizer, 0.2, told)
    join_stores(tmp_path / "joined", [tmp_path / "one", tmp_path / "two"], told)
    assert list(dict.fromkeys(disk.named)) == [tmp_path / name for name in ("one", "two", "joined")]


def test_all_that_a_training_leaves_is_synced_before_it_has_its_name(disk, tmp_path, tokenizer, store_folders):
    torch.set_num_threads(1)
    files.write_json(tmp_path / "mixture.json", MIXTURE)
    train_run(
        mixture_file=tmp_path / "mixture.json",
        store_folders=list(store_folders.values()),
        tokenizer=tokenizer,
        spec_values={**SPEC, "tokens": 4 * 8 * 24},
        output=tmp_path / "run",
        checkpoints=tmp_path / "checkpoints",
        runtime=Runtime(micro_batch=8, checkpoint_seconds=0.0),
    )
    named = [path.name for path in disk.named]
    assert {"run", "mixture.json", "training_log.jsonl", "step-000000003"} <= set(named)


def test_the_recorder_finds_what_is_not_synced(tmp_path):
    recorder = Disk(tmp_path)
    (tmp_path / "a").write_text("1")
    with pytest.raises(AssertionError, match="not on the disk"):
        recorder.rename(tmp_path / "a", tmp_path / "b")
    recorder.sync(tmp_path / "a")
    (tmp_path / "a").write_text("2")
    with pytest.raises(AssertionError, match="not on the disk"):
        recorder.rename(tmp_path / "a", tmp_path / "b")


def test_a_kill_before_the_last_step_leaves_what_was_there(tmp_path, monkeypatch):
    files.write_json(tmp_path / "a.json", {"a": 1})

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(files, "sync", dies)
        files.write_json(tmp_path / "a.json", {"a": 2})
    assert files.read_json(tmp_path / "a.json") == {"a": 1}


# Who may give names or open files for writing without `files`: where, and why nothing is lost by it.
EXCEPTIONS = {
    "emulsion/files.py": "the one place",
    "emulsion/training/owner.py": "after a power cut nobody owns anything",
    "emulsion/training/checkpoint.py": "sets a damaged checkpoint aside, and syncs the folder",
    "emulsion/drivers.py": "notes of calls of Snakemake, which mean nothing after a power cut",
    "emulsion/tables.py": "seals a file that lies beside its name",
    "emulsion/training/journal.py": "sets a damaged row aside; it is measured again",
    "emulsion/training/log.py": "appends to the log of a run in progress; checkpoints have a copy",
    "emulsion/data/sources/transfer.py": "a partial download, whose length or hash is checked",
}
WRITES = {"write_text", "write_bytes", "replace", "rename", "open"}
WITHIN = {"whole_file", "whole_folder"}


def writers(tree):
    """Lines that open a file for writing, or give a name by `os` or `Path`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            words = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            opens = node.func.attr == "open" and any(set(word) & set("wax+") and len(word) <= 3 for word in words)
            path = node.func.attr in ("write_text", "write_bytes") or (
                node.func.attr in ("replace", "rename") and len(node.args) == 1 and not node.keywords
            )
            if opens or path:
                yield node.lineno


@pytest.mark.parametrize("file", sorted(SCRIPTS.rglob("*.py")), ids=lambda file: str(file.relative_to(SCRIPTS)))
def test_no_module_writes_a_file_past_the_one_place(file):
    text = file.read_text()
    if str(file.relative_to(SCRIPTS)) in EXCEPTIONS:
        return
    lines = list(writers(ast.parse(text)))
    assert not lines or any(name in text for name in (*WITHIN, "create_splits")), lines
