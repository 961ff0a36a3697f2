"""The whole way from a hub to the raw folder, with the real client."""

import contextlib
import csv
import gzip
import io
import json

import pyarrow as pa
import pytest

import hub_rows
from emulsion.data.render import UnrenderableError
from emulsion.data.schemas import choose_kind
from emulsion.data.sources.formats import columns_of
from emulsion.files import read_json, sha256
from fetch_server import environment
from raw_rows import files_of, read_rows

OPENHERMES = {"kind": "hub", "id": "teknium/OpenHermes-2.5", "config": None, "documents": 300}
COSMOPEDIA = {"kind": "hub", "id": "HuggingFaceTB/cosmopedia", "config": "web_samples_v2", "documents": 300}
MAGPIE = {"kind": "hub", "id": "Magpie-Align/Magpie-Pro-300K-Filtered", "config": None, "documents": 300}
FINEWEB = {"kind": "hub", "id": "HuggingFaceFW/fineweb-edu", "config": "sample-10BT", "documents": 300}
ALL = {"split": "train", "revision": None, "seed": 7, "licence": "stated"}


def rows_of(folder):
    return list(read_rows(files_of(folder)))


def texts(rows, kind):
    """The rendered rows, without those that cannot be, such as an empty answer."""
    rendered = []
    for row in rows:
        with contextlib.suppress(UnrenderableError):
            rendered.append(kind.render(row, ""))
    return rendered


@pytest.mark.parametrize(
    ("source", "native", "kind"),
    [
        (OPENHERMES, hub_rows.openhermes_rows(1500), "chat_from_value"),
        (COSMOPEDIA, hub_rows.cosmopedia_rows("web_samples_v2", 600), "prompt_text"),
        (MAGPIE, hub_rows.magpie_rows(900), "chat_from_value"),
        (FINEWEB, hub_rows.fineweb_rows(2000), "text"),
    ],
    ids=["openhermes", "cosmopedia", "magpie", "fineweb"],
)
def test_the_sources_of_experiment_3_come_through_in_their_true_schemas(
    hub, fetch_server, tmp_path, source, native, kind
):
    commit = hub.commit(source["id"], hub_rows.REPOSITORIES[source["id"]]())
    ended = fetch_server.fetch({**source, **ALL}, tmp_path / "raw")
    assert ended.status == 0, ended.errors
    rows = rows_of(tmp_path / "raw")
    known = {json.dumps(row, sort_keys=True): place for place, row in enumerate(native)}
    places = [known[json.dumps(row, sort_keys=True)] for row in rows]
    assert len(set(places)) == len(places) == 300
    assert max(places) > 0.6 * len(native), "a prefix, not a sample"

    chosen = choose_kind(columns_of(files_of(tmp_path / "raw")[0]), "s")
    assert chosen.name == kind
    assert len(texts(rows, chosen)) > 290

    provenance = read_json(tmp_path / "raw" / "provenance.json")
    assert provenance["revision"] == commit
    assert provenance["revision_asked_for"] is None
    assert {key: provenance[key] for key in ("id", "config", "split", "documents", "seed", "licence")} == {
        **{key: source[key] for key in ("id", "config")},
        **{"split": "train", "documents": 300, "seed": 7, "licence": "stated"},
    }
    for entry in provenance["files"]:
        file = tmp_path / "raw" / entry["name"]
        assert (entry["bytes"], entry["sha256"]) == (file.stat().st_size, sha256(file))
    assert sum(entry["rows"] for entry in provenance["files"]) == 300
    assert {file.name for file in (tmp_path / "raw").iterdir()} == {
        "provenance.json",
        *(entry["name"] for entry in provenance["files"]),
    }


def test_the_script_by_hand_does_the_same(hub, fetch_server, tmp_path, one_fetch):
    hub.commit(MAGPIE["id"], hub_rows.magpie())
    status, errors = one_fetch(environment(hub.endpoint, tmp_path / "home"), {**MAGPIE, **ALL})
    assert status == 0, errors
    fetch_server.fetch({**MAGPIE, **ALL}, tmp_path / "forked")
    assert read_json(tmp_path / "raw" / "provenance.json") == read_json(tmp_path / "forked" / "provenance.json")


def test_a_larger_sample_with_the_same_seed_holds_the_smaller_one(hub, fetch_server, tmp_path):
    hub.commit(OPENHERMES["id"], hub_rows.openhermes())
    texts = {}
    for documents_ in (100, 400):
        fetch_server.fetch({**OPENHERMES, **ALL, "documents": documents_}, tmp_path / str(documents_))
        texts[documents_] = {json.dumps(row) for row in rows_of(tmp_path / str(documents_))}
    assert texts[100] < texts[400]


def test_another_seed_is_another_sample(hub, fetch_server, tmp_path):
    hub.commit(FINEWEB["id"], hub_rows.fineweb())
    ids = []
    for seed in (1, 2):
        fetch_server.fetch({**FINEWEB, **ALL, "seed": seed}, tmp_path / str(seed))
        ids.append({row["id"] for row in rows_of(tmp_path / str(seed))})
    assert len(ids[0] & ids[1]) < 150


def test_only_the_row_groups_of_the_sample_are_downloaded(hub, fetch_server, tmp_path):
    rows = hub_rows.fineweb_rows(20_000)
    files = hub_rows.shards(rows, "data", 2, 500)
    hub.commit("someone/large", files)
    hub.sent = 0
    ended = fetch_server.fetch({**FINEWEB, **ALL, "id": "someone/large", "config": None}, tmp_path / "raw")
    assert ended.status == 0, ended.errors
    assert len(rows_of(tmp_path / "raw")) == 300
    # Two footers at 64 KB each, and one group of forty.
    assert hub.sent < 2 * (64 << 10) + sum(map(len, files.values())) / 20


