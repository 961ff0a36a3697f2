"""Weights of a model come whole from one commit or not at all, as safetensors, and what is missing is said in words."""

import hashlib
import json
import random
import subprocess
import sys

import pytest

from emulsion.files import read_json
from fetch_server import SCRIPTS, environment
from stand_in_hub import StandInHub

SETTINGS = json.dumps({"architectures": ["GPTNeoXForCausalLM"]}).encode()
WEIGHTS = random.Random(0).randbytes(300_000)
MODEL = {"README.md": b"---\nlicense: apache-2.0\n---\n", "config.json": SETTINGS, "model.safetensors": WEIGHTS}


@pytest.fixture
def fetch(fetch_server, tmp_path):
    """Fetch weights of a model to the folder `data/weights/pythia`."""

    def run(identifier, *arguments, **settings):
        output = ("--id", identifier, *arguments, "--output", str(tmp_path / "weights" / "pythia"))
        return fetch_server.run("fetch_weights", *output, **settings)

    return run


@pytest.fixture
def one_script(tmp_path):
    """Run the script once with variables of its own; gives exit status and what it wrote to standard error."""

    def run(variables):
        arguments = ("--id", "someone/model", "--output", str(tmp_path / "weights" / "pythia"))
        command = [sys.executable, str(SCRIPTS / "fetch_weights.py"), *arguments]
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stderr

    return run


@pytest.fixture
def error_of(fetch, tmp_path):
    """The one line that a failed fetch ends with, and nothing is left."""

    def run(*arguments, **settings):
        ended = fetch(*arguments, **settings)
        assert ended.status == 1, ended.errors
        assert not (tmp_path / "weights" / "pythia").exists()
        return ended.errors[ended.errors.index("error: ") :]

    return run


def test_the_folder_has_weights_settings_and_where_they_are_from(hub, fetch, tmp_path):
    commit = hub.commit("EleutherAI/pythia-160m", MODEL)
    assert fetch("EleutherAI/pythia-160m", "--revision", "main").status == 0
    folder = tmp_path / "weights" / "pythia"
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors", "provenance.json"]
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / "config.json").read_bytes() == SETTINGS
    assert read_json(folder / "provenance.json") == {
        "id": "EleutherAI/pythia-160m",
        "revision": commit,
        "revision_asked_for": "main",
        "licence": "apache-2.0",
        "sha256": {
            "config.json": hashlib.sha256(SETTINGS).hexdigest(),
            "model.safetensors": hashlib.sha256(WEIGHTS).hexdigest(),
        },
    }
    assert [entry.name for entry in folder.parent.iterdir()] == ["pythia"]


