"""Which files a pattern of a local source names, and what is said where it names none or what is no data."""

import gzip
import logging
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.local import find_files, local_files
from emulsion.data.sources.patterns import find
from emulsion.errors import UserError
from emulsion.files import read_json

LINE = '{"text": "one"}\n'


def write(folder, *paths, text=LINE):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def names(*patterns, **settings):
    return [file.path for file in find_files("mine", {"files": list(map(str, patterns)), **settings})]


def error_of(pattern, **settings):
    with pytest.raises(UserError) as error:
        local_files("mine", {"files": [str(pattern)], **settings})
    return str(error.value)


@pytest.mark.parametrize("pattern", ["data [v1]/*.jsonl", "data [v1]/[ab].jsonl", "data [v1]", "*/a.jsonl"])
def test_brackets_of_a_folder_that_is_there_stand_for_themselves(tmp_path, pattern):
    write(tmp_path, "data [v1]/a.jsonl")
    assert [file.name for file in local_files("mine", {"files": [f"{tmp_path}/{pattern}"]})] == ["a.jsonl"]


def test_brackets_of_a_folder_that_is_not_there_are_a_pattern(tmp_path):
    write(tmp_path, "data v/a.jsonl")
    assert names(tmp_path / "data [v1]/*.jsonl") == ["data v/a.jsonl"]
    assert "To match a bracket itself, write" in error_of(tmp_path / "data [xyz]/*.jsonl")


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    write(tmp_path, "notes/a.jsonl")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert names("~/notes/*.jsonl") == ["a.jsonl"]
    assert "no file matches '~/nots/*.jsonl'" in error_of("~/nots/*.jsonl")
    assert f"Did you mean '{tmp_path / 'notes'}'?" in error_of("~/nots/*.jsonl")


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://host.org/a.jsonl?signature=secret", "`kind: web` with `web: {files: [...]}`"),
        ("hf://datasets/owner/name@main/data/*.jsonl", "`kind: hub` with `hub: {id: owner/name}`"),
        ("hf://datasets/owner/name", "`kind: hub` with `hub: {id: owner/name}`"),
        ("s3://bucket/a.jsonl?X-Amz-Signature=secret", "copy it to this machine"),
        ("https://me:secret@host.org/a.jsonl#token=secret", "is an address; write"),
        ("gs://bucket/*.jsonl", "copy it to this machine"),
        ("file:///data/a.jsonl", "write the path alone: '/data/a.jsonl'"),
    ],
)
def test_an_address_is_refused_with_what_to_write_and_without_its_signature(address, hint):
    error = error_of(address)
    assert error.startswith("sources.mine.local.files: '")
    assert hint in error
    assert "secret" not in error


