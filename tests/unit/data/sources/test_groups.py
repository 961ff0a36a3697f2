"""A source split into its groups, and a group as a source."""

import gzip
import json
import random
import runpy
from collections import Counter
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hub_rows
import split_groups as script
from emulsion.data.sources import groups, parquet
from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.groups import split_groups
from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from raw_rows import read_rows, without_a_page

FIELD = "meta.redpajama_set_name"


def raw(folder, tables, name="slimpajama"):
    """A fetched source of these tables or lists of lines."""
    folder.mkdir()
    files = []
    for number, rows in enumerate(tables):
        file = folder / f"part-{number:05d}{'.parquet' if isinstance(rows, pa.Table) else '.jsonl.gz'}"
        if isinstance(rows, pa.Table):
            pq.write_table(rows, file)
        else:
            with gzip.open(file, "wt") as out:
                out.writelines(line + "\n" for line in rows)
        files.append({"name": file.name, "bytes": file.stat().st_size})
    provenance = {"source": name, "kind": "hub", "id": "DKYoon/SlimPajama-6B", "revision": "a" * 40, "files": files}
    write_json(folder / "provenance.json", provenance)
    return provenance


@pytest.fixture
def slimpajama(tmp_path):
    """2,000 rows in two files; returns (rows, manifest, its file)."""
    rows = hub_rows.slimpajama_rows(2000)
    provenance = raw(tmp_path / "raw", [pa.Table.from_pylist(rows[:1200]), pa.Table.from_pylist(rows[1200:])])
    manifest = split_groups(provenance, tmp_path / "raw", FIELD, tmp_path / "groups" / "slimpajama")
    return rows, manifest, tmp_path / "groups" / "slimpajama" / "manifest.json"


def group(value, **more):
    return {"kind": "group", "of": "slimpajama", "field": FIELD, "value": value, "licence": "unstated", **more}


def test_the_seven_groups_of_slimpajama_hold_every_row_once(slimpajama, tmp_path):
    rows, manifest, file = slimpajama
    assert set(manifest["groups"]) == set(hub_rows.SLIMPAJAMA_GROUPS)
    assert read_json(file) == manifest
    seen = []
    for value in manifest["groups"]:
        folder = tmp_path / "data" / value
        provenance = fetch(value, group(value), folder, file)
        found = list(read_rows(folder / entry["name"] for entry in provenance["files"]))
        assert {row["meta"]["redpajama_set_name"] for row in found} == {value}
        assert len(found) == provenance["documents"] == manifest["groups"][value]["rows"]
        assert sum(entry["rows"] for entry in provenance["files"]) == len(found)
        assert (provenance["id"], provenance["revision"], provenance["of"]) == (
            "DKYoon/SlimPajama-6B",
            "a" * 40,
            "slimpajama",
        )
        seen += found
    assert sorted(seen, key=lambda row: row["__index_level_0__"]) == rows
    assert manifest["set_aside"] == {}


def test_rows_of_a_group_keep_their_order(slimpajama, tmp_path):
    _, _, file = slimpajama
    provenance = fetch("c4", group("RedPajamaC4"), tmp_path / "c4", file)
    numbers = [row["__index_level_0__"] for row in read_rows(tmp_path / "c4" / e["name"] for e in provenance["files"])]
    assert numbers == sorted(numbers)


def test_an_unknown_value_names_the_nearest(slimpajama, tmp_path):
    with pytest.raises(UserError, match=r"sources\.books\.value: unknown value 'RedPajamaBooks'.*'RedPajamaBook'\?"):
        fetch("books", group("RedPajamaBooks"), tmp_path / "books", slimpajama[2])


@pytest.mark.parametrize(("key", "value"), [("of", "another"), ("field", "dump")])
def test_a_manifest_of_something_else_is_refused(slimpajama, tmp_path, key, value):
    with pytest.raises(UserError, match=rf"sources\.s\.{key}: is '{value}', but .* was split from"):
        fetch("s", group("RedPajamaC4", **{key: value}), tmp_path / "s", slimpajama[2])


def test_a_group_without_a_manifest_says_what_is_needed(tmp_path):
    with pytest.raises(UserError, match="needs --groups"):
        fetch("s", group("RedPajamaC4"), tmp_path / "s")