def test_a_commit_is_taken_though_the_branch_has_moved(hub, fetch, tmp_path):
    first = hub.commit("someone/model", MODEL)
    hub.commit("someone/model", {**MODEL, "model.safetensors": WEIGHTS[::-1]})
    assert fetch("someone/model", "--revision", first).status == 0
    assert (tmp_path / "weights" / "pythia" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_later_fetch_replaces_the_folder(hub, fetch, tmp_path):
    folder = tmp_path / "weights" / "pythia"
    folder.mkdir(parents=True)
    (folder / "left over").write_text("of another model")
    hub.commit("someone/model", {name: content for name, content in MODEL.items() if name != "README.md"})
    assert fetch("someone/model").status == 0
    assert not (folder / "left over").exists()
    provenance = read_json(folder / "provenance.json")
    assert (provenance["revision_asked_for"], provenance["licence"]) == (None, "unstated")


def test_a_broken_transfer_goes_on_where_it_was(hub, fetch, tmp_path):
    hub.commit("someone/model", MODEL)
    hub.fail(where="/cdn/", cut=200_000)
    assert fetch("someone/model", network__LONGEST_PAUSE=0).status == 0
    assert (tmp_path / "weights" / "pythia" / "model.safetensors").read_bytes() == WEIGHTS
    assert "bytes=200000-" in [request.range for request in hub.requests]


def test_a_fetch_that_was_given_up_goes_on_at_the_same_commit(hub, error_of, fetch, tmp_path):
    commit = hub.commit("someone/model", MODEL)
    hub.fail(where="/cdn/", cut=200_000)
    hub.fail(where="/cdn/", count=-1, status=503)
    error = error_of("someone/model", network__ATTEMPTS=2, network__LONGEST_PAUSE=0)
    assert "keeps answering 503. What has been fetched is kept; try again later." in error
    hub.faults.clear()
    hub.commit("someone/model", {**MODEL, "model.safetensors": WEIGHTS[::-1]})
    sent = hub.sent
    assert fetch("someone/model").status == 0
    assert hub.sent - sent == len(WEIGHTS) - 200_000
    assert read_json(tmp_path / "weights" / "pythia" / "provenance.json")["revision"] == commit


def test_pickles_are_refused_and_not_even_downloaded(hub, error_of):
    hub.commit("someone/model", {"config.json": SETTINGS, "pytorch_model.bin": b"\x80\x04."})
    error = error_of("someone/model", "--revision", "main")
    assert "models.pythia.weights: 'someone/model' at main has no model.safetensors, only pytorch_model.bin" in error
    assert "save_pretrained" in error
    assert "`weights: {folder: FOLDER}`" in error
    assert not any("/resolve/" in request.path for request in hub.requests)


def test_weights_in_several_files_are_refused_with_what_to_do(hub, error_of, tmp_path):
    shards = {f"model-0000{number}-of-00002.safetensors": WEIGHTS for number in (1, 2)}
    hub.commit("someone/model", {"config.json": SETTINGS, "model.safetensors.index.json": b"{}", **shards})
    error = error_of("someone/model")
    assert "at its newest commit has its weights in several files; only a single model.safetensors is read" in error
    assert "`weights: {folder: FOLDER}`" in error
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_model_without_settings_or_without_any_weights_is_told_so(hub, error_of):
    hub.commit("someone/model", {"model.safetensors": WEIGHTS})
    assert "has no config.json" in error_of("someone/model")
    hub.commit("someone/words", {"README.md": b".", "config.json": SETTINGS})
    assert "has no model.safetensors; it holds README.md, config.json" in error_of("someone/words")


def test_an_id_that_does_not_exist_names_the_nearest_of_its_owner(hub, error_of):
    hub.commit("EleutherAI/pythia-160m", MODEL)
    error = error_of("EleutherAI/pythia-16m")
    assert "no model 'EleutherAI/pythia-16m' on 127.0.0.1" in error
    assert "Did you mean 'EleutherAI/pythia-160m'? If it is private" in error


def test_an_unknown_revision_names_the_branches(hub, error_of):
    hub.commit("someone/model", MODEL)
    error = error_of("someone/model", "--revision", "mian")
    assert "'someone/model' has no revision 'mian'. Did you mean 'main'? Known: main." in error


def test_an_id_that_cannot_be_one_is_told_so(error_of):
    assert "'a/b/c' cannot be the id of a model; an id is owner/name" in error_of("a/b/c")


def test_a_gated_model_says_how_to_get_at_it_and_the_token_opens_it(hub, error_of, fetch, tmp_path):
    hub.commit("someone/gated", MODEL, gated=True)
    error = error_of("someone/gated")
    assert "'someone/gated' is gated, and HF_TOKEN is not in the environment. Accept its terms at http" in error
    refused = error_of("someone/gated", token="hf_of_somebody_else")
    assert "the HF_TOKEN of the environment has no access" in refused
    assert "hf_of_somebody_else" not in refused
    assert fetch("someone/gated", token=hub.token).status == 0
    assert not any(hub.token in file.read_text() for file in (tmp_path / "weights" / "pythia").glob("*.json"))


@pytest.mark.parametrize(("token", "have"), [(None, "is missing"), ("hf_worn_out", "is not valid for it")])
def test_a_token_that_is_refused_is_told_so(hub, error_of, token, have):
    hub.commit("someone/model", MODEL)
    headers = {"X-Error-Message": "Invalid credentials in Authorization header"}
    hub.fail(where="/api/models", count=-1, status=401, headers=headers)
    error = error_of("someone/model", token=token)
    assert f"refuses 'someone/model' (401): the HF_TOKEN of the environment {have}." in error


def test_a_file_that_comes_to_another_checksum_is_discarded(hub, error_of, tmp_path):
    commit = hub.commit("someone/model", MODEL)

    def tamper(sent):
        hub.repositories["someone/model"].commits[commit]["model.safetensors"] = WEIGHTS[::-1]

    hub.on_sent = tamper  # config.json has been sent by then, and the checksums are known
    assert "model.safetensors: its SHA-256 is" in error_of("someone/model")


def test_offline_and_no_connection_are_said_at_once(one_script, tmp_path):
    with StandInHub() as hub:
        variables = environment(hub.endpoint, tmp_path)
        offline = one_script({**variables, "HF_HUB_OFFLINE": "1"})
    assert offline[0] == 1
    assert "error: models.pythia.weights: HF_HUB_OFFLINE is set, so the hub is not asked." in offline[1]
    status, errors = one_script(variables)
    assert status == 1
    assert f"error: models.pythia.weights: no connection to {hub.endpoint}" in errors
    assert "attempt" not in errors