@pytest.mark.parametrize("pattern", ["part-{00..02}.jsonl", "{a,b}/x.jsonl", "x/{a,b}.jsonl"])
def test_a_brace_pattern_of_a_shell_is_told_what_to_write(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    assert "Braces are a pattern of shells" in error_of(pattern)


def test_braces_of_a_name_that_is_there_are_read(tmp_path):
    write(tmp_path, "we{ir}d/{x}.jsonl")
    assert names(tmp_path / "we{ir}d/{x}.jsonl") == ["{x}.jsonl"]
    assert names(tmp_path / "we{ir}d/*.jsonl") == ["{x}.jsonl"]


def test_the_part_of_a_path_that_is_not_there_is_named_with_the_nearest(tmp_path):
    write(tmp_path, "corpora/train.jsonl")
    error = error_of(tmp_path / "corpora/trian.jsonl")
    assert f"there is no '{tmp_path}/corpora/trian.jsonl'. Did you mean '{tmp_path}/corpora/train.jsonl'?" in error
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    assert "It is a link that leads to nothing." in error_of(tmp_path / "gone.jsonl")
    assert "is a link that leads to nothing" in error_of(tmp_path / "*.jsonl")
    (tmp_path / "device.jsonl").symlink_to("/dev/zero")
    assert "device.jsonl' is not a file that can be read" in error_of(tmp_path / "device.jsonl")
    (tmp_path / "empty").mkdir()
    assert error_of(tmp_path / "empty").endswith("no file below it has a suffix that is read.")
    write(tmp_path, *(f"papers/{name}" for name in "abcdef"))
    assert " It has a, b, c, d, e, ...; rename what is text to .txt, " in error_of(tmp_path / "papers")


def test_a_link_that_leads_out_to_nothing_is_called_so_with_what_brings_its_file(tmp_path):
    write(tmp_path, "mine/a.jsonl")
    for target, mend in (
        ("../../gone.jsonl", "leave it out by `exclude`"),
        ("../.git/annex/objects/ab/cd/MD5E-s9.jsonl", "by `git annex get` in its repository"),
    ):
        link = tmp_path / "mine/b.jsonl"
        link.symlink_to(target)
        assert "b.jsonl' is a link that leads to nothing; " in (error := error_of(tmp_path / "mine"))
        assert f"{mend}." in error
        link.unlink()


@pytest.mark.parametrize(
    ("name", "begin", "words"),
    [
        ("a.jsonl.bz2", b"BZh91AY&SY", "it is a bzip2 archive; unpack it"),
        ("a.xz", b"\xfd7zXZ\x00", "it is an xz archive; unpack it"),
        ("paper.pdf", b"%PDF-1.7", "it is a PDF; bring its text to"),
    ],
)
def test_a_file_of_no_known_suffix_is_called_what_it_is(tmp_path, name, begin, words):
    (tmp_path / name).write_bytes(begin)
    assert f"{name}': {words}" in error_of(tmp_path / name)


@pytest.mark.parametrize("circle", [["b.jsonl"], ["b.jsonl", "c.jsonl"]])
def test_a_link_that_leads_to_itself_is_one_that_leads_to_nothing(tmp_path, circle):
    write(tmp_path, "mine/a.jsonl")
    for link, target in zip(circle, [*circle[1:], circle[0]], strict=True):
        (tmp_path / "mine" / link).symlink_to(target)
    for pattern in ("mine", "mine/*", "*/*.jsonl", "mine/b.jsonl", "mine/b.jsonl/*.jsonl"):
        error = error_of(tmp_path / pattern)
        assert "is a link that leads to nothing" in error
        assert "Did you mean" not in error
    for pattern in ("mine/a.*", "mine"):
        assert names(tmp_path / pattern, exclude=circle) == ["a.jsonl"]


def test_a_link_to_itself_that_no_pattern_names_is_no_trouble(tmp_path):
    write(tmp_path, "a.jsonl")
    (tmp_path / "loop").symlink_to("loop")
    assert names(tmp_path / "*.jsonl") == names(tmp_path) == ["a.jsonl"]


@pytest.fixture
def cache(tmp_path):
    """The hub's cache with one dataset at one commit, whose files are links to blobs without a suffix."""
    repository = tmp_path / "hub/datasets--owner--name"
    write(repository, "blobs/0a", "blobs/0c", "refs/main")
    (repository / "blobs/0b").write_text("---\nlicense: mit\n---\n# Card\n")
    for link, blob in (("data/a.jsonl", "0a"), ("README.md", "0b"), (".gitattributes", "0c")):
        file = repository / "snapshots/c0ffee" / link
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(os.path.relpath(repository / "blobs" / blob, file.parent))
    return repository


@pytest.mark.parametrize(
    "pattern",
    ["", "**", "snapshots/*/data/*.jsonl", "snapshots/c0ffee", "snapshots/c0ffee/data", "**/*.jsonl", "../**/*.jsonl"],
)
def test_links_of_the_hubs_cache_are_followed_inside_it(cache, pattern, monkeypatch):
    monkeypatch.chdir(cache)
    [found] = find_files("mine", {"files": [pattern if pattern.startswith("..") else f"{cache}/{pattern}"]})
    assert (found.path.rpartition("/")[2], found.suffix) == ("a.jsonl", ".jsonl")
    assert list(found.rows()) == [{"text": "one"}]


def test_a_link_out_of_the_hubs_cache_is_refused(cache, tmp_path):
    write(tmp_path, "secret.jsonl")
    (cache / "snapshots/c0ffee/b.jsonl").symlink_to(tmp_path / "secret.jsonl")
    assert "is a link that leads out of" in error_of(cache)


def test_a_link_that_leads_out_is_left_out_by_exclude(tmp_path):
    write(tmp_path, "outside/a.txt", "corpus/b.txt")
    (tmp_path / "corpus/out").symlink_to(tmp_path / "outside")
    assert "name where it leads to, or leave it out by `exclude`" in error_of(tmp_path / "corpus/**/*.txt")
    assert names(tmp_path / "corpus/**/*.txt", exclude=["out"]) == ["b.txt"]


def test_two_commits_in_the_hubs_cache_are_not_read_as_one_source(cache):
    write(cache, "snapshots/decade/a.jsonl")
    assert "holds 2 commits of one repository (c0ffee, decade)" in error_of(cache)
    assert names(cache / "snapshots/decade") == ["a.jsonl"]


def test_a_fetch_from_the_hubs_cache_keeps_the_suffix_of_the_link(cache, tmp_path):
    provenance = fetch("mine", {"kind": "local", "files": [str(cache)]}, tmp_path / "raw")
    assert [file["name"] for file in provenance["files"]] == ["part-00000.jsonl"]
    assert provenance["left_out"] == ["snapshots/c0ffee/README.md"]


def test_a_folder_named_like_a_file_stands_for_its_parts(tmp_path):
    write(tmp_path, "x.jsonl/part-0", "x.jsonl/_SUCCESS", "x.jsonl/.part-0.crc", "y.jsonl")
    (tmp_path / "z.parquet").mkdir()
    pq.write_table(pa.table({"text": ["one"]}), tmp_path / "z.parquet/part-0.snappy.parquet")
    for patterns in ([tmp_path / "*.jsonl", tmp_path / "*.parquet"], [tmp_path]):
        assert sorted(names(*patterns)) == ["x.jsonl/part-0", "y.jsonl", "z.parquet/part-0.snappy.parquet"]
    assert names(tmp_path / "x.jsonl") == ["part-0"]
    rows = [list(part.rows()) for part in find_files("mine", {"files": [str(tmp_path)]})]
    assert rows == [[{"text": "one"}]] * 3


def test_cards_and_what_datasets_writes_are_no_data_and_said(tmp_path, caplog):
    papers = ("README.md", "LICENSE.txt", "licence.md", "CITATION.rst")
    written = ("dataset_infos.json", "dataset_info.json", "state.json", "_metadata.json", "_common_metadata.parquet")
    write(tmp_path, "data/train.jsonl", *papers, *written)
    with caplog.at_level(logging.INFO):
        provenance = fetch("mine", {"kind": "local", "files": [str(tmp_path)]}, tmp_path / "raw")
    assert list(provenance["paths"].values()) == ["data/train.jsonl"]
    assert sorted(provenance["left_out"]) == sorted([*papers, *written])
    assert "left out, as they come with data and are none: " in caplog.text


def test_what_a_folder_holds_under_other_suffixes_is_left_out_and_said(tmp_path, caplog):
    papers = ("README", "LICENSE", "sub/NOTICE")
    unread = ("c.jsonlines", "e.text", "part-00001", "picture.png", "sub/f.bin", "x.jsonl/part-0.crc")
    write(tmp_path, "a.jsonl", "x.jsonl/part-0", *papers, *unread)
    for pattern, left_out in (("", [*papers, *unread]), ("*.jsonl", ["x.jsonl/part-0.crc"])):
        caplog.clear()
        provenance = fetch("mine", {"kind": "local", "files": [f"{tmp_path}/{pattern}"]}, tmp_path / ".raw")
        assert list(provenance["paths"].values()) == ["a.jsonl", "x.jsonl/part-0"]
        assert sorted(provenance["left_out"]) == sorted(left_out)
        assert "mine: left out, as their suffix is none that is read: " in caplog.text
        assert "x.jsonl/part-0.crc" in caplog.text or "and 1 more" in caplog.text
    caplog.clear()
    assert names(tmp_path, exclude=["*.crc", "*/f.bin", "c.*", "e.*", "part-*", "*.png"]) == [
        "a.jsonl",
        "x.jsonl/part-0",
    ]
    assert "left out" not in caplog.text


@pytest.mark.parametrize(
    "packed",
    [
        *("b.jsonl.xz", "d.jsonl.bz2", "g.tar.gz", "i.zip", "j.TGZ", "k.parquet.gz", "l.csv.lz4"),
        *("sub/m.7z", "x.jsonl/part-0.xz"),
    ],
)
def test_what_is_packed_in_a_way_that_is_not_read_is_refused_in_a_folder_too(tmp_path, packed):
    write(tmp_path, "a.jsonl", "x.jsonl/part-1", packed)
    for pattern in ("", "*.jsonl") if packed.startswith("x.jsonl/") else ("", f"{packed.rpartition('/')[0]}/*.*"):
        error = error_of(f"{tmp_path}/{pattern}")
        assert f"{packed}' is not one of .jsonl, .ndjson" in error
        assert error.endswith("Leave it out by a narrower pattern or `exclude`.")
    assert names(tmp_path, exclude=[packed]) == ["a.jsonl", "x.jsonl/part-1"]


def test_a_readme_among_documents_is_a_document(tmp_path):
    write(tmp_path, "README.md", "guide.md")
    assert names(tmp_path) == ["README.md", "guide.md"]


def test_what_is_named_is_read_whatever_it_is_called(tmp_path):
    write(tmp_path, "README.md", "state.json", "a.jsonl")
    assert names(tmp_path / "README.md", tmp_path / "state.json", tmp_path / "a.jsonl") == [
        "README.md",
        "state.json",
        "a.jsonl",
    ]


def test_a_folder_with_nothing_but_cards_is_refused(tmp_path):
    write(tmp_path, "dataset_infos.json")
    assert "'dataset_infos.json' and the like come with data and are none" in error_of(tmp_path)


def test_a_name_that_is_not_utf_8_is_refused_in_words(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jsonl")).write_text(LINE)
    error = error_of(tmp_path / "*.jsonl")
    assert r"caf\udce9.jsonl' is not valid UTF-8, so it cannot be recorded; rename it" in error
    error.encode()


def test_files_that_are_no_data_are_named_before_anything_is_fetched(tmp_path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"
    write(tmp_path, "a.jsonl")
    write(tmp_path, "b.jsonl", "c.txt", text=pointer)
    (tmp_path / "d.jsonl.gz").touch()
    with pytest.raises(UserError) as error:
        fetch("mine", {"kind": "local", "files": [f"{tmp_path}/*.*"]}, tmp_path / "raw")
    said = str(error.value)
    assert said.startswith("sources.mine.local.files: '")
    assert said.count("a pointer of git-lfs in place of a file of 12,345 bytes") == 2
    assert "d.jsonl.gz': it is empty, 0 bytes, and so no .gz archive" in said
    assert names(tmp_path / "*.*", exclude=["b.*", "c.*", "d.*"]) == ["a.jsonl"]


@pytest.mark.parametrize("begin", ['{"text": "one"}', '\ufeff{"te\\"xt": 1}', ' { "a" : ["' + "long " * 1000 + '"]}'])
def test_records_under_the_suffix_of_julia_are_to_be_renamed(tmp_path, begin):
    (tmp_path / "a.jl").write_text(f"{begin}\n{begin}\n")
    (tmp_path / "b.jl.gz").write_bytes(gzip.compress((tmp_path / "a.jl").read_bytes()))
    said = "it holds records of JSON, not code of Julia; rename it to .jsonl"
    with pytest.raises(UserError, match=rf"sources.mine.local.files: '.*a.jl': {said}"):
        names(tmp_path)
    [row] = find_files("mine", {"files": [f"{tmp_path}/b.jl.gz"]})[0].rows()
    assert row.reason == said


@pytest.mark.parametrize(
    "code", ["x = Dict()\n", "begin\n    {1}\nend\n", '"""Doc."""\nf(x) = x\n', '{"a", "b"}\n', ""]
)
def test_code_of_julia_is_read(tmp_path, code):
    write(tmp_path, "a.jl", text=code)
    assert names(tmp_path) == ["a.jl"]


def test_empty_files_are_said(tmp_path, caplog):
    write(tmp_path, "a.jsonl")
    (tmp_path / "b.jsonl").touch()
    with caplog.at_level(logging.WARNING):
        assert names(tmp_path) == ["a.jsonl", "b.jsonl"]
    assert "1 of 2 files are empty: b.jsonl" in caplog.text


def test_the_provenance_of_files_without_cards_has_no_new_entry(tmp_path):
    write(tmp_path, "data/a.jsonl")
    fetch("mine", {"kind": "local", "files": [f"{tmp_path}/data"]}, tmp_path / "raw")
    assert set(read_json(tmp_path / "raw/provenance.json")) == {
        *("source", "kind", "patterns", "exclude", "python", "paths", "licence", "files"),
    }


def test_paths_of_a_pattern_are_below_its_fixed_part(tmp_path):
    write(tmp_path, "a [x]/b/c.jsonl")
    assert list(find(f"{tmp_path}/a [x]/*/c.jsonl", "files").files) == ["b/c.jsonl"]


def test_a_path_that_the_machine_refuses_is_told():
    with pytest.raises(UserError, match=r"sources\.x: 'long.*\.txt' cannot be looked at: File name too long"):
        find("long" * 75 + "/*.txt", "sources.x")
