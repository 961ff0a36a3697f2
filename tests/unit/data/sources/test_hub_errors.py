"""What goes wrong at the hub is said in words, and what is dangerous is refused."""

import pytest

import hub_rows
from emulsion.data.sources.network import token
from emulsion.errors import UserError
from fetch_server import environment
from stand_in_hub import StandInHub

ALL = {"kind": "hub", "config": None, "split": "train", "revision": None, "seed": 0, "documents": 5}
ONE_ROW = hub_rows.parquet([{"text": "one"}], 10)


def error_of(fetch_server, tmp_path, source, **settings):
    """The one line that a failed fetch ends with."""
    ended = fetch_server.fetch({**ALL, **source}, tmp_path / "raw", **settings)
    assert ended.status == 1, ended.errors
    assert not (tmp_path / "raw" / "provenance.json").exists()
    return ended.errors[ended.errors.index("error: ") :]


def test_an_id_that_does_not_exist_names_the_nearest_of_its_owner(hub, fetch_server, tmp_path):
    hub.commit("Magpie-Align/Magpie-Pro-300K-Filtered", hub_rows.magpie(9))
    hub.commit("Magpie-Align/MagpieLM-SFT-Data-v0.1", {})
    error = error_of(fetch_server, tmp_path, {"id": "Magpie-Align/MagpieLM-Pro-300K-v0.1"})
    assert "no dataset 'Magpie-Align/MagpieLM-Pro-300K-v0.1' on 127.0.0.1" in error
    assert "Did you mean 'Magpie-Align/Magpie" in error
    assert "HF_TOKEN" in error


def test_an_owner_that_does_not_exist_still_finds_the_name(hub, fetch_server, tmp_path):
    hub.commit("HuggingFaceTB/cosmopedia", {"README.md": b"."})
    assert "Did you mean 'HuggingFaceTB/cosmopedia'?" in error_of(
        fetch_server, tmp_path, {"id": "HugFaceTB/cosmopedia"}
    )


def test_an_id_that_cannot_be_one_is_told_so(fetch_server, tmp_path):
    assert "an id is owner/name" in error_of(fetch_server, tmp_path, {"id": "a/b/c"})


def test_a_missing_config_lists_those_there_are(hub, fetch_server, tmp_path):
    hub.commit("HuggingFaceTB/cosmopedia", hub_rows.cosmopedia(4))
    error = error_of(fetch_server, tmp_path, {"id": "HuggingFaceTB/cosmopedia"})
    assert "sources.tried.config: 'HuggingFaceTB/cosmopedia' has several, name one of: auto_math_text, " in error
    assert "wikihow" in error


def test_an_unknown_config_names_the_nearest(hub, fetch_server, tmp_path):
    hub.commit("HuggingFaceTB/cosmopedia", hub_rows.cosmopedia(4))
    error = error_of(fetch_server, tmp_path, {"id": "HuggingFaceTB/cosmopedia", "config": "web_sample_v2"})
    assert "sources.tried.config: unknown config 'web_sample_v2'. Did you mean 'web_samples_v2'?" in error


def test_an_unknown_split_names_those_there_are(hub, fetch_server, tmp_path):
    hub.commit("DKYoon/SlimPajama-6B", hub_rows.slimpajama(40))
    error = error_of(fetch_server, tmp_path, {"id": "DKYoon/SlimPajama-6B", "split": "valid"})
    assert "unknown split 'valid'. Did you mean 'validation'? Known: test, train, validation." in error


@pytest.mark.parametrize("name", ["test", "validation", "dev"])
def test_a_set_without_the_split_lists_those_it_has(hub, fetch_server, tmp_path, name):
    hub.commit("someone/benchmark", {f"{name}.jsonl": b'{"text": "one"}\n'})
    error = error_of(fetch_server, tmp_path, {"id": "someone/benchmark"})
    split = "validation" if name == "dev" else name
    assert f"sources.tried.split: unknown split 'train'. Known: {split}." in error


def test_a_card_whose_settings_are_not_yaml_is_told_of(hub, fetch_server, tmp_path):
    card = b"---\nconfigs: [a, {b\n---\n# Card\n"
    hub.commit("someone/set", {"README.md": card, "data/train.parquet": ONE_ROW})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert "sources.tried: the settings in the card of 'someone/set' (README.md) are not YAML" in error


def test_a_broken_archive_is_told_of(hub, fetch_server, tmp_path):
    hub.commit("someone/set", {"README.md": b".", "data/train.zip": b"PK\x03\x04 and no more"})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert "error: sources.tried: no data that Emulsion reads in 'someone/set' (.parquet," in error


def test_an_unknown_revision_names_the_branches(hub, fetch_server, tmp_path):
    hub.commit("someone/set", {"data/train.parquet": ONE_ROW})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set", "revision": "mian"})
    assert "'someone/set' has no revision 'mian'. Did you mean 'main'? Known: main." in error


def test_a_gated_set_says_how_to_get_at_it(hub, fetch_server, tmp_path):
    hub.commit("someone/gated", {"README.md": b".", "data/train.parquet": ONE_ROW}, gated=True)
    error = error_of(fetch_server, tmp_path, {"id": "someone/gated"})
    assert "'someone/gated' is gated, and HF_TOKEN is not in the environment. Accept its terms at http" in error
    assert "/datasets/someone/gated" in error
    refused = error_of(fetch_server, tmp_path, {"id": "someone/gated"}, token="hf_of_somebody_else")
    assert "the HF_TOKEN of the environment has no access to it" in refused
    assert "hf_of_somebody_else" not in refused


