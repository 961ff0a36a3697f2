import json
import re
import sys
from functools import partial

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import merge_datasets
from emulsion import command
from emulsion.data.cleaning import Cleaning
from emulsion.data.cleaning.policy import Deduplicate, Near
from emulsion.errors import UserError
from emulsion.merging import merge
from emulsion.merging.request import Origin
from merging_cases import request

PROSE = (
    "The harbour was quiet in the morning, and the boats that had come in the night lay beside one another. A man "
    "walked along the quay with a lantern that nobody needed, for the sun had risen over the hills. He looked at "
    "the names of the boats and wrote them down in a small book, as he had done on every day of that long summer. "
)
EXACT, BOTH = Cleaning(deduplicate=Deduplicate()), Cleaning(deduplicate=Deduplicate(near=Near()))


def write(folder, name, texts):
    lines = (json.dumps({"id": f"{name}-{place}", "text": text}) for place, text in enumerate(texts))
    (folder / f"{name}.jsonl").write_text("\n".join(lines))
    return Origin(name, 1.0, files=(f"{name}.jsonl",))


def written(folder, column="text"):
    tables = [pq.read_table(file) for file in sorted(folder.glob("shard-*"))]
    return [value for table in tables for value in table[column].to_pylist()]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_copies_within_and_across_sources_are_removed_and_counted(here):
    one = write(here, "one", ["a", "b", "a", "c"])
    two = write(here, "two", ["d", "b", "c", "e"])
    manifest = merge(request(False, sources=(one, two), cleaning=EXACT), here / "out")
    assert written(here / "out") == ["a", "b", "c", "d", "e"]
    assert manifest["kept"] == "5 (62.50 %)" and manifest["processed"] == 8
    assert manifest["sources"]["one"]["removed"] == {"duplicate: exact": 1}
    assert manifest["sources"]["two"]["removed"] == {"duplicate: exact": 2}


def test_near_copies_are_removed_only_if_that_is_asked_for(here):
    changed = PROSE.replace("small book", "thin book")
    sources = (write(here, "one", [PROSE, "something else"]), write(here, "two", [changed, "another thing"]))
    merge(request(False, sources=sources, cleaning=EXACT), here / "exact")
    assert len(written(here / "exact")) == 4
    manifest = merge(request(False, sources=sources, cleaning=BOTH), here / "both")
    assert written(here / "both") == [PROSE, "something else", "another thing"]
    assert manifest["sources"]["two"]["removed"] == {"duplicate: near": 1}


def test_the_next_pass_keeps_what_the_first_one_kept(here):
    one = write(here, "one", [f"text {number % 7}" for number in range(20)])
    two = write(here, "two", [f"text {number}" for number in range(40)])
    manifest = merge(request(sources=(one, two), cleaning=EXACT), here / "out")
    told = manifest["sources"]
    assert {name: source["documents_per_pass"] for name, source in told.items()} == {"one": 7, "two": 33}
    assert told["one"]["passes_completed"] == 4 and told["two"]["passes_completed"] == 1
    texts = written(here / "out")
    assert set(texts) == {f"text {number}" for number in range(40)}
    assert {texts.count(f"text {number}") for number in range(7)} <= {4, 5}
    assert {texts.count(f"text {number}") for number in range(7, 40)} == {1}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_of_equal_texts_exactly_one_stays(here, first, second):
    sources = tuple(
        write(here, name, [f"t{number}" for number in numbers]) for name, numbers in (("one", first), ("two", second))
    )
    merge(request(False, sources=sources, cleaning=EXACT), here / "out", overwrite=True)
    assert written(here / "out") == list(dict.fromkeys(f"t{number}" for number in [*first, *second]))


def test_a_source_of_copies_only_is_passed_by_or_refused_where_it_has_a_weight(here):
    sources = (write(here, "one", ["a", "b"]), write(here, "two", ["b", "a"]))
    manifest = merge(request(False, sources=sources, cleaning=EXACT), here / "out")
    assert written(here / "out") == ["a", "b"]
    assert "'two' is not drawn: nothing of it is left." in manifest["notes"]
    with pytest.raises(UserError, match="nothing is left of 'two': 2 x duplicate: exact"):
        merge(request(sources=sources, cleaning=EXACT), here / "weighted")


