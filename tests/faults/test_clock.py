"""The clock was set back: files of the future are dated now, in their order, and cost no training."""

import errno
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


def test_a_file_of_nearly_now_stays_older_than_what_was_made_from_it(tmp_path):
    """The model alone would be dated before its input, and be trained again."""
    now, (data, model) = time.time(), (tmp_path / "input", tmp_path / "model")
    for file, made in ((data, now + 1), (model, now + 3)):
        file.touch()
        os.utime(file, (made, made))
    told = clock.date_back([str(tmp_path)], now)
    assert told is not None and told.startswith("1 files were dated in the future")
    assert data.stat().st_mtime_ns < model.stat().st_mtime_ns < now * 1e9


def test_files_that_may_not_be_dated_are_told(tmp_path, monkeypatch):
    (tmp_path / "theirs").touch()
    os.utime(tmp_path / "theirs", (time.time() + 900,) * 2)

    def utime(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "utime", utime)
    told = clock.date_back([str(tmp_path)], time.time())
    assert f"except 1, such as {tmp_path / 'theirs'} (Operation not permitted)" in told


def test_a_folder_that_goes_while_it_is_looked_at_ends_no_call(tmp_path, monkeypatch):
    """As where a job that a killed call left publishes it at that moment."""
    for name in ("going", "staying"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").touch()
    scan = os.scandir

    def scandir(folder):
        if Path(folder).name == "going":
            raise FileNotFoundError(folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [file for _, file in clock.made_since([str(tmp_path)], 0.0)] == [tmp_path / "staying" / "a"]


def test_a_job_whose_input_is_of_the_future_keeps_what_it_made(tmp_path):
    """Snakemake would find its output older than its input, and remove it."""
    folder = copy_project(tmp_path / "project")
    snakemake(folder, "--cores", "1", *TINY, "--", "data/raw/magpie/provenance.json")
    for file in (folder / "data/raw/magpie").iterdir():
        os.utime(file, (time.time() + 86400, time.time() + 86400))
    said = snakemake(folder, "--cores", "1", *TINY, "--", "data/normalized/magpie.parquet").stdout
    assert "2 files were dated in the future" in said and (folder / "data/normalized/magpie.parquet").exists()
    assert planned(folder, "data/normalized/magpie.parquet", *TINY) == {}
