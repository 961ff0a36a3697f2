"""The dry run of a study at any size: CPU seconds that Snakemake takes to plan it.

    python benchmarks/dag.py [--strategies 1000 5000]
    python benchmarks/dag.py --shards 100 400

Writes a configuration with so many strategies, one seed each, beside the shipped one, in a folder of its own, and asks
`snakemake -n` for everything; or with four sources of so many shards each, all cleaned, and asks for their documents.
Prints a line of JSON for each: jobs planned, CPU seconds, wall seconds, peak memory.
"""

import argparse
import json
import os
import random
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("openhermes", "cosmopedia", "magpie", "fineweb")
SHARED = ("Snakefile", "config.yaml", "config", "rules", "workflow", "profiles", "resources", "report", "envs")


def many_strategies(strategies: int) -> dict[str, object]:
    """A configuration of so many strategies with random weights, to be laid over config.yaml."""
    draw = random.Random(0)
    defined = {}
    for number in range(strategies):
        weights = [draw.uniform(0.01, 1) for _ in SOURCES]
        ratios = {source: round(weight / sum(weights), 6) for source, weight in zip(SOURCES, weights, strict=True)}
        defined[f"s{number:05}"] = {"ratios": ratios}
    chosen = {"strategies": list(defined), "seeds": [0], "ablations": {"base": "s00000"}}
    return {"strategies": defined, "experiments": {"exp3": chosen}}


def many_shards(shards: int) -> dict[str, object]:
    """A configuration of sources in so many shards that are deduplicated and decontaminated."""
    return {"sources": {source: {"shards": shards, "cleaning": "prose"} for source in SOURCES}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--shards", type=int, nargs="+")
    asked = parser.parse_args()
    kind, counts = ("shards", asked.shards) if asked.shards else ("strategies", asked.strategies)
    write = {"shards": many_shards, "strategies": many_strategies}[kind]
    documents = ["--", *(f"data/normalized/{source}.parquet" for source in SOURCES)] if asked.shards else []
    for count in sorted(counts):  # a peak of memory is the highest so far
        with tempfile.TemporaryDirectory() as folder:
            for name in SHARED:
                Path(folder, name).symlink_to(ROOT / name)
            Path(folder, "many.yaml").write_text(yaml.safe_dump(write(count)))
            command = ["snakemake", "-n", "-q", "rules", "--cores", "2", "--configfile", "many.yaml", *documents]
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            said = subprocess.run(command, cwd=folder, env=os.environ, check=True, text=True, capture_output=True)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            total = re.search(r"^total +(\d+)", said.stdout + said.stderr, re.MULTILINE)
            assert total, said.stdout
        found = {
            kind: count,
            "jobs": int(total[1]),
            "cpu_seconds": round(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime, 1),
            "wall_seconds": round(time.monotonic() - began, 1),
            "peak_memory_mb": used.ru_maxrss // 1024,
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