def test_filters_remove_what_fails_them_and_a_dataset_may_have_its_own(here):
    texts = [PROSE * 3, "click here", "if x: return {y}"]
    prose, code = write(here, "prose", texts), write(here, "code", texts)
    code = Origin("code", 1.0, files=code.files, filters=())
    cleaning = Cleaning(filters=("gopher_quality",))
    manifest = merge(request(False, sources=(prose, code), cleaning=cleaning), here / "out")
    assert written(here / "out") == [texts[0], *texts]
    assert manifest["sources"]["prose"]["removed"] == {"gopher_quality: fewer than 50 or more than 100,000 words": 2}
    assert manifest["kept"] == "4 (66.67 %)"


def test_weights_hold_among_the_documents_that_are_kept(here):
    half = write(here, "half", [f"{PROSE * 2}{number}" if number % 2 else "short" for number in range(100)])
    whole = write(here, "whole", [f"{PROSE * 2}{number}!" for number in range(100)])
    manifest = merge(
        request(sources=(half, whole), cleaning=Cleaning(filters=("gopher_quality",)), max_samples=60), here / "out"
    )
    assert {name: source["documents"] for name, source in manifest["sources"].items()} == {"half": 30, "whole": 30}
    assert manifest["sources"]["half"]["share_kept"] < 0.7


def test_the_options_of_the_command_are_the_rules_of_the_workflow(here, caplog):
    write(here, "notes", [PROSE * 2, PROSE * 2, "one\r\ntwo\x07"])
    (here / "c.yaml").write_text("datasets: [{name: notes.jsonl}]")
    options = ["--config", "c.yaml", "--output-dir", "out", "--clean", "--filter", "gopher_quality", "--deduplicate"]
    with caplog.at_level("INFO"):
        command.run(merge_datasets.main, options)
    assert "Processed 3, Kept 1 (33.33 %)" in caplog.text
    rules = json.loads((here / "out" / "manifest.json").read_text())["cleaning"]
    assert rules["unicode"] == "NFC" and rules["filters"] == ["gopher_quality"] and rules["deduplicate"]["near"]
    command.run(merge_datasets.main, ["--config", "c.yaml", "--output-dir", "cleaned", "--clean"])
    assert written(here / "cleaned") == [PROSE * 2, PROSE * 2, "one\ntwo"]
    command.run(
        merge_datasets.main, ["--config", "c.yaml", "--output-dir", "filtered", "--filter", "--deduplicate", "exact"]
    )
    rules = json.loads((here / "filtered" / "manifest.json").read_text())["cleaning"]
    assert len(rules["filters"]) == 4 and rules["deduplicate"] == {"exact": True, "near": None}


def test_weights_are_logged_as_shares(here, caplog):
    write(here, "notes", ["a"])
    write(here, "rare", ["b"])
    (here / "c.yaml").write_text("datasets: [{name: notes.jsonl, weight: 3}, {name: rare.jsonl, weight: 0.0003}]")
    with caplog.at_level("INFO"):
        command.run(
            merge_datasets.main, ["--config", "c.yaml", "--output-dir", "out", "--use-weights", "--max-samples", "9"]
        )
    assert (
        "Dataset weights (normalized):\n  notes.jsonl: 0.9999 (99.99%)\n  rare.jsonl: 0.000100 (0.0100%)" in caplog.text
    )
    assert "Loading rare.jsonl [weight: 0.0003]" in caplog.text


def test_a_terminal_gets_a_bar_with_rate_and_remaining_time(here, capsys, monkeypatch):
    write(here, "notes", [str(number) for number in range(500)])
    (here / "c.yaml").write_text("datasets: [{name: notes.jsonl, weight: 1}]")
    for name, is_terminal in (("seen", True), ("quiet", False)):
        monkeypatch.setattr(sys.stderr, "isatty", partial(bool, is_terminal))
        options = ["--config", "c.yaml", "--output-dir", name, "--use-weights", "--max-samples", "400"]
        command.run(merge_datasets.main, options)
        told = capsys.readouterr().err
        bar = re.search(r"Processing weighted samples: 100%\|.*\| 400/400 \[\S+<\S+, +[\d.?]+ documents/s\]", told)
        assert bool(bar) == is_terminal, told
