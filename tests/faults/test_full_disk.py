"""Every rule on a disk with no room left, and on one that can only be read: said in words, nothing half-written.

The outputs of one job of each rule are removed from a finished study, whose folders are on a disk of their own; the job
runs while that disk is full, while it can only be read, and when there is room again.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow_project import CONCLUSIONS, TINY, copy_project, snakemake

from emulsion.files import sha256

pytestmark = pytest.mark.slow

STUDIES = {"finished": TINY, "concluded": CONCLUSIONS}
KEPT = {"logs"}  # where the words are read


class Disk:
    """A small file system under all folders that the workflow writes, in a project at `root`."""

    def __init__(self, root: Path, made: set[str]) -> None:
        self.root, self.under, self._filler = root, root / "disk", root / "disk" / "filler"
        self.under.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=400M", "none", self.under)
        self.folders = [root / name for name in sorted(made)]
        for folder in self.folders:
            shutil.copytree(folder, self.under / folder.name, symlinks=True)
            run("mount", "--bind", self.under / folder.name, folder)

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        self._filler.unlink()

    def protect(self, on: bool) -> None:
        for place in (self.under, *self.folders):
            subprocess.run(["mount", "-o", f"remount,bind,{'ro' if on else 'rw'}", place], check=True)

    def leave(self) -> None:
        for place in (*self.folders, self.under):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def run(*arguments: object) -> None:
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.strip()}")


def outputs(root: Path, config: tuple[str, ...]) -> dict[str, list[str]]:
    """{rule: the files of one of its jobs} of all that was made."""
    listed = snakemake(root, *config, "--summary", "--cores", "1").stdout.splitlines()
    [head] = [number for number, line in enumerate(listed) if line.startswith("output_file\t")]
    columns = listed[head].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in listed[head + 1 :] if "\t" in line]
    jobs: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        jobs.setdefault(row["rule"], {}).setdefault(row.get("log-file(s)", ""), []).append(row["output_file"])
    return {rule: next(iter(logs.values())) for rule, logs in sorted(jobs.items())}


@pytest.fixture(params=STUDIES)
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A finished study, temporary files and all, and the arguments that made it."""
    root = copy_project(tmp_path / "project")
    before = {path.name for path in root.iterdir()}
    snakemake(root, "--cores", "2", "--notemp", *STUDIES[request.param])
    made = {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")} - before - KEPT
    disk = Disk(root, made)
    yield disk, STUDIES[request.param]
    disk.leave()


def test_every_rule_says_that_the_disk_is_full_or_can_only_be_read(study):
    disk, config = study
    wrong, tried = [], []
    for rule, files in outputs(disk.root, config).items():
        paths = [disk.root / name for name in files]
        before = {path: sha256(path) for path in paths if path.is_file()}
        for path in paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        others = tree(disk.under)
        disk.fill()
        wrong += refused(disk, config, rule, files, "The disk is full")
        disk.empty()
        left = tree(disk.under) - others
        if left:
            wrong.append(f"{rule}: left {sorted(map(str, left))}")
        disk.protect(True)
        wrong += refused(disk, config, rule, files, "The disk can only be read")
        disk.protect(False)
        again = snakemake(disk.root, *config, "--cores", "1", "--notemp", "--", *files, check=False)
        if again.returncode:
            wrong.append(f"{rule}: not made when there was room: {again.stdout[-1500:]}")
        changed = [
            path
            for path in before
            if path.suffix in (".parquet", ".npy", ".safetensors") and sha256(path) != before[path]
        ]
        wrong += [f"{rule}: {path} has other bytes" for path in changed]
        tried.append(rule)
    assert not wrong, "\n".join(wrong)
    assert len(tried) > 15


def refused(disk: Disk, config: tuple[str, ...], rule: str, files: list[str], words: str) -> list[str]:
    for log in (disk.root / "logs").rglob("*.log"):
        log.unlink()
    done = snakemake(disk.root, *config, "--cores", "1", "--notemp", "--", *files, check=False)
    said = done.stdout + "".join(log.read_text() for log in (disk.root / "logs").rglob("*.log"))
    found = []
    if not done.returncode:
        found.append(f"{rule}: {words}: ended well")
    if words not in said:
        found.append(f"{rule}: {words}: not said: {said[-1500:]}")
    if "Traceback" in said:
        found.append(f"{rule}: {words}: a traceback: {said[-1500:]}")
    return found


def tree(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
