"""Make a whole study on a disk that is full again and again, with a little more room each time, and compare its files
with those of an undisturbed one.

    sudo python tests/full_disk_study.py --steps 25 --configfile tests/config/tiny.yaml

Needs to mount a file system in memory (Linux, root). Snakemake's own records and the logs lie elsewhere, so that what
runs out of room is always a job. Prints which rules did, and ends with status 1 where a file differs, or where a full
disk was not said in words.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from kill_study import copy_project, differences, made, start

_FULL = re.compile(r"No space left|disk is full|no room", re.IGNORECASE)


def resize(folder: Path, room: int) -> None:
    """Let the file system hold `room` bytes more than it does."""
    used = shutil.disk_usage(folder).used
    subprocess.run(["mount", "-o", f"remount,size={used + room}", str(folder)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--cores", default="2")
    asked, more = parser.parse_known_args()
    if sys.platform != "linux" or os.geteuid():
        sys.exit("full_disk_study: needs Linux and root, to mount a file system in memory; nothing was tried.")
    arguments = ["--cores", asked.cores, *more]
    folder = Path(tempfile.mkdtemp(prefix="full-disk-study-"))
    whole, disk, aside = copy_project(folder / "whole"), folder / "disk", folder / "aside"
    if start(whole, arguments).wait():
        sys.exit(f"the undisturbed study failed: see {whole}/driver.log")
    step = sum(file.stat().st_size for file in made(whole).values()) // asked.steps

    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "none", str(disk)], check=True)
    try:
        small = copy_project(disk / "study")
        for name in (".snakemake", "logs", "driver.log"):
            beside = aside / name
            beside.parent.mkdir(exist_ok=True)
            beside.touch() if name.endswith(".log") else beside.mkdir()
            (small / name).symlink_to(beside)
        failed, unsaid, tries = Counter[str](), 0, 0
        while True:
            resize(disk, step)
            log = aside / "driver.log"
            log.write_bytes(b"")
            if not start(small, arguments).wait():
                break
            tries += 1
            said = log.read_text(encoding="utf-8", errors="replace")
            failed.update(set(re.findall(r"Error in rule (\w+)", said)))
            unsaid += not _FULL.search(said)
            if tries > 8 * asked.steps:
                sys.exit(f"still not made after {tries} tries: see {log}")
        found = differences(whole, small)
        print(f"the disk was full {tries} times, {unsaid} of them without a word of it; by rule: {dict(failed)}")
        print("\n".join(found) or f"all {len(made(whole))} files are the same as undisturbed")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    if found or unsaid:
        sys.exit(f"kept for a look: {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
