"""Sources opened in place: files of this machine, and files of the hub read by ranges, by one reader."""

import gzip
import json
import secrets

import pytest
from huggingface_hub import constants

import hub_rows
from emulsion.data.sources import hub_plan
from emulsion.data.sources.hub_plan import HubFile
from emulsion.data.sources.raw import RawFile, raw_lines
from emulsion.data.sources.reader import kinds_of, open_source
from emulsion.errors import UserError
from raw_rows import reasons

ROWS = [{"text": f"row {number}"} for number in range(300)]
LINES = [json.dumps(row) for row in ROWS]
BROKEN = "\n".join([*LINES[:2], '{"text": "\\ud800"}', '{"text": ', '{"text": 7, "more": [1]}', *LINES[5:]])


@pytest.fixture
def on_hub(hub, monkeypatch):
    """A function that makes these files a dataset, and opens them as the files of a plan."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # the hub is on this machine

    def make(files):
        commit = hub.commit("someone/set", files)
        plan = {"id": "someone/set", "revision": commit}
        root = f"{hub.endpoint}/cdn/someone/set/{commit}/"
        monkeypatch.setattr(hub_plan, "url_of", lambda plan, file: root + file["path"])
        entries = [{"path": path, "bytes": len(content)} for path, content in files.items()]
        return [RawFile(HubFile("set", plan, entry), entry["path"], entry["bytes"]) for entry in entries]

    return make


@pytest.mark.parametrize("start", [0, 4, 299])
def test_rows_of_the_hub_are_those_of_the_same_file_here(on_hub, tmp_path, start):
    files = {
        "a.jsonl": BROKEN.encode(),
        "b.json": json.dumps(ROWS, indent=1).encode(),
        "c.jsonl.gz": gzip.compress("\n".join(LINES).encode()),
        "d.csv": b"text\n" + b"\n".join(b"row" for _ in ROWS),
        "e.parquet": hub_rows.parquet(ROWS, 70),
    }
    for part in on_hub(files):
        (tmp_path / part.path).write_bytes(files[part.path])
        here = RawFile(tmp_path / part.path, part.path, part.bytes)
        assert reasons(part.rows(start)) == reasons(here.rows(start))
        assert part.columns() == here.columns()
        assert len(reasons(part.rows())) == 300


def test_rows_of_the_hub_that_cannot_be_read_are_set_aside(on_hub):
    [part] = on_hub({"a.jsonl": BROKEN.encode()})
    assert reasons(part.rows())[3] == "not JSON: Expecting value"
    assert sum(isinstance(row, dict) for row in part.rows()) == 299


def test_a_connection_that_fails_while_rows_are_read_is_said_in_words(on_hub, hub, monkeypatch):
    monkeypatch.setattr("emulsion.data.sources.network.ATTEMPTS", 1)
    for part in on_hub({"a.jsonl": "\n".join(LINES).encode(), "b.parquet": hub_rows.parquet(ROWS, 70)}):
        hub.fail(where=part.path, status=500, count=-1)
        with pytest.raises(UserError, match=r"sources\.set: .* keeps answering 500"):
            list(part.rows())


def test_a_group_of_parquet_is_reached_without_reading_those_before(on_hub, hub):
    rows = [{"text": secrets.token_hex(300_000)} for number in range(10)]
    [part] = on_hub({"a.parquet": hub_rows.parquet(rows, 1)})
    assert list(part.rows(9)) == rows[9:]
    assert 300_000 < hub.sent < 900_000


def test_files_here_are_opened_with_their_checksums(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(LINES))
    opened = open_source("notes", {"kind": "local", "files": [f"{tmp_path}/*.jsonl"]})
    assert [part.path for part in opened.parts] == ["a.jsonl"]
    assert list(opened.parts[0].rows(298)) == ROWS[298:]
    [entry] = opened.provenance["files"]
    assert (entry["path"], len(entry["sha256"])) == ("a.jsonl", 64)
    with pytest.raises(UserError, match=r"datasets\[2\]\.files: no file matches"):
        open_source("notes", {"kind": "local", "files": [f"{tmp_path}/*.csv"]}, "datasets[2].files")


def test_kinds_are_those_of_each_file_and_of_the_first_that_has_one(tmp_path):
    for name, row in (("a", {"title": "x"}), ("b", {"text": "x"}), ("c", {"prompt": "p", "response": "r"})):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row))
    parts = open_source("s", {"kind": "local", "files": [str(tmp_path)]}).parts
    kinds = kinds_of("s", parts)
    assert (kinds.first.name, kinds.columns) == ("text", {"text": frozenset()})
    assert [kinds.of(part).name for part in parts] == ["text", "text", "instruction_response"]
    with pytest.raises(UserError, match=r"sources\.s: no known schema fits its columns \(title\)"):
        kinds_of("s", parts[:1])
    with pytest.raises(UserError, match=r"sources\.s\.schema: says 'chat_role_content'"):
        kinds_of("s", parts[1:], "chat_role_content")


PAGES = {"Ada": {"title": "Ada", "extract": "A mathematician."}, "Bo": {"title": "Bo", "extract": "A tree.", "n": 2}}


def source_of(folder, name, content):
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return open_source("notes", {"kind": "local", "files": [str(folder / name)]}).parts


@pytest.mark.parametrize("indent", [None, 2])
def test_records_under_their_keys_are_rows(tmp_path, indent):
    (part,) = source_of(tmp_path, "a.json", json.dumps(PAGES, indent=indent))
    rows = [{"id": "Ada", **PAGES["Ada"]}, {"id": "Bo", **PAGES["Bo"]}]
    assert list(part.rows()) == rows
    assert [json.loads(line) for line in raw_lines(part.file)] == rows
    with_ids = {"x": {"id": 7, "text": "One."}, "y": {"id": 8, "text": "Two."}}
    (part,) = source_of(tmp_path, "b.json", with_ids)
    assert list(part.rows()) == [{"key": key, **record} for key, record in with_ids.items()]


def test_a_table_that_is_saved_by_columns_is_read_by_rows(tmp_path):
    for number, table in enumerate(
        [{"text": {"0": "One.", "1": "Two."}, "n": {"0": 3, "1": None}}, {"text": {"7": "One."}}]
    ):
        (part,) = source_of(tmp_path, f"{number}.json", table)
        rows = [{name: cells[place] for name, cells in table.items()} for place in table["text"]]
        assert list(part.rows()) == rows
        assert kinds_of("notes", [part]).first.name == "text"


@pytest.mark.parametrize(
    "record",
    [
        {"messages": {"role": ["user"], "content": ["Hi."]}, "meta": {"url": "x"}},
        {"text": {"text": "One."}},
        {"a": {"text": "One."}, "b": "Two."},
        {},
    ],
)
def test_a_record_that_is_a_row_stays_one(tmp_path, record):
    (part,) = source_of(tmp_path, "a.json", record)
    assert list(part.rows()) == [record]


def test_refusals_say_what_to_do_about_the_form_of_a_file(tmp_path):
    parts = source_of(tmp_path, "a.csv", "Ada,I was happy.\nBo,So was I.\n")
    with pytest.raises(UserError, match=r"\(Ada, I was happy\.\).* where it is a row, put a line with names above it"):
        kinds_of("notes", parts)
    parts = source_of(tmp_path, "a.json", {"version": 1, "rows": [{"words": "One."}, {"words": "Two."}]})
    with pytest.raises(UserError, match=r"holds 2 records in 'rows'; .* `jq -c '\.\[\"rows\"\]\[\]' a\.json > rows"):
        kinds_of("notes", parts)


def test_records_in_an_envelope_are_no_chat(tmp_path):
    for column in ("data", "rows"):
        parts = source_of(tmp_path, "a.json", {"version": "1", column: [{"title": "T", "paragraphs": []}]})
        with pytest.raises(UserError, match=f"is one record that holds 1 records in '{column}'"):
            kinds_of("notes", parts)


def test_fields_within_records_are_checked_before_all_rows_are_lost(tmp_path):
    parts = source_of(tmp_path, "a.jsonl", '{"parts": {"abstract": "One.", "conclusion": "Two."}}\n')
    assert kinds_of("notes", parts, text_field="parts.abstract").first.columns == ("parts.abstract",)
    with pytest.raises(UserError, match=r"sources\.notes\.text_field: .*'parts\.abstrac'.*'parts\.abstract'"):
        kinds_of("notes", parts, text_field="parts.abstrac")
