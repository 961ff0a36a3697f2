import gzip
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.sources import streams
from emulsion.data.sources.streams import BrokenFileError, Malformed, chunks, elements, lines, whole
from emulsion.errors import UserError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "".join(f"line {number} of a file that is long enough to be cut\n" for number in range(20_000)).encode()


def cut(data, sizes):
    """The data in pieces of these sizes, again and again."""
    place = 0
    while place < len(data):
        for size in sizes:
            yield data[place : place + size]
            place += size


def read(file):
    """(all bytes that come out, why no more come)."""
    got = bytearray()
    try:
        for chunk in chunks(file):
            got += chunk
    except BrokenFileError as error:
        return bytes(got), str(error)
    return bytes(got), None


def compressed(suffix, data):
    return gzip.compress(data) if suffix == ".gz" else zstd.compress(data)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_archive_of_several_members_is_read_whole_and_in_chunks(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(compressed(suffix, TEXT) + compressed(suffix, TEXT))
    pieces = list(chunks(tmp_path / f"a{suffix}"))
    assert b"".join(pieces) == TEXT + TEXT
    assert max(map(len, pieces)) <= streams.CHUNK_BYTES


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_of_a_truncated_archive_all_that_is_there_is_kept(tmp_path, suffix):
    file = tmp_path / f"a{suffix}"
    packed = compressed(suffix, TEXT)
    file.write_bytes(packed[: len(packed) // 2])
    got, reason = read(file)
    assert reason == f"the file ends in the middle: truncated {suffix}"
    assert TEXT.startswith(got)
    assert len(got) > len(TEXT) // 4


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_is_no_archive_says_so(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(TEXT)
    assert read(tmp_path / f"a{suffix}")[1].startswith("cannot be decompressed: ")


def test_an_archive_with_a_damaged_middle_keeps_what_came_before(tmp_path):
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(packed)
    got, reason = read(tmp_path / "a.gz")
    assert got
    assert reason.startswith(("cannot be decompressed: ", "the file ends"))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_archive_bomb_is_refused_and_named(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(streams, "BOMB_BYTES", 1 << 20)
    (tmp_path / f"bomb{suffix}").write_bytes(compressed(suffix, b"0" * (8 << 20)))
    with pytest.raises(UserError, match=rf"bomb\{suffix}: refused as an archive bomb"):
        list(chunks(tmp_path / f"bomb{suffix}"))


def test_a_large_archive_of_common_text_is_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "BOMB_BYTES", 1 << 10)
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT))
    assert read(tmp_path / "a.gz") == (TEXT, None)


@given(st.binary(max_size=200), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_lines_are_those_of_the_whole_however_it_is_cut(data, sizes):
    expected = data.split(b"\n")
    assert list(lines(cut(data, sizes))) == (expected if expected[-1].strip() else expected[:-1])


def test_a_line_over_the_limit_is_one_malformed_row_and_the_next_are_read(monkeypatch):
    monkeypatch.setattr(streams, "ROW_BYTES", 1 << 20)
    data = b"before\n" + b"x" * (1 << 20) + b"y\n" + b"z" * (1 << 20) + b"\nafter"
    before, long, exact, after = lines(cut(data, [10_000]))
    assert (before, exact, after) == (b"before", b"z" * (1 << 20), b"after")
    assert long == Malformed("longer than 1 MB", "x" * 2000)


def test_a_line_over_the_limit_is_not_held_in_memory(monkeypatch):
    monkeypatch.setattr(streams, "ROW_BYTES", 1 << 16)
    row = streams._Row()
    for _ in range(1000):
        row.add(b"x" * 1000)
    assert sum(map(len, row._pieces)) <= 1 << 16
    assert isinstance(row.take(), Malformed)


def test_the_whole_of_a_file_over_the_limit_is_left_unread(monkeypatch):
    monkeypatch.setattr(streams, "ROW_BYTES", 1000)
    source = iter([b"x" * 600, b"y" * 600, b"z" * 600])
    assert isinstance(whole(source), Malformed)
    assert list(source) == [b"z" * 600]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(['\\"', "],[", "{\\", '"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=6), st.sampled_from([None, 0, 2]), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_elements_of_an_array_are_those_a_parser_finds_however_it_is_cut(values, indent, sizes):
    data = f" {json.dumps(values, indent=indent, ensure_ascii=False)}\n".encode()
    assert [json.loads(element) for element in elements(cut(data, sizes))] == values


def test_a_malformed_element_of_an_array_is_lost_alone():
    data = b'[{"a": 1}, {"a": oops}, {"a" 2}, \xff, {"a": 3}]'
    assert list(elements(iter([data]))) == [b'{"a": 1}', b' {"a": oops}', b' {"a" 2}', b" \xff", b' {"a": 3}']


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"a": 1}, {"a": 2', "ends in the middle of its list"),
        (b'[{"a": 1}, {"a": 2}', "ends in the middle of its list"),
        (b'[{"a": 1}] {"a": 2}', "more after the end of its list"),
    ],
)
def test_an_array_that_does_not_end_where_it_should_is_told_after_the_elements_before(data, reason):
    found = []
    with pytest.raises(BrokenFileError, match=reason):
        found.extend(elements(iter([data])))
    source = elements(iter([data]))
    assert next(source) == b'{"a": 1}'
