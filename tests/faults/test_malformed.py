"""Malformed configurations and data files: an error in words or a right result, and every row accounted for.

EMULSION_SOAK sets how many of each are generated; `make soak` takes 200.
"""

import copy
import gzip
import json
import os
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulsion.data.cleaning import Cleaning
from emulsion.data.shards import Shard, normalize_shard
from emulsion.data.sources.fetch import fetch
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.files import read_json, read_jsonl
from emulsion.study import check
from emulsion.study.experiment import Experiment
from emulsion.study.study import Study
from emulsion.tables import open_table

GENERATED = int(os.environ.get("EMULSION_SOAK", "12"))
SCHEMA = Path("workflow/schemas/config.schema.yaml")
generated = settings(max_examples=GENERATED, suppress_health_check=list(HealthCheck), database=None)

NASTY = st.sampled_from(
    [
        *(
            None,
            True,
            -1,
            0,
            10**30,
            1.5,
            -0.0,
            float("nan"),
            float("inf"),
            "",
            " ",
            "-x",
            "a\nb",
            "{}",
            "<b>",
            "../..",
            "é",
        ),
        *("no", "1e9", "$(touch pwned)", [], [[]], {}, {"a": {}}, [None], {"": 1}, "x" * 5000, "\0", "exp3", [1, "a"]),
    ]
)
VALUES = st.one_of(
    NASTY,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)


def places(value, path=()):
    """The path of everything in a configuration."""
    if path:
        yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


@st.composite
def configurations(draw):
    """The shipped configuration with one to three of its parts removed, doubled, renamed or replaced."""
    config = copy.deepcopy(SHIPPED)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(config))))
        part = config
        for key in way:
            part = part[key]
        what = draw(st.sampled_from(["replace", "replace", "remove", "rename", "add"]))
        if what == "replace":
            part[last] = copy.deepcopy(draw(VALUES))
        elif what == "remove":
            del part[last]
        elif isinstance(part, dict):
            name = draw(st.one_of(st.text(max_size=12), st.just(f"{last}s"), st.just(str(last).upper()), st.just(1)))
            part[name] = part.pop(last) if what == "rename" else copy.deepcopy(draw(VALUES))
        if not config:
            break
    return config


SHIPPED = read_yaml(Path("config.yaml"))


@generated
@given(configurations())
def test_a_malformed_configuration_is_refused_in_words_or_comes_to_a_plan(config):
    try:
        check.check(config, SCHEMA)
    except UserError as error:
        assert str(error).startswith("the configuration cannot be used:\n  - ")
        return
    study = Study(config)
    planned = study.planned()
    assert planned.figures() is not None
    for name in study:
        assert study[name].sources
    study.each(Experiment.all_runs)


ROWS = [{"id": str(number), "text": f"line {number} of a text, é"} for number in range(30)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def table(kind):
    sink = pa.BufferOutputStream()
    rows = pa.Table.from_pylist(ROWS)
    if kind == "parquet":
        pq.write_table(rows, sink, row_group_size=10)
    else:
        with pa.ipc.new_file(sink, rows.schema) as writer:
            writer.write_table(rows, max_chunksize=10)
    return sink.getvalue().to_pybytes()


WHOLE = {
    "rows.jsonl": LINES,
    "rows.json": json.dumps(ROWS).encode(),
    "rows.csv": b"id,text\n" + b"".join(f'{row["id"]},"{row["text"]}"\n'.encode() for row in ROWS),
    "rows.jsonl.gz": gzip.compress(LINES),
    "rows.parquet": table("parquet"),
    "rows.arrow": table("arrow"),
    "notes.txt": LINES,
}


@st.composite
def files(draw):
    """(name, content) of a file of rows with bytes changed, cut out, put in, or all its own."""
    name = draw(st.sampled_from(sorted(WHOLE)))
    content = bytearray(WHOLE[name])
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        what = draw(st.sampled_from(["flip", "cut", "put in", "end", "other"]))
        if what == "flip" and place < len(content):
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif what == "cut":
            del content[place : place + draw(st.integers(1, 200))]
        elif what == "put in":
            content[place:place] = draw(
                st.one_of(st.binary(max_size=20), st.sampled_from([b"\0", b"\n", b"{", b'"', b"\xff"]))
            )
        elif what == "end":
            del content[place:]
        elif what == "other":
            content = bytearray(draw(st.binary(max_size=200)))
    return name, bytes(content)


@generated
@given(files())
def test_a_malformed_data_file_is_refused_in_words_or_every_row_is_accounted_for(file):
    name, content = file
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "in").mkdir()
        (folder / "in" / name).write_bytes(content)
        (folder / "in/sound.jsonl").write_bytes(LINES)  # what is whole beside it must come through
        source = {"kind": "local", "files": [str(folder / "in" / name), str(folder / "in/sound.jsonl")]}
        fetch("mine", source, folder / "raw")
        shard = Shard.of(read_json(folder / "raw/provenance.json"), folder / "raw")
        normalize_shard(shard, "web", Cleaning(), folder / "out")
        ledger = read_json(folder / "out/normalize.json")
        documents = open_table(folder / "out/normalize.parquet").read().to_pylist()
        aside = read_jsonl(folder / "out/normalize.jsonl")
        assert ledger["read"] == len(documents) + len(aside) and ledger["kept"] == len(documents)
        assert all(record["reason"] for record in aside)
        texts = [document["text"] for document in documents]
        assert texts[len(texts) - len(ROWS) :] == [row["text"] for row in ROWS]
    except UserError as error:
        assert len(str(error)) > 20
    finally:
        shutil.rmtree(folder)


def test_a_file_that_is_not_yaml_is_refused(tmp_path):
    (tmp_path / "config.yaml").write_text("a: b: c")
    with pytest.raises(UserError):
        read_yaml(tmp_path / "config.yaml")