@pytest.mark.parametrize("given", ["hf_two\nlines", "hf_two\rlines", "hf_two words", "hf_twö"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(monkeypatch, given):
    monkeypatch.setenv("HF_TOKEN", given)
    with pytest.raises(UserError, match="HF_TOKEN in the environment has white space") as refused:
        token()
    assert "hf_" not in str(refused.value)


def test_a_token_that_lies_in_the_home_folder_is_not_used(hub, fetch_server, tmp_path):
    (fetch_server.home / "token").write_text(hub.token)
    hub.commit("someone/gated", {"README.md": b".", "data/train.parquet": ONE_ROW}, gated=True)
    error_of(fetch_server, tmp_path, {"id": "someone/gated"})
    assert {request.token for request in hub.requests} == {None}


def test_offline_is_said_at_once(tmp_path, one_fetch):
    with StandInHub() as hub:
        status, errors = one_fetch({**environment(hub.endpoint, tmp_path), "HF_HUB_OFFLINE": "1"}, ALL | {"id": "a/b"})
    assert status == 1
    assert "error: sources.tried: HF_HUB_OFFLINE is set, so the hub is not asked." in errors


def test_no_connection_is_said_at_once(tmp_path, one_fetch):
    with StandInHub() as hub:
        endpoint = hub.endpoint
    status, errors = one_fetch(environment(endpoint, tmp_path), ALL | {"id": "a/b"})
    assert status == 1
    assert f"error: sources.tried: no connection to {endpoint}" in errors
    assert "attempt" not in errors


def test_a_loading_script_is_refused_and_not_even_downloaded(hub, fetch_server, tmp_path):
    script = b"import os; os.system('touch /tmp/ran')"
    hub.commit("someone/set", {"README.md": b".", "set.py": script, "data/train.parquet": ONE_ROW})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert (
        "'someone/set' is loaded by a script of its own (set.py), and Emulsion runs no code of a repository." in error
    )
    assert not any("set.py" in request.path for request in hub.requests)


@pytest.mark.parametrize(
    "path", ["../outside.parquet", "data/../../outside.parquet", "/etc/outside.parquet", "a\\b.parquet"]
)
def test_a_path_that_climbs_out_is_refused(hub, fetch_server, tmp_path, path):
    hub.commit("someone/set", {path: ONE_ROW})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert f"'someone/set' lists {path!r}, a path out of its folder; it is refused." in error
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.parametrize(
    "pattern",
    ["{here}/secret.jsonl", "hf://datasets/someone/other/data/train.parquet", "../other/data/*", "../../../**/*.jsonl"],
)
def test_a_card_that_names_data_elsewhere_is_refused(hub, fetch_server, tmp_path, pattern):
    (tmp_path / "secret.jsonl").write_text('{"text": "secret"}\n')
    hub.commit("someone/other", {"data/train.parquet": ONE_ROW})
    card = hub_rows.card({"default": pattern.format(here=tmp_path)})
    hub.commit("someone/set", {"README.md": card, "data/train.parquet": ONE_ROW})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert "no data that Emulsion reads" in error or "names data outside of it" in error
    assert not any("someone/other/resolve" in request.path for request in hub.requests)


@pytest.mark.parametrize("path", ["data/train.pkl", "data/train.pt", "weights.bin"])
def test_files_that_could_run_code_are_never_read(hub, fetch_server, tmp_path, path):
    hub.commit("someone/set", {"README.md": b".", path: b"\x80\x04."})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert "no data that Emulsion reads in 'someone/set' (.parquet, .json," in error
    assert not any("/resolve/" in request.path and path in request.path for request in hub.requests)


def test_data_of_another_form_is_named(hub, fetch_server, tmp_path):
    hub.commit("someone/set", {"data/train.txt": b"plain text\n"})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert "'someone/set' holds 'data/train.txt'; of the hub Emulsion reads only .parquet, .json" in error


@pytest.mark.parametrize("limits", [{"documents": None}, {"tokens": 5}])
def test_a_limit_is_needed_and_only_one(fetch_server, tmp_path, limits):
    assert "give either `documents` or `tokens`" in error_of(fetch_server, tmp_path, {"id": "a/b", **limits})


def test_files_that_disagree_about_a_column_are_told_of(hub, fetch_server, tmp_path):
    numbers = hub_rows.parquet([{"text": "one", "score": 1}], 10)
    words = hub_rows.parquet([{"text": "two", "score": {"of": "words"}}], 10)
    hub.commit("someone/set", {"data/train-0.parquet": numbers, "data/train-1.parquet": words})
    error = error_of(fetch_server, tmp_path, {"id": "someone/set"})
    assert "sources.tried: its files disagree about their columns" in error


def test_a_split_without_rows_is_told_of(hub, fetch_server, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), out)
    hub.commit("someone/set", {"data/train.parquet": out.getvalue().to_pybytes()})
    assert "split 'train' of 'someone/set' has no rows" in error_of(fetch_server, tmp_path, {"id": "someone/set"})
