"""Kill a whole study at random moments, start it again each time, and compare its files with an undisturbed one's.

    python tests/kill_study.py --kills 5 --configfile tests/config/tiny.yaml

Every other kill takes the driver alone, whose jobs then run on as orphans; the others take all its processes. Works in
a folder of its own under the system's temporary one, which stays where something differs. Ends with status 1 then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "workflow"))
from workflow_project import copy_project

MADE = ("data", "mixtures", "models", "results", "law_results", "figures")
# What a machine measures is another number every time; so are the hashes of files that hold it.
MEASURED = re.compile(r"seconds|_per_second|hours|peak_memory_bytes|killed|unmeasured_jobs|checksum|files")
# Files for people, made of files that are compared, with times in them.
TOLD = re.compile(r"README\.md|methods\.(csv|md)|budget\.json|plan\.(md|json)|.*\.html|.*\.png|recommendations\.md")


def start(folder: Path, arguments: list[str]) -> subprocess.Popen[bytes]:
    with (folder / "driver.log").open("ab") as out:
        command = ["snakemake", *arguments]
        return subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, start_new_session=True)


def unmeasured(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unmeasured(inner) for key, inner in value.items() if not MEASURED.search(key)}
    return [unmeasured(inner) for inner in value] if isinstance(value, list) else value


def content(file: Path) -> Any:
    """What must be the same: the bytes, or of JSON all that is not measured."""
    if file.suffix == ".json":
        return unmeasured(json.loads(file.read_bytes()))
    if file.suffix == ".jsonl":
        return [unmeasured(json.loads(line)) for line in file.read_bytes().splitlines()]
    return file.read_bytes()


def made(folder: Path) -> dict[str, Path]:
    files = (file for part in MADE for file in sorted((folder / part).rglob("*")) if file.is_file())
    return {str(file.relative_to(folder)): file for file in files if not TOLD.fullmatch(file.name)}


def differences(whole: Path, killed: Path) -> list[str]:
    one, other = made(whole), made(killed)
    lost = [f"{name}: only in one" for name in sorted(one.keys() ^ other.keys())]
    both = sorted(one.keys() & other.keys())
    return lost + [f"{name}: differs" for name in both if content(one[name]) != content(other[name])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", default="2")
    asked, more = parser.parse_known_args()
    arguments, draw = ["--cores", asked.cores, *more], random.Random(asked.seed)
    folder = Path(tempfile.mkdtemp(prefix="killed-study-"))
    whole, killed = copy_project(folder / "whole"), copy_project(folder / "killed")
    # Checkpoints as often as kills come, or a kill would only ever cost the whole of a short training.
    os.environ["EMULSION_CHECKPOINT_SECONDS"] = "1"

    began = time.monotonic()
    if start(whole, arguments).wait():
        sys.exit(f"the undisturbed study failed: see {whole}/driver.log")
    took = time.monotonic() - began
    print(f"undisturbed: {took:.0f} s, {len(made(whole))} files to compare", flush=True)
    done = 0
    while done < asked.kills:
        driver = start(killed, arguments)
        moment = draw.uniform(1, max(20.0, 2 * took / asked.kills))
        try:
            driver.wait(moment)
        except subprocess.TimeoutExpired:
            done += 1
            alone = done % 2 == 0
            (os.kill if alone else os.killpg)(driver.pid, signal.SIGKILL)
            driver.wait()
            print(f"kill {done} after {moment:.1f} s, of {'the driver alone' if alone else 'all'}", flush=True)
        else:
            if driver.returncode:
                sys.exit(f"the study failed without a kill: see {killed}/driver.log")
            print("made before all kills: its models and results are removed, and it goes on", flush=True)
            for part in ("models", "results", "figures"):
                shutil.rmtree(killed / part, ignore_errors=True)
    if start(killed, arguments).wait():
        sys.exit(f"the last start of the killed study failed: see {killed}/driver.log")
    found = differences(whole, killed)
    print("\n".join(found) or f"all {len(made(whole))} files are the same after {done} kills")
    if found:
        sys.exit(f"kept for a look: {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
