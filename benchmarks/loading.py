"""What a job spends before it starts: CPU seconds to load torch, transformers and the training of this library.

    python benchmarks/loading.py [--rounds 5]

Each round loads them twice, each time in a process of its own: at Python's own thresholds of garbage collection, and at
those that the scripts set. Prints a line of JSON: the lowest and highest of each, and the median of their ratios.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow" / "scripts"
LOAD = """
import gc, resource, sys
if "scripts" in sys.argv:
    from emulsion.command import COLLECTION
    gc.set_threshold(*COLLECTION)
before = resource.getrusage(resource.RUSAGE_SELF)
import emulsion.training.run
from transformers import GPT2LMHeadModel
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def seconds(thresholds: str) -> float:
    """CPU seconds of one loading."""
    command = [sys.executable, "-c", LOAD, thresholds]
    return float(subprocess.run(command, cwd=SCRIPTS, check=True, text=True, capture_output=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    seconds("python")  # once, so that all files are in memory
    pairs = [(seconds("python"), seconds("scripts")) for _ in range(rounds)]
    own, ours = zip(*pairs, strict=True)
    found = {
        "python": [round(min(own), 2), round(max(own), 2)],
        "scripts": [round(min(ours), 2), round(max(ours), 2)],
        "ratio": round(statistics.median(ours / own for own, ours in pairs), 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
