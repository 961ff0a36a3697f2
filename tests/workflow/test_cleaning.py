"""Cleaning by the real workflow: what was planted is removed, and every row is accounted for."""

import json
import random
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from workflow_project import copy_project, planned, snakemake

from emulsion.data.tokens import split_of

CLEANING = ("--configfile", "tests/config/cleaning.yaml")
TARGETS = ("data/ledgers/news.json", "data/ledgers/blog.json")
HELD_OUT = 0.05
VOCABULARY = [f"{a}{b}{c}" for a in ("ba", "ke", "mo", "tri") for b in "aeiou" for c in ("n", "r", "st", "l", "m", "k")]
QUESTION = "which of these seven harbours was closed by ice for most of the winter before the war"


def sentence(dice, words):
    return " ".join(dice.choice(VOCABULARY) for _ in range(words))


def with_words_changed(dice, text, changes):
    words = text.split()
    for place in dice.sample(range(len(words)), changes):
        words[place] = "changed"
    return " ".join(words)


def documents():
    """Texts by source and id; what each is planted for begins its id."""
    dice = random.Random(0)
    news = {f"news-{number}": sentence(dice, 120) for number in range(200)}
    blog = {f"blog-{number}": sentence(dice, 120) for number in range(80)}
    train = [name for name in news if split_of(name, HELD_OUT) == "train"]
    held_out = next(name for name in blog if split_of(name, HELD_OUT) != "train")
    news["copy-0"] = news[train[0]]
    news["near-0"] = with_words_changed(dice, news[train[1]], 2)
    blog["near-1"] = with_words_changed(dice, news[train[2]], 2)
    news["exam-0"] = f"{sentence(dice, 40)} {QUESTION} {sentence(dice, 40)}"
    quoted = blog[held_out].split()[20:90]
    quoting = next(f"quote-{n}" for n in range(99) if split_of(f"quote-{n}", HELD_OUT) == "train")
    news[quoting] = " ".join([sentence(dice, 200), *quoted, sentence(dice, 200)])
    news["short-0"] = "Too short."
    return news, blog


def write_sources(folder: Path, order: random.Random) -> None:
    news, blog = ([{"id": name, "text": text} for name, text in source.items()] for source in documents())
    order.shuffle(news)
    (folder / "texts").mkdir()
    for number in range(5):
        lines = "".join(json.dumps(row) + "\n" for row in news[number::5])
        (folder / f"texts/news-{number}.jsonl").write_text(lines)
    (folder / "texts/news-5.jsonl").write_text('{"id": "empty-0", "text": null}\nnot json\n')
    (folder / "texts/blog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in blog))
    item = {"id": "ice", "capability": "knowledge", "kind": "choice", "prompt": QUESTION, "choices": [" a", " b"]}
    suite = {"suite": "exam", "template": "{prompt}", "items": [{**item, "answer": 0}]}
    (folder / "texts/exam.yaml").write_text(yaml.safe_dump(suite))


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory, warm):
    folder = copy_project(tmp_path_factory.mktemp("cleaned"))
    write_sources(folder, random.Random(1))
    snakemake(folder, *TARGETS, "--cores", "2", *CLEANING, environment=warm)
    return folder


def ledger(folder, source):
    return json.loads((folder / f"data/ledgers/{source}.json").read_text())


def ids(folder, source):
    return set(pq.read_table(folder / f"data/normalized/{source}.parquet").column("id").to_pylist())


def aside(folder, source):
    lines = (folder / f"data/quarantine/{source}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_every_row_is_kept_or_has_its_reason(cleaned):
    for source, read in (("news", 207), ("blog", 81)):
        account = ledger(cleaned, source)
        assert account["read"] == read == account["kept"] + sum(account["removed"].values())
        assert len(ids(cleaned, source)) == account["kept"]
        assert len(aside(cleaned, source)) == sum(account["removed"].values())


def test_what_was_planted_is_removed_for_what_it_is_and_nothing_else(cleaned):
    assert ledger(cleaned, "news")["removed"] == {
        "'text' is missing or null": 1,
        "evaluation suite exam": 1,
        "exact duplicate in news": 1,
        "held-out document of blog": 1,
        "length: fewer than 5 words": 1,
        "not JSON: Expecting value": 1,
        "near duplicate in news": 1,
    }
    assert ledger(cleaned, "blog")["removed"] == {"near duplicate in news": 1}
    assert {name.split("-")[0] for name in ids(cleaned, "blog")} == {"blog"}


def test_a_removed_document_is_set_aside_with_what_it_shares(cleaned):
    records = {record["reason"]: record for record in aside(cleaned, "news")}
    assert records["evaluation suite exam"]["item"] == "ice"
    assert records["evaluation suite exam"]["shared_words"] in QUESTION
    assert len(records["held-out document of blog"]["shared_words"].split()) == 13
    assert records["exact duplicate in news"]["duplicate_of"]["source"] == "news"


def test_neither_the_order_of_documents_nor_the_number_of_shards_decides_what_is_kept(cleaned, tmp_path, warm):
    folder = copy_project(tmp_path)
    write_sources(folder, random.Random(2))
    overlay = {"sources": {"news": {"shards": 1}, "blog": {"shards": 2}}}
    (folder / "shards.yaml").write_text(yaml.safe_dump(overlay))
    snakemake(folder, *TARGETS, "--cores", "2", *CLEANING, "shards.yaml", environment=warm)
    for source in ("news", "blog"):
        assert ids(folder, source) == ids(cleaned, source)
        assert ledger(folder, source) == ledger(cleaned, source)


def test_a_shard_has_as_many_inputs_however_many_shards_there_are(tmp_path):
    project = copy_project(tmp_path / "project")
    write_sources(project, random.Random(1))
    inputs = []
    for shards in (2, 6):
        sources = {"news": {"shards": shards}, "blog": {"shards": shards}}
        (project / "shards.yaml").write_text(yaml.safe_dump({"sources": sources}))
        said = snakemake(project, *TARGETS, "-n", "--cores", "1", *CLEANING, "shards.yaml").stdout
        found = re.findall(r"^rule (deduplicate|decontaminate):\n    input: (.*)", said, re.MULTILINE)
        assert len(found) == 4 * shards
        inputs.append({(rule, len(files.split(", "))) for rule, files in found})
    assert inputs[0] == inputs[1]


def test_a_changed_source_is_fetched_alone_and_what_it_holds_out_is_kept_from_the_others(cleaned, tmp_path):
    shutil.copytree(cleaned, tmp_path / "project", symlinks=True)
    with (tmp_path / "project/texts/blog.jsonl").open("a") as lines:
        lines.write(json.dumps({"id": "blog-new", "text": sentence(random.Random(9), 50)}) + "\n")
    jobs = planned(tmp_path / "project", *TARGETS, *CLEANING)
    assert jobs["fetch"] == ["source=blog"]
    assert {job.split(",")[0] for job in jobs["decontaminate"]} == {"source=blog", "source=news"}
