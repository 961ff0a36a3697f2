"""What all tests share: no network, and a small corpus tokenised once."""

from __future__ import annotations

import compileall
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Matrices of tests are small: further threads wait actively for each other, and read this when libraries are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from emulsion.data.tokenizers import train_bpe
from emulsion.data.tokens import TokenStore, write_store
from small_corpus import WORDS, corpus

# How fast a machine is decides no test.
hypothesis_settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any speed")


def pytest_configure(config: pytest.Config) -> None:
    """Thousands of small processes load the library: it is compiled once, and copies of the project take that along."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(config.rootpath / "workflow/scripts", quiet=2)


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for the disk; those of `tests/faults` see what is synced."""
    monkeypatch.setattr("emulsion.files.sync", lambda path: None)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of 300 tokens, trained on the small sources."""
    folder = tmp_path_factory.mktemp("tokenizer") / "small"
    train_bpe((text for source in WORDS for text in corpus(source)[1]), 300, folder)
    return folder


@pytest.fixture(scope="session")
def store_folders(tmp_path_factory: pytest.TempPathFactory, tokenizer: Path) -> dict[str, Path]:
    """{source: folder of its token store}."""
    root = tmp_path_factory.mktemp("stores")
    for source in WORDS:
        provenance = {"source": source, "kind": "local", "licence": "unstated"}
        write_store(root / source, [corpus(source)], tokenizer, 0.2, provenance)
    return {source: root / source for source in WORDS}


@pytest.fixture(scope="session")
def stores(store_folders: dict[str, Path]) -> dict[str, TokenStore]:
    return {source: TokenStore.open(folder) for source, folder in store_folders.items()}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that no process is left alone with them."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
