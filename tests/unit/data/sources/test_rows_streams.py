import gzip
import re
import sys

import pytest

from emulsion.data.sources import streams
from emulsion.data.sources.streams import BrokenFileError, chunks
from emulsion.errors import UserError
from raw_rows import broken

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = "".join(f"line {number} of a file that is long enough to be cut\n" for number in range(20_000)).encode()


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
    return gzip.compress(data, mtime=0) if suffix == ".gz" else zstd.compress(data)


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
    assert reason.startswith(f"the file ends in the middle: truncated {suffix}; how much is missing")
    assert TEXT.startswith(got)
    assert len(got) > len(TEXT) // 4


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_text_under_the_name_of_an_archive_is_read_as_it_is(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(TEXT)
    assert read(tmp_path / f"a{suffix}") == (TEXT, None)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_that_is_neither_an_archive_nor_text_says_so(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(bytes(range(256)))
    assert read(tmp_path / f"a{suffix}")[1].startswith(f"cannot be decompressed: it is neither a {suffix} archive nor")


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_an_archive_under_the_name_of_a_plain_file_is_unpacked(tmp_path, packing):
    (tmp_path / "a.jsonl").write_bytes(compressed(packing, TEXT))
    assert read(tmp_path / "a.jsonl") == (TEXT, None)


def test_a_zstd_archive_with_the_longest_window_is_read(tmp_path):
    options = {zstd.CompressionParameter.window_log: 31, zstd.CompressionParameter.enable_long_distance_matching: 1}
    compressor = zstd.ZstdCompressor(options=options)
    (tmp_path / "a.zst").write_bytes(compressor.compress(TEXT) + compressor.flush())
    with pytest.raises(zstd.ZstdError, match="too much memory"):
        zstd.decompress((tmp_path / "a.zst").read_bytes())
    assert read(tmp_path / "a.zst") == (TEXT, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
def test_text_with_a_byte_order_mark_comes_as_utf_8(tmp_path, encoding):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (tmp_path / "a.txt").write_bytes(mark + ("é\U0001f600" + TEXT.decode()).encode(encoding))
    assert read(tmp_path / "a.txt") == ("é\U0001f600".encode() + TEXT, None)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named_with_the_remedy(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(TEXT.decode().encode(encoding))
    name = encoding.upper().replace("-", "", 2).replace("UTF16", "UTF-16")
    assert f"it is {name} without a byte-order mark" in read(tmp_path / "a.txt")[1]
    assert f"iconv -f {name} -t UTF-8" in read(tmp_path / "a.txt")[1]


def test_utf_16_that_is_cut_is_told_after_what_is_whole(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.decode().encode("utf-16")[:-1])
    got, reason = read(tmp_path / "a.txt")
    assert got == TEXT[:-1]
    assert reason.startswith("not valid UTF-16")


def test_half_of_a_surrogate_pair_in_utf_16_does_not_lose_what_follows(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffab".encode("utf-16-le") + b"\x00\xd8" + "\ncd".encode("utf-16-le"))
    assert read(tmp_path / "a.txt") == ("ab\ud800\ncd".encode("utf-8", "surrogatepass"), None)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 146946961\n"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", POINTER, "a pointer of git-lfs in place of a file of 146,946,961 bytes; bring .* `git lfs pull`"),
        ("a.jsonl.gz", POINTER, "a pointer of git-lfs"),
        ("a.txt", b"/annex/objects/SHA256E-s12--ab.txt\n", "a pointer of git-annex; bring .* `git annex get`"),
        ("a.csv", b"../.git/annex/objects/q/F/SHA256E-s12--ab.csv", "a pointer of git-annex"),
        ("a.parquet", POINTER, "a pointer of git-lfs"),
        ("a.json", b"\n<!DOCTYPE html><html>404</html>", "a page of HTML or XML, such as a server sends"),
        ("a.csv.gz", gzip.compress(b'<?xml version="1.0"?><Error>', mtime=0), "a page of HTML or XML"),
        (
            "a.jsonl",
            b"../../blobs/0a1b\n",
            r"nothing but the path of another file, '\.\./\.\./blobs/0a1b'.* `rsync -L`",
        ),
        ("a.jsonl.gz", b"", r"is empty, 0 bytes, and so no \.gz archive"),
        ("a.jsonl", b"PAR1....", r"a Parquet file; give it a name that ends in \.parquet"),
        ("a.csv", b"PK\x03\x04...", "a zip archive, or a document of Office"),
        ("a.txt", b"%PDF-1.7", "a PDF"),
        ("a.jsonl", b"BZh91AY&SY...", "a bzip2 archive"),
        ("a.jsonl", b"\x04\x22\x4d\x18d@", "an lz4 archive; unpack it"),
        ("a.json", b"PK\x05\x06" + bytes(18), "a zip archive of nothing"),
        ("a.jsonl.gz", gzip.compress(gzip.compress(TEXT, mtime=0), mtime=0), "packed twice"),
        ("a.txt", b"x" * 257 + b"ustar", "a tar archive"),
    ],
)
def test_what_is_no_data_is_told_with_the_remedy(tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    got, said = read(tmp_path / name)
    assert got == b""
    assert re.search(reason, said)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", b"<!DOCTYPE html><html>"),
        ("a.txt", b"<html> is a tag."),
        ("a.txt", b"version https://git-lfs.github.com/spec/v1 is what a pointer begins with.\n"),
        ("a.txt", b"BZh9 is how bzip2 begins"),
        ("a.txt", b"a\0b\0 null bytes of text"),
    ],
)
def test_what_only_looks_like_it_is_read(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert read(tmp_path / name) == (data, None)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_the_head_of_a_source_is_looked_at_and_nothing_is_lost(size):
    head, source = streams.head_of(broken(b"text", "cut"), size)
    assert head == b"text"
    assert next(source) == b"text"
    with pytest.raises(BrokenFileError, match="cut"):
        next(source)


def test_an_archive_with_a_damaged_middle_keeps_what_came_before(tmp_path):
    packed = bytearray(gzip.compress(TEXT, mtime=0))
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
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT, mtime=0))
    assert read(tmp_path / "a.gz") == (TEXT, None)
