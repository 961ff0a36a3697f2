"""The clock was set back: files of the future are dated now, in their order, and cost no training."""

import os
import time
from pathlib import Path

from workflow_project import TINY, copy_project, planned, snakemake

from emulsion import clock


def test_files_of_the_future_are_dated_before_a_call_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    now = time.time()
    times = {"data/b": now + 900, "data/a": now + 500, "models/x/c": now + 700, "data/old": now - 5}
    for name, made in times.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
        os.utime(name, (made, made))
    Path("data/nowhere").symlink_to("missing")
    Path("users").touch()
    os.utime("users", (now + 900, now + 900))
    Path("data/link").symlink_to("../users")
    told = clock.date_back(("data", "models", "results"), now)
    assert told is not None and told.startswith("3 files were dated in the future, such as ")
    assert sorted(times, key=lambda name: Path(name).stat().st_mtime_ns) == [
        "data/old",
        "data/a",
        "models/x/c",
        "data/b",
    ]
    assert now - 1 < Path("data/a").stat().st_mtime < Path("data/b").stat().st_mtime < now
    assert Path("data/old").stat().st_mtime == now - 5
    assert Path("users").stat().st_mtime == now + 900
    assert clock.date_back(("data", "models", "results"), now) is None


def test_a_job_whose_input_is_of_the_future_keeps_what_it_made(tmp_path):
    """Snakemake would find its output older than its input, and remove it."""
    folder = copy_project(tmp_path / "project")
    snakemake(folder, "--cores", "1", *TINY, "--", "data/raw/magpie/provenance.json")
    for file in (folder / "data/raw/magpie").iterdir():
        os.utime(file, (time.time() + 86400, time.time() + 86400))
    said = snakemake(folder, "--cores", "1", *TINY, "--", "data/normalized/magpie.parquet").stdout
    assert "2 files were dated in the future" in said and (folder / "data/normalized/magpie.parquet").exists()
    assert planned(folder, "data/normalized/magpie.parquet", *TINY) == {}