@pytest.mark.parametrize("source", [OPENHERMES, FINEWEB], ids=["json", "parquet"])
def test_a_limit_in_tokens_counts_four_bytes_of_text_each(hub, fetch_server, tmp_path, source):
    hub.commit(source["id"], hub_rows.REPOSITORIES[source["id"]]())
    limited = {**source, **ALL, "tokens": 5000}
    del limited["documents"]
    fetch_server.fetch(limited, tmp_path / "raw")
    rows = rows_of(tmp_path / "raw")
    kind = choose_kind(columns_of(files_of(tmp_path / "raw")[0]), "s")
    sizes = [len(text.encode()) for text in texts(rows, kind)]
    assert 20_000 <= sum(sizes) < 20_000 + max(sizes)
    assert read_json(tmp_path / "raw" / "provenance.json")["text_bytes"] == sum(sizes)


def test_a_source_that_is_smaller_than_asked_for_comes_whole_with_a_warning(hub, fetch_server, tmp_path):
    hub.commit("DKYoon/SlimPajama-6B", hub_rows.slimpajama())
    source = {**ALL, "kind": "hub", "id": "DKYoon/SlimPajama-6B", "documents": 5000}
    ended = fetch_server.fetch(source, tmp_path / "raw", hub_rows__PART_ROWS=300)
    assert "all of it is 2000 documents" in ended.errors
    assert {row["__index_level_0__"] for row in rows_of(tmp_path / "raw")} == set(range(2000))
    provenance = read_json(tmp_path / "raw" / "provenance.json")
    assert (provenance["documents"], provenance["limit"]) == (2000, {"documents": 5000})


def test_data_that_are_in_no_split_are_told(hub, fetch_server, tmp_path):
    rows = b'{"text": "one"}\n{"text": "two"}\n'
    files = {"data/train-0.jsonl": rows, "data/train-1.jsonl": rows, "more/part.csv": b"text\nthree\n"}
    hub.commit("someone/mixed", {**files, "dataset_infos.json": b"{}", "data/metadata.jsonl": rows})
    ended = fetch_server.fetch(
        {**ALL, "kind": "hub", "id": "someone/mixed", "config": None, "documents": 3}, tmp_path / "raw"
    )
    assert ended.status == 0, ended.errors
    assert "1 files of 'someone/mixed' are in none of its splits and not read: more/part.csv" in ended.errors


def test_more_files_than_footers_are_read_at_once_are_all_sampled(hub, fetch_server, tmp_path):
    hub.commit("someone/shards", hub_rows.shards(hub_rows.fineweb_rows(900), "data", 9, 50))
    source = {**FINEWEB, **ALL, "id": "someone/shards", "config": None, "documents": 900}
    ended = fetch_server.fetch(source, tmp_path / "raw", hub_rows__FILES_AT_ONCE=2)
    assert ended.status == 0, ended.errors
    assert len({row["id"] for row in rows_of(tmp_path / "raw")}) == 900


@pytest.mark.parametrize("packing", ["", ".gz", ".zst"])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_files_of_rows_of_every_kind_are_read(hub, fetch_server, tmp_path, form, packing):
    rows = [{"id": str(number), "text": f'{number} says "hello, you"'} for number in range(50)]
    if form == "jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        out = io.StringIO()
        writer = csv.DictWriter(out, ["id", "text"])
        writer.writeheader()
        writer.writerows(rows)
        content = out.getvalue().encode()
    packed = {"": bytes, ".gz": gzip.compress, ".zst": lambda data: pa.compress(data, "zstd", asbytes=True)}
    hub.commit("someone/rows", {f"data/train.{form}{packing}": packed[packing](content)})
    source = {**ALL, "kind": "hub", "id": "someone/rows", "documents": 20}
    ended = fetch_server.fetch(source, tmp_path / "raw")
    assert ended.status == 0, ended.errors
    fetched = rows_of(tmp_path / "raw")
    assert len(fetched) == 20
    assert all(row in rows for row in fetched)


def test_a_malformed_row_stays_in_its_place_to_be_set_aside(hub, fetch_server, tmp_path):
    hub.commit("someone/rows", {"train.jsonl": b'{"text": "one"}\n{"text": \n{"text": "three"}\n'})
    fetch_server.fetch({**ALL, "kind": "hub", "id": "someone/rows", "documents": 9}, tmp_path / "raw")
    first, second, third = rows_of(tmp_path / "raw")
    assert (first, third) == ({"text": "one"}, {"text": "three"})
    assert second.reason.startswith("not JSON")


def test_the_token_reaches_the_hub_but_no_file_log_or_other_server(hub, fetch_server, tmp_path):
    hub.commit(FINEWEB["id"], hub_rows.fineweb(), gated=True)
    hub.fail(where="/cdn/", status=503)
    ended = fetch_server.fetch({**FINEWEB, **ALL}, tmp_path / "raw", token=hub.token)
    assert ended.status == 0, ended.errors
    asked = [request for request in hub.requests if "/resolve/" in request.path]
    assert {request.token for request in asked} == {f"Bearer {hub.token}"}
    assert {request.token for request in hub.requests if request.path.startswith("/cdn/")} == {None}
    written = [ended.output, ended.errors, *(str(file.read_bytes()) for file in (tmp_path / "raw").iterdir())]
    assert not any(hub.token in text or "signature=" in text for text in written)
