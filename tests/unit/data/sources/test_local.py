import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulsion.data.sources import patterns
from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.formats import read_file
from emulsion.data.sources.local import link_files, local_files
from emulsion.data.sources.raw import raw_files
from emulsion.errors import UserError
from emulsion.files import read_json


@pytest.fixture
def corpus(tmp_path):
    """A folder with files on three levels, a hidden one and one that cannot be read."""
    folder = tmp_path / "corpus"
    for path in ("b.txt", "a.md", "sub/c.txt", "sub/deep/d.txt", "sub/.hidden/e.txt", ".f.txt", "sub/image.png"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"text of {path}")
    return folder


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A folder that stands for the standard library."""
    folder = tmp_path / "python3"
    for path in ("abc.py", "json/tool.py", "test/test_abc.py", "site-packages/x.py", "json/__pycache__/y.py"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f'"""About {path}."""\nx = 1\n')
    monkeypatch.setattr(patterns, "stdlib", lambda: folder)
    return folder


def named(folder, *files, **settings):
    """The files that the patterns name, as paths below the folder."""
    found = local_files("mine", {"files": [str(folder / file) for file in files], **settings})
    return [str(file.relative_to(folder)) for file in found]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("b.txt", ["b.txt"]),
        ("*.txt", ["b.txt"]),
        ("*/*.txt", ["sub/c.txt"]),
        ("**/*.txt", ["b.txt", "sub/c.txt", "sub/deep/d.txt"]),
        ("sub/**/*.txt", ["sub/c.txt", "sub/deep/d.txt"]),
        ("**/deep/**", ["sub/deep/d.txt"]),
        ("s?b/[a-c].txt", ["sub/c.txt"]),
        (".*.txt", [".f.txt"]),
        ("", ["a.md", "b.txt", "sub/c.txt", "sub/deep/d.txt"]),
    ],
)
def test_a_pattern_names_files_in_the_order_of_their_paths(corpus, pattern, expected):
    assert named(corpus, pattern) == expected


def test_a_relative_pattern_starts_at_the_working_folder(corpus, monkeypatch):
    monkeypatch.chdir(corpus)
    assert [str(file) for file in local_files("mine", {"files": ["*.txt", "sub/*.txt"]})] == ["b.txt", "sub/c.txt"]
    monkeypatch.chdir(corpus / "sub")
    assert [str(file) for file in local_files("mine", {"files": ["../*.md"]})] == ["../a.md"]


def test_a_name_with_brackets_that_is_there_is_that_file(corpus):
    (corpus / "x[1].txt").write_text("x")
    assert named(corpus, "x[1].txt") == ["x[1].txt"]


def test_a_file_that_two_patterns_match_is_taken_once(corpus):
    assert named(corpus, "*.txt", "**/*.txt") == ["b.txt", "sub/c.txt", "sub/deep/d.txt"]


def test_what_is_excluded_is_left_out_by_its_path(corpus):
    assert named(corpus, "**/*.txt", exclude=["*/deep/*", "b.*"]) == ["sub/c.txt"]
    with pytest.raises(UserError, match=r"sources\.mine\.local\.files: nothing is left .* `exclude` leaves none"):
        named(corpus, "**/*.txt", exclude=["*"])


def test_a_pattern_that_matches_nothing_is_named(corpus):
    with pytest.raises(UserError, match=r"sources\.mine\.local\.files: no file matches '.*nothing-\*\.jsonl'"):
        named(corpus, "*.txt", "nothing-*.jsonl")


def test_a_file_of_an_unknown_format_is_named(corpus):
    with pytest.raises(UserError, match=r"image\.png' is not one of \.jsonl, .*narrower pattern"):
        named(corpus, "sub/*")


def test_a_link_that_leads_out_of_its_folder_is_refused(corpus, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (corpus / "sub/out.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(UserError, match=r"out\.txt' is a link that leads out of"):
        named(corpus, "**/*.txt")
    assert named(corpus, "*.txt") == ["b.txt"]
    assert named(corpus, "sub/out.txt") == ["sub/out.txt"]


def test_a_folder_that_is_a_link_is_refused_where_it_leads_out_and_not_followed_within(corpus, tmp_path):
    (corpus / "again").symlink_to(corpus / "sub")
    assert named(corpus, "**/c.txt") == ["sub/c.txt"]
    (corpus / "out").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"out' is a link that leads out of"):
        named(corpus, "**/c.txt")


@pytest.mark.parametrize("pattern", ["sub/../../*.txt", "*/../../secret.txt"])
def test_a_pattern_that_climbs_out_of_its_folder_is_refused(corpus, pattern):
    with pytest.raises(UserError, match=r"climbs out of its folder"):
        local_files("mine", {"files": [f"{corpus}/{pattern}"]})


def test_what_is_not_a_plain_file_is_refused(corpus):
    os.mkfifo(corpus / "pipe.txt")
    with pytest.raises(UserError, match=r"pipe\.txt' is not a file"):
        named(corpus, "*.txt")


def test_the_standard_library_is_named_without_a_path_of_this_machine(library):
    found = local_files("code", {"files": ["{stdlib}/**/*.py"], "exclude": ["test/*"]})
    assert found == [library / "abc.py", library / "json/tool.py"]
    assert local_files("code", {"files": ["{stdlib}"]}) == [*found, library / "test/test_abc.py"]


def test_links_in_the_standard_library_to_what_a_machine_sets_are_left_out(library, tmp_path):
    (tmp_path / "etc.py").write_text("x = 1")
    (library / "sitecustomize.py").symlink_to(tmp_path / "etc.py")
    assert local_files("code", {"files": ["{stdlib}/*.py"]}) == [library / "abc.py"]


@pytest.mark.parametrize("pattern", ["{stdlib}/../*.py", "{stdlib}x/*.py", "{python}/*.py"])
def test_a_pattern_that_misuses_the_standard_library_is_refused(library, pattern):
    with pytest.raises(UserError, match=r"climbs out|in braces"):
        local_files("code", {"files": [pattern]})


def test_an_installation_without_the_test_suite_is_told_so(library):
    with pytest.raises(UserError, match=r"this installation of Python has none.*libpython3-testsuite"):
        local_files("tests", {"files": ["{stdlib}/test/test_*/*.py"]})


def test_what_is_read_as_python_must_be_python(corpus):
    with pytest.raises(UserError, match=r"b\.txt' is not a \.py file, and `python: code` reads no others"):
        named(corpus, "b.txt", python="code")


def test_the_real_standard_library_is_listed():
    files = local_files("code", {"files": ["{stdlib}/**/*.py"], "exclude": ["*/__main__.py"]})
    assert {"ast.py", "asyncio/events.py"} <= {file.relative_to(patterns.stdlib()).as_posix() for file in files}


def fetched(folder, source):
    """(the provenance of the source, {what a file is called: its rows})."""
    fetch("mine", source, folder)
    provenance = read_json(folder / "provenance.json")
    return provenance, {
        raw.path: list(read_file(raw.file, raw.path, raw.python)) for raw in raw_files(provenance, folder)
    }


def test_a_folder_of_files_becomes_documents_by_file(corpus, tmp_path):
    provenance, rows = fetched(tmp_path / "raw", {"kind": "local", "files": [f"{corpus}/**/*.txt"]})
    assert rows == {
        path: [{"id": path, "text": f"text of {path}"}] for path in ("b.txt", "sub/c.txt", "sub/deep/d.txt")
    }
    assert [file["name"] for file in provenance["files"]] == ["part-00000.txt", "part-00001.txt", "part-00002.txt"]


def test_records_and_documents_of_all_formats_come_from_one_source(tmp_path):
    line = json.dumps({"text": "one"}) + "\n"
    (tmp_path / "a.jsonl").write_text(line)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "c.json").write_text(f"[{line}]")
    (tmp_path / "d.csv").write_text("text\none\n")
    (tmp_path / "e.txt").write_text("one")
    pq.write_table(pa.table({"text": ["one"]}), tmp_path / "f.parquet")
    _, rows = fetched(tmp_path / "raw", {"kind": "local", "files": [f"{tmp_path}/*.*"]})
    assert {path: row["text"] for path, [row] in rows.items()} == dict.fromkeys(
        ["a.jsonl", "b.jsonl.gz", "c.json", "d.csv", "e.txt", "f.parquet"], "one"
    )


@pytest.mark.parametrize(("python", "text"), [("code", "x = 1\n"), ("docstrings", "About abc.py.")])
def test_python_files_are_read_for_their_code_or_their_docstrings(library, tmp_path, python, text):
    source = {"kind": "local", "files": ["{stdlib}/*.py"], "python": python}
    provenance, rows = fetched(tmp_path / "raw", source)
    assert rows == {"abc.py": [{"id": "abc.py", "text": text}]}
    assert provenance["python"] == python


def test_the_provenance_names_patterns_and_no_folder_of_this_machine(library, tmp_path):
    (tmp_path / "raw").mkdir()
    links, origin = link_files("code", {"files": ["{stdlib}/*/t*.py"], "exclude": ["x*"]}, tmp_path / "raw")
    assert [link.resolve() for link in links] == [library / "json/tool.py", library / "test/test_abc.py"]
    assert origin["patterns"] == ["{stdlib}/*/t*.py"]
    assert origin["paths"] == {"part-00000.py": "json/tool.py", "part-00001.py": "test/test_abc.py"}
    assert str(tmp_path) not in json.dumps(origin)


def test_fetching_again_after_a_file_has_gone_leaves_no_link_of_it(corpus, tmp_path):
    source = {"kind": "local", "files": [f"{corpus}/**/*.txt"]}
    fetched(tmp_path / "raw", source)
    (corpus / "b.txt").unlink()
    _, rows = fetched(tmp_path / "raw", source)
    assert list(rows) == ["sub/c.txt", "sub/deep/d.txt"]
    assert len(list((tmp_path / "raw").glob("part-*"))) == 2
