"""A merge takes no more memory than the machine has to give, whatever a file unfolds to."""

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulsion.data.sources import memory
from emulsion.files import read_json

# The script itself, on a machine that has 3 GB.
MERGE = """
import runpy, sys
from emulsion.data.sources import memory

memory.most_of_machine = lambda: 3 << 30
runpy.run_path("workflow/scripts/merge_datasets.py", run_name="__main__")
[most] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
assert int(most) < 4 << 20, most  # KiB
"""


def merged(code, words):
    command = [sys.executable, "-c", code, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": "workflow/scripts"}
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


def test_the_limit_is_three_quarters_of_what_there_is_and_never_less_than_rows_need(tmp_path, monkeypatch):
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 16 << 20, "SC_PAGE_SIZE": 4096}.get)
    group = tmp_path / "memory.max"
    assert memory.most_of_machine(group) == 48 << 30
    group.write_text("max\n")
    assert memory.most_of_machine(group) == 48 << 30
    group.write_text(f"{32 << 30}\n")
    assert memory.most_of_machine(group) == 24 << 30
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 1 << 10, "SC_PAGE_SIZE": 4096}.get)
    assert memory.most_of_machine(group) == memory.MOST_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count maps towards the limit")
def test_a_row_that_unfolds_beyond_the_machine_is_set_aside_and_the_rest_is_merged(tmp_path):
    count = 8_000_000
    value = pa.DictionaryArray.from_arrays(
        pa.array([0], pa.int32()).take(pa.array([0] * count)), pa.array(["x" * 1000])
    )
    bomb = {"text": pa.array(["a"]), "tags": pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), value)}
    pq.write_table(pa.table(bomb), tmp_path / "b.parquet", compression="zstd", store_schema=False)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"document {n}"}) + "\n" for n in range(60)))
    config = {"datasets": [{"name": "all", "files": [str(tmp_path / "a.jsonl"), str(tmp_path / "b.parquet")]}]}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    words = ["--config", tmp_path / "config.yaml", "--output-dir", tmp_path / "out"]
    done = merged(MERGE, words)
    assert done.returncode == 0, done.stderr
    manifest = read_json(tmp_path / "out/manifest.json")
    assert manifest["documents"] == 60
    assert "unfolds to more than may be held" in json.dumps(manifest)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count maps towards the limit")
def test_memory_full_of_other_things_is_no_fault_of_a_row(tmp_path):
    """A hundred sound rows, once all that may be taken is."""
    pq.write_table(pa.table({"text": ["a" * 2_000_000 + str(n) for n in range(100)]}), tmp_path / "a.parquet")
    (tmp_path / "config.yaml").write_text(
        json.dumps({"datasets": [{"name": "all", "files": [str(tmp_path / "a.parquet")]}]})
    )
    full = """
import runpy
from emulsion import merging
from emulsion.data.sources import memory

inner, held = merging.open_readers, []

def open_readers(*given):
    found = inner(*given)
    try:
        while True:
            held.append(bytearray(1 << 20))
    except MemoryError:
        del held[-20:]
    return found

memory.most_of_machine, merging.open_readers = lambda: 1 << 30, open_readers
runpy.run_path("workflow/scripts/merge_datasets.py", run_name="__main__")
"""
    words = ["--config", tmp_path / "config.yaml", "--output-dir", tmp_path / "out", "--deduplicate", "near"]
    done = merged(full, words)
    assert done.returncode == 1
    [said] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said.startswith("error: Memory is full. Give the same command to a machine with more")
    assert "--deduplicate exact" in said
    assert not list((tmp_path / "out").glob("shard-*"))
