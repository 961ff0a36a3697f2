from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evaluate
from emulsion.tokenizers import end_of_text, fingerprint
from emulsion.tokens import TokenStore, write_store

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


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, tokenizer_folder: Path, tokenizer: Any, gpt2: Any
) -> Path:
    """A model, two token stores and a suite, as the workflow leaves them."""
    folder = tmp_path_factory.mktemp("evaluate")
    gpt2.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")

    def encode(texts: list[str]) -> tuple[Any, Any]:
        ids = tokenizer(texts)["input_ids"]
        return np.concatenate([np.array(each, np.uint32) for each in ids]), np.array(
            [len(each) for each in ids]
        )

    for source in ("a", "b"):
        write_store(
            folder / source,
            [
                (
                    [f"{source}{i}" for i in range(200)],
                    [f"{source} rain {i} is free of Paris" for i in range(200)],
                )
            ],
            encode,
            source=source,
            tokenizer=fingerprint(tokenizer_folder),
            vocab_size=320,
            end_of_text=end_of_text(tokenizer_folder),
            held_out=0.2,
            provenance={},
        )
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
    store = TokenStore.open(folder / "a")
    count = store.count("test", 48)
    read = evaluate.read_test_sequences([folder / "a"], folder / "model", 48, 3)["a"]
    np.testing.assert_array_equal(read, store.read("test", np.array([0, count // 3, 2 * count // 3]), 48))
    everything = evaluate.read_test_sequences([folder / "a"], folder / "model", 48, 10**6)["a"]
    np.testing.assert_array_equal(everything, store.read("test", np.arange(count), 48))


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
