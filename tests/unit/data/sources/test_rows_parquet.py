import base64
import datetime
import itertools
import os
import struct
import subprocess
import sys

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from emulsion.data.sources import parquet
from emulsion.data.sources.formats import columns_of, read_file
from emulsion.data.sources.streams import BrokenFileError, Malformed
from raw_rows import read_rows, without_a_page

ROWS = [{"id": f"d{number}", "text": f"text {number} " * 20} for number in range(300)]


def table(rows):
    return pa.Table.from_pylist(rows)


def test_rows_of_all_groups_are_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_PER_BATCH", 7)
    pq.write_table(table(ROWS), tmp_path / "a.parquet", row_group_size=100)
    assert list(read_rows([tmp_path / "a.parquet"])) == ROWS


def test_rows_of_large_documents_come_a_few_at_a_time(tmp_path, monkeypatch):
    pq.write_table(table(ROWS), tmp_path / "a.parquet", compression="none", use_dictionary=False)
    monkeypatch.setattr(parquet, "BATCH_BYTES", 1000)
    with pq.ParquetFile(tmp_path / "a.parquet") as file:
        sizes = []
        monkeypatch.setattr(parquet, "_batch", lambda batch, *how: sizes.append(batch.num_rows) or [])
        list(parquet._group(file, 0))
    assert max(sizes) <= 6
    assert sum(sizes) == 300


def test_a_row_group_that_cannot_be_read_is_set_aside_row_by_row_and_the_others_kept(tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(table(ROWS), file, row_group_size=100, compression="zstd", use_dictionary=False)
    start = pq.ParquetFile(file).metadata.row_group(1).column(1).data_page_offset
    data = bytearray(file.read_bytes())
    data[start : start + 60] = b"\xff" * 60
    file.write_bytes(data)
    rows = list(read_rows([file]))
    assert [row for row in rows if not isinstance(row, Malformed)] == ROWS[:100] + ROWS[200:]
    lost = [row.reason for row in rows if isinstance(row, Malformed)]
    assert len(lost) == 100
    assert lost[0].startswith("row group 1 of the Parquet file cannot be read: ")


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"PAR1" * 9])
def test_a_file_without_its_end_is_one_malformed_row(tmp_path, damage):
    pq.write_table(table(ROWS), tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes(damage((tmp_path / "a.parquet").read_bytes()))
    [row] = read_rows([tmp_path / "a.parquet"])
    assert row.reason.startswith("not a Parquet file that can be read: ")
    assert columns_of(tmp_path / "a.parquet") == {}


def test_a_text_that_is_not_utf8_loses_its_own_row_alone(tmp_path):
    raw = pa.array([b"one", b"caf\xe9", b"three"]).view(pa.string())
    pq.write_table(pa.table({"id": ["a", "b", "c"], "text": raw}), tmp_path / "a.parquet")
    one, bad, three = read_rows([tmp_path / "a.parquet"])
    assert (one["text"], three["text"]) == ("one", "three")
    assert bad == Malformed("'text' is not valid UTF-8", "{'id': 'b'}")


def test_a_file_of_another_schema_than_the_first_keeps_its_rows_as_they_are(tmp_path):
    pq.write_table(table([{"text": "a"}]), tmp_path / "a.parquet")
    pq.write_table(table([{"body": "b"}, {"body": "c"}]), tmp_path / "b.parquet")
    rows = list(read_rows([tmp_path / "a.parquet", tmp_path / "b.parquet"]))
    assert rows == [{"text": "a"}, {"body": "b"}, {"body": "c"}]


@pytest.mark.parametrize("open_writer", [pa.ipc.new_stream, pa.ipc.new_file])
def test_arrow_of_both_formats_has_its_rows(tmp_path, open_writer):
    with open_writer(tmp_path / "a.arrow", table(ROWS).schema) as writer:
        writer.write_table(table(ROWS), max_chunksize=70)
    assert list(read_rows([tmp_path / "a.arrow"])) == ROWS
    assert columns_of(tmp_path / "a.arrow") == {"id": frozenset(), "text": frozenset()}


def test_an_arrow_file_that_is_cut_keeps_what_came_before(tmp_path):
    with pa.ipc.new_stream(tmp_path / "a.arrow", table(ROWS).schema) as writer:
        writer.write_table(table(ROWS), max_chunksize=70)
    data = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(data[: len(data) // 2])
    *kept, last = read_rows([tmp_path / "a.arrow"])
    assert kept == ROWS[: len(kept)]
    assert len(kept) >= 70
    assert last.reason.startswith("not an Arrow file that can be read: ")


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_of_two_columns_of_one_name_neither_is_taken_for_the_other(tmp_path, name):
    twice = pa.Table.from_arrays([pa.array(["a", "b"]), pa.array(["c", "d"])], ["text", "text"])
    if name == "a.parquet":
        pq.write_table(twice, tmp_path / name)
    else:
        with pa.ipc.new_file(tmp_path / name, twice.schema) as writer:
            writer.write_table(twice)
    assert list(read_rows([tmp_path / name])) == [Malformed("two of its columns are named 'text'; name them apart")] * 2


@pytest.mark.parametrize("start", [0, 1, 99, 100, 250, 299, 300, 400])
def test_reading_begins_at_any_row(tmp_path, start):
    pq.write_table(table(ROWS), tmp_path / "a.parquet", row_group_size=100)
    assert list(read_file(tmp_path / "a.parquet", start=start)) == ROWS[start:]


def test_records_in_lists_of_a_fixed_size_are_known(tmp_path):
    turns = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]), 2)
    turn = {"role": "user", "content": "q"}
    pq.write_table(pa.table({"messages": pa.array([[turn, turn]], turns)}), tmp_path / "a.parquet")
    assert columns_of(tmp_path / "a.parquet") == {"messages": frozenset({"role", "content"})}


