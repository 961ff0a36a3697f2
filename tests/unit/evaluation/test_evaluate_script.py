from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evaluate
from emulsion.errors import UserError
from emulsion.tokenizers import fingerprint

SCRIPT = Path(evaluate.__file__)
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


class Store:
    """What the script uses of a token store: 40 test sequences of random tokens, named after their folder."""

    tokenizer = ""

    def __init__(self, folder: Path) -> None:
        self.source = folder.name
        self.tokens = np.random.default_rng(len(self.source)).integers(0, 300, size=40 * 48 + 1)

    @classmethod
    def open(cls, folder: Path) -> Store:
        return cls(folder)

    def count(self, split: str, context: int) -> int:
        assert split == "test"
        return 0 if self.source == "empty" else (len(self.tokens) - 1) // context

    def read(self, split: str, rows: np.ndarray, context: int) -> np.ndarray:
        assert split == "test"
        return np.stack([self.tokens[row * context : (row + 1) * context + 1] for row in rows])


@pytest.fixture(autouse=True)
def stores(monkeypatch: pytest.MonkeyPatch, tokenizer_folder: Path) -> None:
    monkeypatch.setattr(Store, "tokenizer", fingerprint(tokenizer_folder))
    monkeypatch.setattr(evaluate, "TokenStore", Store)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any, gpt2: Any) -> Path:
    """A model and a suite, as the workflow leaves them."""
    folder = tmp_path_factory.mktemp("evaluate")
    gpt2.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    (folder / "suite.json").write_text(json.dumps({"suite": "s", "items": ITEMS}))
    return folder


def arguments(folder: Path, out: Path, **changes: str) -> list[str]:
    options = {"model": folder / "model", "suites": folder / "suite.json"} | changes
    options |= {name: out / f"{name}.json" for name in ("perplexity", "capabilities", "generations")}
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return [*flags, "--stores", str(folder / "a"), str(folder / "b")]


def test_the_script_writes_losses_capabilities_and_texts(folder: Path, tmp_path: Path) -> None:
    settings = json.dumps(
        {"test_sequences": 5, "samples": 2, "temperature": 0.7, "seed": 1, "batch": 4, "resamples": 50}
    )
    assert evaluate.main(arguments(folder, tmp_path, settings=settings)) == 0
    perplexity = json.loads((tmp_path / "perplexity.json").read_text())
    assert list(perplexity["sources"]) == ["a", "b"]
    assert perplexity["sources"]["a"]["tokens"] == 5 * perplexity["context"] == 5 * 48
    capabilities = json.loads((tmp_path / "capabilities.json").read_text())
    assert set(capabilities["capabilities"]) == {"reasoning", "creativity"}
    lines = (tmp_path / "generations.json").read_text().splitlines()
    assert [json.loads(line)["sample"] for line in lines] == [0, 1]


def test_a_repeated_evaluation_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for out in (first, second):
        assert evaluate.main(arguments(folder, out)) == 0
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()


def test_test_sequences_are_spread_over_the_split(folder: Path) -> None:
    store = Store(Path("a"))
    read = evaluate.read_test_sequences([Path("a")], folder / "model", 48, 3)["a"]
    np.testing.assert_array_equal(read, store.read("test", np.array([0, 13, 26]), 48))
    everything = evaluate.read_test_sequences([Path("a")], folder / "model", 48, 10**6)["a"]
    np.testing.assert_array_equal(everything, store.read("test", np.arange(40), 48))


@pytest.mark.parametrize(
    ("names", "message"), [(["a", "x/a"], "given twice"), (["empty"], "no test sequence of 48 tokens")]
)
def test_sources_given_twice_or_too_short_are_refused(folder: Path, names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluate.read_test_sequences([Path(name) for name in names], folder / "model", 48, 3)


def test_a_mistake_is_one_line_and_exit_code_1(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), *arguments(folder, tmp_path, settings='{"sample": 2}')]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Did you mean 'samples'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": "{"}, "not valid JSON"),
        ({"model": "nowhere"}, "no model here"),
        ({"suites": "x.yaml"}, "no such file"),
    ],
)
def test_what_cannot_be_read_is_named(
    folder: Path, tmp_path: Path, changes: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate.main(arguments(folder, tmp_path, **changes)) == 1
    assert message in capsys.readouterr().err


def test_a_store_of_another_tokenizer_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate, "fingerprint", lambda _folder: "another")
    assert evaluate.main(arguments(folder, tmp_path)) == 1
    assert "made with tokenizer" in capsys.readouterr().err