def test_rows_without_a_value_are_set_aside_and_counted(tmp_path):
    rows = [{"text": str(number), "meta": {"set": ["a", None][number % 2]}} for number in range(10)]
    provenance = raw(tmp_path / "raw", [pa.Table.from_pylist([*rows, {"text": "x", "meta": None}])], "s")
    manifest = split_groups(provenance, tmp_path / "raw", "meta.set", tmp_path / "out")
    assert manifest["groups"]["a"]["rows"] == 5
    assert manifest["set_aside"] == {"'meta.set' is null, missing or no name": 6}
    records = [json.loads(line) for line in (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()]
    assert [record["row"] for record in records] == [1, 3, 5, 7, 9, 10]
    assert {record["file"] for record in records} == {"part-00000.parquet"}
    assert "'x'" in records[-1]["content"]


def test_rows_in_no_group_are_said_on_the_console(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(script, "bound_memory", lambda: None)  # it would bound the tests too
    raw(
        tmp_path / "raw",
        [['{"text": "a", "set": "one"}', "not json", '{"text": "b"}', '{"set": null}']],
        "s",
    )
    with pytest.raises(
        UserError, match=r"sources\.s: 3 of 4 rows .* or allow the loss by sources\.s\.max_loss: 0\.75\."
    ):
        script.main(raw=tmp_path / "raw" / "provenance.json", field="set", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    script.main(raw=tmp_path / "raw" / "provenance.json", field="set", max_loss=0.75, output=tmp_path / "out")
    said = capsys.readouterr().out
    assert said.startswith("s: 3 of 4 rows (75.0 %) are in no group: 2 x 'set' is null, missing or no name; 1 x not")
    assert str(tmp_path / "out" / "quarantine.jsonl") in said
    raw(tmp_path / "sound", [['{"set": "one"}']], "s")
    script.main(raw=tmp_path / "sound" / "provenance.json", field="set", output=tmp_path / "all")
    assert capsys.readouterr().out == ""


def test_lines_of_json_are_split_as_they_are_written(tmp_path):
    lines = ['{"text":  "a", "meta": {"set": "one"}}', "not json", '{"text": "b"}', '{"meta": {"set": 2}}']
    lines += ['{"meta": {"set": ["one"]}}', '{"meta.set": "one"}']
    provenance = raw(tmp_path / "raw", [lines], "s")
    manifest = split_groups(provenance, tmp_path / "raw", "meta.set", tmp_path / "out")
    written = {}
    for value, found in manifest["groups"].items():
        [entry] = found["files"]
        written[value] = gzip.decompress((tmp_path / "out" / found["folder"] / entry["name"]).read_bytes()).decode()
    assert written == {"one": f"{lines[0]}\n{lines[5]}\n", "2": f"{lines[3]}\n"}
    assert Counter(manifest["set_aside"]).total() == 3


def test_files_of_a_group_have_a_bounded_number_of_rows(slimpajama, tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "ROWS_PER_FILE", 100)
    monkeypatch.setattr(groups, "ROWS_PER_GROUP", 50)
    for module in (groups, parquet):
        monkeypatch.setattr(module, "ROWS_PER_BATCH", 64)
    provenance = read_json(tmp_path / "raw" / "provenance.json")
    manifest = split_groups(provenance, tmp_path / "raw", FIELD, tmp_path / "small")
    assert max(file["rows"] for found in manifest["groups"].values() for file in found["files"]) < 200
    assert {value: found["rows"] for value, found in manifest["groups"].items()} == {
        value: found["rows"] for value, found in slimpajama[1]["groups"].items()
    }


def test_files_with_different_columns_are_split_together(tmp_path):
    tables = [pa.table({"set": ["a", "b"], "x": [1, 2]}), pa.table({"set": ["a", "b"], "y": ["p", "q"]})]
    provenance = raw(tmp_path / "raw", tables, "s")
    manifest = split_groups(provenance, tmp_path / "raw", "set", tmp_path / "out")
    fetch("a", {**group("a"), "of": "s", "field": "set"}, tmp_path / "a", tmp_path / "out" / "manifest.json")
    assert manifest["groups"]["a"]["rows"] == 2
    assert list(read_rows(sorted((tmp_path / "a").glob("part-*")))) == [{"set": "a", "x": 1}, {"set": "a", "y": "p"}]


def test_a_value_that_would_climb_out_becomes_a_harmless_folder(tmp_path):
    values = ["../../etc", "..", ".", "", "a/b", "a-b", "x" * 300]
    provenance = raw(tmp_path / "raw", [pa.table({"set": values})], "s")
    manifest = split_groups(provenance, tmp_path / "raw", "set", tmp_path / "in" / "out")
    folders = [found["folder"] for found in manifest["groups"].values()]
    assert len(set(folders)) == len(values)
    assert {file.name for file in (tmp_path / "in" / "out").iterdir()} == {
        *folders,
        "manifest.json",
        "quarantine.jsonl",
    }
    assert [file.name for file in (tmp_path / "in").iterdir()] == ["out"]


def test_an_unknown_field_names_the_nearest_and_writes_nothing(slimpajama, tmp_path):
    provenance = read_json(tmp_path / "raw" / "provenance.json")
    with pytest.raises(UserError, match=r"unknown field 'meta\.set_name'.*'meta\.redpajama_set_name'"):
        split_groups(provenance, tmp_path / "raw", "meta.set_name", tmp_path / "out")
    with pytest.raises(
        UserError, match=r"--field meta: is a record, not a name; name a field of it: meta\.redpajama_set_name"
    ):
        split_groups(provenance, tmp_path / "raw", "meta", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_field_with_a_value_for_every_row_is_no_group(tmp_path):
    provenance = raw(tmp_path / "raw", [pa.table({"id": [str(number) for number in range(500)]})], "s")
    with pytest.raises(UserError, match="has more than 200 values"):
        split_groups(provenance, tmp_path / "raw", "id", tmp_path / "out")


def values_of(tmp_path, tables, field):
    """({value: rows}, {reason: rows set aside}) of a source that is split."""
    manifest = split_groups(raw(tmp_path / "raw", tables, "s"), tmp_path / "raw", field, tmp_path / "out")
    return {value: found["rows"] for value, found in manifest["groups"].items()}, manifest["set_aside"]


@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        ([1.0, 2.0, 2.5, None], {"1": 2, "2": 2, "2.5": 2}),
        ([1, 2], {"1": 2, "2": 2}),
        ([True, False, None], {"true": 2, "false": 2}),
        (["True", "1.0"], {"True": 2, "1.0": 2}),
    ],
)
def test_a_value_is_spelled_alike_whatever_the_format_of_its_file(tmp_path, values, spelled):
    tables = [pa.table({"set": values}), [json.dumps({"set": value}) for value in values]]
    assert values_of(tmp_path, tables, "set")[0] == spelled


def test_decimals_cells_and_bytes_are_spelled_as_numbers_booleans_and_text(tmp_path):
    decimals = pa.array([Decimal("1.00"), Decimal("2.50")], pa.decimal128(5, 2))
    provenance = raw(tmp_path / "raw", [pa.table({"set": decimals}), pa.table({"set": [b"true", b"1"]})], "s")
    for name, data in (("cells.csv", b"set\nTrue\n1\n"), ("lines.jsonl", b'{"set": true}\n{"set": 2.5}\n')):
        (tmp_path / "raw" / name).write_bytes(data)
        provenance["files"].append({"name": name, "bytes": len(data)})
    manifest = split_groups(provenance, tmp_path / "raw", "set", tmp_path / "out")
    assert {value: found["rows"] for value, found in manifest["groups"].items()} == {"1": 3, "2.5": 2, "true": 3}


def test_a_field_inside_of_json_that_is_text_names_groups(tmp_path):
    texts = [json.dumps({"name": value}) for value in ("a", "b")] + ["not json", "[1]"]
    tables = [pa.table({"meta": texts}), [json.dumps({"meta": text}) for text in texts]]
    found, aside = values_of(tmp_path, tables, "meta.name")
    assert found == {"a": 2, "b": 2}
    assert aside == {"'meta.name' is null, missing or no name": 4}


def test_rows_that_cannot_be_read_say_so_and_not_that_the_field_is_missing(tmp_path):
    folder = tmp_path / "raw"
    provenance = raw(folder, [['{"set": "a"}', '{"set": ', '{"set": "\\ud800"}'], pa.table({"set": ["b"]})], "s")
    lines = "".join(json.dumps({"set": "a", "n": number * 7919 % 10007}) + "\n" for number in range(5000))
    packed = gzip.compress(lines.encode())
    for name, data in (
        ("cut.jsonl.gz", packed[: len(packed) // 2]),
        ("bad.parquet", b"PAR1 oops"),
        ("b.csv", b"set\n1,2"),
    ):
        (folder / name).write_bytes(data)
        provenance["files"].append({"name": name, "bytes": len(data)})
    manifest = split_groups(provenance, folder, "set", tmp_path / "out")
    assert set(manifest["groups"]) == {"a", "b"}
    assert manifest["groups"]["a"]["rows"] > 1000
    records = [json.loads(line) for line in (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()]
    assert [(record["file"], record["row"], record["reason"].partition(":")[0]) for record in records] == [
        ("part-00000.jsonl.gz", 1, "not JSON"),
        ("part-00000.jsonl.gz", 2, "'set' is not valid Unicode"),
        ("cut.jsonl.gz", manifest["groups"]["a"]["rows"] - 1, "the file ends in the middle"),
        ("bad.parquet", 0, "not a Parquet file that can be read"),
        ("b.csv", 0, "2 cells, but the first line names 1"),
    ]
    assert records[2]["content"].startswith('{"set"')
    assert records[4]["content"] == "1,2"


def test_rows_of_a_page_that_is_passed_over_are_not_lost_in_silence(tmp_path):
    folder = tmp_path / "raw"
    provenance = raw(folder, [pa.table({"text": ["x"]})], "s")
    without_a_page(folder / "part-00000.parquet")
    manifest = split_groups(provenance, folder, "text", tmp_path / "out")
    assert {name: entry["rows"] for name, entry in manifest["groups"].items()} == {"a": 1}
    (record,) = map(json.loads, (tmp_path / "out" / "quarantine.jsonl").read_text().splitlines())
    assert record["row"] == 1 and "1 of its rows are in no page of data" in record["reason"]


def test_a_file_without_the_field_is_set_aside_and_the_others_are_split(tmp_path):
    tables = [pa.table({"set": ["a"], "text": ["x"]}), pa.table({"text": ["y"]})]
    assert values_of(tmp_path, tables, "set") == ({"a": 1}, {"'set' is null, missing or no name": 1})


@pytest.mark.parametrize("field", ["s", "text"])
def test_the_rows_of_a_file_with_two_columns_of_one_name_are_set_aside(tmp_path, monkeypatch, field):
    monkeypatch.setattr(groups, "ROWS_PER_BATCH", 2)
    double = pa.table([["a", "b", "c"], ["u", "v", "w"], ["u", "w", "x"]], names=["text", "s", "s"])
    found, aside = values_of(tmp_path, [double, pa.table({field: ["y"]})], field)
    assert (found, aside) == ({"y": 1}, {"two of its columns are named 's'; name them apart": 3})


def test_a_field_that_only_files_with_two_columns_of_its_name_have_is_told_why(tmp_path):
    with pytest.raises(UserError, match="no row of 's' has it: 1 x two of its columns are named 's'; name them apart"):
        values_of(tmp_path, [pa.table([["u"], ["u"]], names=["s", "s"])], "s")


@pytest.mark.parametrize("is_table", [True, False])
def test_no_more_rows_are_held_than_their_bytes_allow(tmp_path, monkeypatch, is_table):
    for module in (groups, parquet):
        monkeypatch.setattr(module, "BATCH_BYTES", 30_000)
    monkeypatch.setattr(groups, "WAITING_BYTES", 60_000)
    rows = [{"set": "ab"[number % 2], "text": random.Random(number).randbytes(2500).hex()} for number in range(100)]
    held, waiting = [], []
    batches, add = groups._batches, groups._Parts.add

    def counted(*arguments):
        for found in batches(*arguments):
            held.append(len(found.values))
            yield found

    def added(parts, found):
        add(parts, found)
        waiting.append(parts.waiting)

    monkeypatch.setattr(groups, "_batches", counted)
    monkeypatch.setattr(groups._Parts, "add", added)
    table = pa.Table.from_pylist(rows) if is_table else list(map(json.dumps, rows))
    assert values_of(tmp_path, [table], "set") == ({"a": 50, "b": 50}, {})
    assert max(held) <= 7
    assert max(waiting) < 90_000
    written = [row for file in sorted((tmp_path / "out").glob("[ab]/*")) for row in read_rows([file])]
    assert written == [*rows[::2], *rows[1::2]]


def test_a_row_that_unfolds_to_more_than_may_be_held_ends_its_file_in_words(tmp_path, monkeypatch):
    def short(*_, **__):
        raise MemoryError("malloc of size 9 failed")

    provenance = raw(tmp_path / "raw", [['{"set": "a"}'], pa.table({"set": ["b"]})], "s")
    monkeypatch.setattr(groups.pq.ParquetFile, "iter_batches", short)
    manifest = split_groups(provenance, tmp_path / "raw", "set", tmp_path / "out")
    assert list(manifest["groups"]) == ["a"]
    [reason] = manifest["set_aside"]
    assert reason == "a row of it unfolds to more than may be held; how many rows are missing is not known"


def test_the_script_bounds_its_memory_before_it_reads(tmp_path, monkeypatch):
    script = runpy.run_path("workflow/scripts/split_groups.py")["main"]
    called = []
    monkeypatch.setitem(script.__globals__, "bound_memory", lambda: called.append("bound"))
    manifest = {"groups": {}, "set_aside": {}}
    monkeypatch.setitem(script.__globals__, "split_groups", lambda *_: called.append("split") or manifest)
    write_json(tmp_path / "provenance.json", {"source": "s"})
    script(raw=tmp_path / "provenance.json", field="s", output=tmp_path / "out")
    assert called == ["bound", "split"]