@pytest.mark.parametrize("packed", ["zstd", "none"])
def test_a_value_that_all_rows_share_does_not_fill_the_memory(tmp_path, monkeypatch, packed):
    value, rows = "a" * (1 << 20), 2000  # 2 GB of text in a file of a megabyte, or less
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))
    file = tmp_path / "rows.parquet"
    limits = {"data_page_size": 1 << 30, "dictionary_pagesize_limit": 1 << 30}
    pq.write_table(pa.table({"text": shared}), file, compression=packed, store_schema=False, **limits)
    sizes, batch = [], parquet._batch
    monkeypatch.setattr(parquet, "_batch", lambda found, *how: (sizes.append(found.num_rows), batch(found, *how))[1])
    monkeypatch.setattr(parquet, "UNFOLDED_BYTES", 8 << 20)
    found = itertools.islice(parquet.rows(file), 20)
    assert all(row["text"] == value for row in found)
    assert max(sizes) <= 8


BOUNDED = """
import sys
from pathlib import Path
from emulsion.data.sources.formats import read_file
from emulsion.data.sources.memory import bound_memory
from emulsion.data.sources.streams import Malformed

bound_memory(2 << 30)
for row in read_file(Path(sys.argv[1])):
    print(row.reason if isinstance(row, Malformed) else len(row["text"]))
[most] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
assert int(most) < 3 << 20, most  # KiB
"""


def _list_of_one_value(file):
    """One row whose list has the same thousand characters 5 million times."""
    count = 5_000_000
    shared = pa.DictionaryArray.from_arrays(
        pa.array([0], pa.int32()).take(pa.array([0] * count)), pa.array(["x" * 1000])
    )
    rows = {"text": pa.array(["a"]), "tags": pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), shared)}
    pq.write_table(pa.table(rows), file, compression="zstd", store_schema=False)


