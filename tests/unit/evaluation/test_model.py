from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulsion.data.tokenizers import fingerprint
from emulsion.errors import UserError
from emulsion.evaluation import model as evaluated
from emulsion.evaluation.settings import EvaluationSettings
from emulsion.evaluation.suites import load_suites

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/evaluate.py"
ITEMS = [
    {
        "id": "c",
        "capability": "reasoning",
        "kind": "choice",
        "prompt": "1 + 3 =",
        "choices": [" 4", " 7"],
        "answer": 0,
    },
    {
        "id": "g",
        "capability": "creativity",
        "kind": "generation",
        "prompt": "Go",
        "checks": [{"min_lines": 1}],
    },
]


SEQUENCES = {"test": 40, "validation": 20}


class Store:
    """What the script uses of a token store: 40 test and 20 validation sequences of random tokens."""

    tokenizer = ""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source = folder, folder.name
        rng = np.random.default_rng(len(self.source))
        self.tokens = {split: rng.integers(0, 300, size=n * 48 + 1) for split, n in SEQUENCES.items()}

    @classmethod
    def open(cls, folder: Path, share: float) -> Store:
        return cls(folder)

    def verify(self, splits: Sequence[str]) -> None:
        """Random tokens have no checksum."""

    def count(self, split: str, context: int) -> int:
        return 0 if self.source == "empty" else (len(self.tokens[split]) - 1) // context

    def read(self, split: str, rows: np.ndarray, context: int) -> np.ndarray:
        return np.stack([self.tokens[split][row * context : (row + 1) * context + 1] for row in rows])


@pytest.fixture(autouse=True)
def stores(monkeypatch: pytest.MonkeyPatch, tokenizer_folder: Path) -> None:
    monkeypatch.setattr(Store, "tokenizer", fingerprint(tokenizer_folder))
    monkeypatch.setattr("emulsion.data.tokens.TokenStore", Store)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any, gpt2: Any) -> Path:
    """A model and a suite, as the workflow leaves them."""
    folder = tmp_path_factory.mktemp("evaluate")
    gpt2.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    (folder / "suite.json").write_text(json.dumps({"suite": "s", "items": ITEMS}))
    return folder


def evaluate(folder: Path, **settings: Any) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    suites = load_suites([folder / "suite.json"])
    return evaluated.evaluate_model(
        folder / "model", [Path("a"), Path("b")], suites, EvaluationSettings.of({"selection": False, **settings})
    )


def test_a_model_is_evaluated_on_every_source_and_every_suite(folder: Path) -> None:
    settings = {"test_sequences": 5, "samples": 2, "temperature": 0.7, "seed": 1, "batch": 4, "resamples": 50}
    perplexity, capabilities, records = evaluate(folder, **settings)
    assert list(perplexity["sources"]) == ["a", "b"]
    assert perplexity["sources"]["a"]["tokens"] == 5 * perplexity["context"] == 5 * 48
    assert len(perplexity["sources"]["a"]["sequence_losses"]) == 5
    assert {name: each["sequences"] for name, each in perplexity["validation"].items()} == {"a": 5, "b": 5}
    assert perplexity["validation"]["a"]["loss"] != perplexity["sources"]["a"]["loss"]
    assert set(capabilities["capabilities"]) == {"reasoning", "creativity"}
    assert [record["sample"] for record in records] == [0, 1]


def test_a_repeated_evaluation_gives_the_same(folder: Path) -> None:
    assert evaluate(folder) == evaluate(folder)


def test_sequences_are_spread_over_the_split(folder: Path) -> None:
    store = Store(Path("a"))
    read = evaluated.read_sequences([Path("a")], folder / "model", "test", 48, 3)["a"]
    np.testing.assert_array_equal(read, store.read("test", np.array([0, 13, 26]), 48))
    everything = evaluated.read_sequences([Path("a")], folder / "model", "test", 48, 10**6)["a"]
    np.testing.assert_array_equal(everything, store.read("test", np.arange(40), 48))


@pytest.mark.parametrize(
    ("names", "message"), [(["a", "x/a"], "given twice"), (["empty"], "no test sequence of 48 tokens")]
)
def test_sources_given_twice_or_too_short_are_refused(folder: Path, names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluated.read_sequences([Path(name) for name in names], folder / "model", "test", 48, 3)


def test_a_folder_without_a_model_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match="no model here"):
        evaluated.load_model(folder / "nowhere")


def test_a_store_of_another_tokenizer_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluated, "fingerprint", lambda _folder: "another")
    with pytest.raises(UserError, match="made with tokenizer"):
        evaluate(folder)


def test_a_mistake_is_one_line_and_exit_code_1(folder: Path, tmp_path: Path) -> None:
    options = {"model": folder / "model", "stores": folder / "a", "suites": folder / "suite.json"}
    options |= {name: tmp_path / f"{name}.json" for name in ("perplexity", "capabilities", "generations")}
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, str(SCRIPT), *flags, "--settings", '{"sample": 2}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Did you mean 'samples'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
