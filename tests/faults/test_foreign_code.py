"""Models and tokenizers from elsewhere run no code: neither `auto_map` nor pickles."""

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from training_cases import SPEC

from emulsion.data.pretrained import fetch_pretrained
from emulsion.errors import UserError
from emulsion.evaluation.model import TextTokenizer, load_model
from emulsion.models import build_model
from emulsion.training.initial_weights import initial_weights

ROOT = Path(__file__).parents[2]
WEIGHTS = {"weights": {"folder": "x"}}


@pytest.fixture
def folder(tmp_path, tokenizer):
    """A sound model folder from elsewhere, with code beside it that leaves a trace where it is run."""
    folder = shutil.copytree(tokenizer, tmp_path / "model")
    build_model(SPEC["model"], 300, 0).save_pretrained(folder)
    (folder / "code.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w').close()\nclass Made: pass\n")
    yield folder
    assert not (tmp_path / "pwned").exists()


def declare(file, **changes):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


READERS = {
    "evaluation": load_model,
    "initial weights": lambda folder: initial_weights(WEIGHTS, folder),
    "tokenizer": TextTokenizer.load,
    "pretrained": lambda folder: fetch_pretrained("mine", str(folder), None, folder.parent / "taken", 400),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_folder_that_names_code_of_its_own_is_refused_in_words(folder, monkeypatch, reader, name):
    classes = {"AutoConfig": "code.Made", "AutoModelForCausalLM": "code.Made", "AutoTokenizer": ["code.Made", None]}
    declare(folder / name, model_type="unheard_of", auto_map=classes)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked a question"))
    with pytest.raises(UserError, match=rf"{name}: `auto_map` names code .* runs no code"):
        READERS[reader](folder)


def test_a_model_of_an_unknown_kind_is_an_error_in_words(folder, monkeypatch):
    declare(folder / "config.json", model_type="unheard_of")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked a question"))
    with pytest.raises(UserError, match="this model cannot be read"):
        load_model(folder)


def test_a_model_whose_weights_are_a_pickle_is_refused(folder):
    state = build_model(SPEC["model"], 300, 0).state_dict()
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match="this model cannot be read"):
        load_model(folder)
    with pytest.raises(UserError, match=r"no model\.safetensors here"):
        initial_weights(WEIGHTS, folder)


def test_a_sound_folder_with_python_files_is_read_and_they_are_not_run(folder):
    model, _ = load_model(folder)
    assert model.config.model_type == "gpt2"


LOADERS = {"from_pretrained", "load_dataset"}
MODELS = ("AutoModel", "model_class")
UNSAFE = {"pickle", "dill", "joblib", "shelve", "marshal"}


def calls(file):
    """(line, source, {keyword: source of its value}) of what loads a model, a tokenizer or data."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in LOADERS:
                words = {each.arg: ast.unparse(each.value) for each in node.keywords}
                yield node.lineno, ast.unparse(node.func), words


def programs():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if not name.startswith("tests/") and (ROOT / name).exists()]


def test_every_call_that_could_run_code_says_that_it_must_not():
    found = {
        f"{file.relative_to(ROOT)}:{line}": (what, words) for file in programs() for line, what, words in calls(file)
    }
    assert len(found) >= 6
    trusting = [where for where, (_, words) in found.items() if words.get("trust_remote_code") != "False"]
    assert not trusting
    pickles = [
        where
        for where, (what, words) in found.items()
        if what.startswith(MODELS) and words.get("use_safetensors") != "True"
    ]
    assert not pickles


def test_nothing_that_unpickles_is_used():
    for file in programs():
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not UNSAFE & {name.partition(".")[0] for name in names}, file
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load", "numpy.load"):
                words = {each.arg: ast.unparse(each.value) for each in node.keywords}
                assert words.get("weights_only") == "True" or words.get("allow_pickle") == "False", file