def _compressed_batch(file):
    rows = pa.table({"text": pa.array(["z" * 1_200_000_000])})
    with pa.ipc.new_file(file, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(rows)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count maps towards the limit")
@pytest.mark.parametrize(("name", "write"), [("a.parquet", _list_of_one_value), ("a.arrow", _compressed_batch)])
def test_a_row_that_unfolds_beyond_all_bounds_is_set_aside(tmp_path, name, write):
    write(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 1 << 20
    command = [sys.executable, "-c", BOUNDED, str(tmp_path / name)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": "workflow/scripts"}, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1 and "unfolds to more than may be held" in done.stdout


def test_a_dictionary_of_arrow_is_unfolded_a_few_rows_at_a_time(tmp_path, monkeypatch):
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array(["a" * (1 << 20)]))
    rows = pa.table({"text": shared})
    with pa.ipc.new_file(tmp_path / "a.arrow", rows.schema) as writer:
        writer.write_table(rows)
    sizes, batch = [], parquet._batch
    monkeypatch.setattr(parquet, "_batch", lambda found, *how: (sizes.append(found.num_rows), batch(found, *how))[1])
    monkeypatch.setattr(parquet, "UNFOLDED_BYTES", 8 << 20)
    assert sum(len(row["text"]) for row in parquet.rows(tmp_path / "a.arrow")) == 500 << 20
    assert max(sizes) <= 8


def test_ordinary_text_is_read_by_the_hundred(tmp_path, monkeypatch):
    file = tmp_path / "rows.parquet"
    kinds = ["one", "two"] * 2000
    pq.write_table(pa.table({"text": [f"text {n} " * 9 for n in range(4000)], "kind": kinds}), file)
    sizes, batch = [], parquet._batch
    monkeypatch.setattr(parquet, "_batch", lambda found, *how: (sizes.append(found.num_rows), batch(found, *how))[1])
    assert len(list(parquet.rows(file))) == 4000
    assert sum(sizes) == 4000 and max(sizes) >= 250


def test_maps_are_records_and_those_with_a_key_twice_lists_of_pairs(tmp_path):
    kind = pa.map_(pa.string(), pa.string())
    columns = {"turn": [[("role", "user")]], "meta": [[("k", "1"), ("k", "2")]]}
    for names in (("turn",), ("turn", "meta")):
        pq.write_table(pa.table({name: pa.array(columns[name], kind) for name in names}), tmp_path / "a.parquet")
        (row,) = read_rows([tmp_path / "a.parquet"])
        expected = {"turn": {"role": "user"}} if names == ("turn",) else {name: columns[name][0] for name in names}
        assert row == expected


@pytest.mark.parametrize("offset", [2**31 - 1, -(2**31), 4_000])
def test_offsets_that_lead_out_of_a_damaged_arrow_file_are_not_followed(tmp_path, offset):
    """To follow them aborts the process, in 430 of 3,000 files with one to four bits turned over."""
    table = pa.table({"text": ["aaa", "bbb", "ccc", "ddd"]})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    content = (tmp_path / "a.arrow").read_bytes()
    whole = struct.pack("<5i", 0, 3, 6, 9, 12)
    assert content.count(whole) == 1
    (tmp_path / "a.arrow").write_bytes(content.replace(whole, struct.pack("<5i", 0, 3, offset, 9, 12)))
    read = list(parquet.rows(tmp_path / "a.arrow"))
    assert [row for row in read if not isinstance(row, Malformed)] == [{"text": "aaa"}, {"text": "ddd"}]
    assert [row.reason for row in read if isinstance(row, Malformed)] == ["'text' cannot be read: ArrowInvalid"] * 2


NESTED = {
    "list": ([["aaa"], ["bbb"], ["ccc"]], pa.list_(pa.string())),
    "fixed": ([["aaa"], ["bbb"], ["ccc"]], pa.list_(pa.string(), 1)),
    "record": ([{"k": "aaa"}, {"k": "bbb"}, {"k": "ccc"}], pa.struct([("k", pa.string())])),
    "chat": ([[{"k": text}] for text in ("aaa", "bbb", "ccc")], pa.large_list(pa.struct([("k", pa.string())]))),
}


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize(
    ("sound", "damaged"),
    [(struct.pack("<4i", 0, 3, 6, 9), struct.pack("<4i", 0, 3, 2**30, 9)), (b"aaabbbccc", b"aaab\xffbccc")],
)
def test_of_a_nested_column_only_the_rows_that_are_damaged_are_set_aside(tmp_path, name, sound, damaged):
    values, kind = NESTED[name]
    table = pa.table({name: pa.array(values, kind)})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    content = (tmp_path / "a.arrow").read_bytes()
    assert content.count(sound) == 1
    (tmp_path / "a.arrow").write_bytes(content.replace(sound, damaged))
    first, second, third = parquet.rows(tmp_path / "a.arrow")
    assert first == {name: values[0]} and isinstance(second, Malformed)
    assert isinstance(third, Malformed) if damaged.startswith(b"\0") else third == {name: values[2]}


@pytest.mark.parametrize("zone", ["GMT+1", "UTC+3", "PST", "Z"])
@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_a_time_in_a_zone_that_is_not_known_does_not_cost_its_row(tmp_path, zone, ending):
    times = pa.array([0, None], pa.int64()).view(pa.timestamp("s", tz=zone))
    found = pa.table({"text": ["a", "b"], "at": times})
    file = tmp_path / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(found, file)
    else:
        with pa.ipc.new_file(str(file), found.schema) as writer:
            writer.write_table(found)
    rows = list(parquet.rows(file))
    assert [row["text"] for row in rows] == ["a", "b"] and rows[0]["at"].year == 1970


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("us", tz="UTC"), pa.duration("ms"), pa.date32()])
@pytest.mark.parametrize("write", [pq.write_table, feather.write_feather])
def test_a_time_that_python_has_no_date_for_does_not_cost_its_row(tmp_path, kind, write):
    largest = 2 ** (kind.bit_width - 1) - 1
    whole = pa.array([0, largest], pa.int64() if kind.bit_width == 64 else pa.int32())
    file = tmp_path / ("a.parquet" if write is pq.write_table else "a.arrow")
    options = {} if write is pq.write_table else {"compression": "uncompressed"}
    write(pa.table({"text": ["a", "b"], "at": whole.view(kind)}), str(file), **options)
    rows = list(parquet.rows(file))
    assert [row["text"] for row in rows] == ["a", "b"] and rows[1]["at"] == largest
    assert not isinstance(rows[0]["at"], int)


DAY = datetime.datetime(2020, 1, 1)


@pytest.mark.parametrize(
    ("kind", "key", "read"),
    [
        (pa.timestamp("s"), DAY, {DAY: "v"}),
        (pa.binary(), b"x", {b"x": "v"}),
        (pa.struct([("k", pa.string())]), {"k": "x"}, [({"k": "x"}, "v")]),
    ],
)
def test_maps_with_keys_of_any_kind_are_read(tmp_path, kind, key, read):
    found = pa.table({"text": ["a"], "meta": pa.array([[(key, "v")]], pa.map_(kind, pa.string()))})
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), found.schema) as writer:
        writer.write_table(found)
    assert list(parquet.rows(tmp_path / "a.arrow")) == [{"text": "a", "meta": read}]


@pytest.mark.parametrize(("after", "is_said"), [(b"", False), (bytes(64), False), (None, True)])
def test_what_follows_the_end_of_an_arrow_stream_is_said(tmp_path, after, is_said):
    file, rows = tmp_path / "a.arrow", pa.table({"text": ["a", "b"]})
    with pa.ipc.new_stream(file, rows.schema) as writer:
        writer.write_table(rows)
    data = file.read_bytes()
    file.write_bytes(data + (data if after is None else after))
    read = list(read_file(file))
    assert read[:2] == [{"text": "a"}, {"text": "b"}]
    assert [row.reason.partition(";")[0] for row in read[2:]] == is_said * ["there is more after the end of its stream"]


def test_rows_of_a_page_that_is_passed_over_are_counted(tmp_path):
    without_a_page(tmp_path / "a.parquet")
    one, two, three = parquet.rows(tmp_path / "a.parquet")
    assert (one, three) == ({"text": "a"}, {"text": "c"})
    assert two.reason == "row group 1 of the Parquet file cannot be read: 1 of its rows are in no page of data"


class _Keys(encryption.KmsClient):
    """Keys that are not secret."""

    def wrap_key(self, key, name):
        return base64.b64encode(key)

    def unwrap_key(self, key, name):
        return base64.b64decode(key)


def test_columns_that_are_encrypted_are_refused_in_words(tmp_path):
    """Under a plain footer a look at what it says of such a column ends the process."""
    how = encryption.EncryptionConfiguration(footer_key="a", column_keys={"b": ["text"]}, plaintext_footer=True)
    keys = encryption.CryptoFactory(lambda connection: _Keys())
    secret = keys.file_encryption_properties(encryption.KmsConnectionConfig(), how)
    found = pa.table({"id": ["a"], "text": ["secret"]})
    with pq.ParquetWriter(tmp_path / "a.parquet", found.schema, encryption_properties=secret) as writer:
        writer.write_table(found)
    with pytest.raises(BrokenFileError, match="it is encrypted"):
        list(parquet.rows(tmp_path / "a.parquet"))


def test_a_footer_whose_schema_is_damaged_does_not_end_the_process(tmp_path):
    """One bit makes a record required, and what is counted of its levels no longer fits."""
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"m": [{"a": [1]}]}), file)
    data = file.read_bytes()
    assert data.count(b"\x35\x02\x18\x01m") == 1
    file.write_bytes(data.replace(b"\x35\x02\x18\x01m", b"\x35\x00\x18\x01m"))
    with pytest.raises(BrokenFileError, match="its footer is damaged: "):
        list(parquet.rows(file))
