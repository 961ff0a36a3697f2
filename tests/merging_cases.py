"""Three small sources to merge, and what a merge of them holds."""

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.merging.request import Origin, Request

SIZES = {"long": (200, 60), "short": (300, 4), "few": (30, 12)}  # source: documents, words in each
WEIGHTS = {"long": 3.0, "short": 6.0, "few": 1.0}


def origin(name, **fields):
    return Origin(name, WEIGHTS.get(name, 1.0), files=(f"{name}-*.jsonl",), **fields)


def request(weighted=True, **fields):
    sources = fields.pop("sources", tuple(origin(name) for name in SIZES))
    seed = fields.pop("seed", 0) if weighted else None
    return Request(sources=sources, weighted=weighted, seed=seed, **{"shard_bytes": 8000, "max_loss": 0.1, **fields})


def merged(folder):
    """[(source, id)] in the order of the shards."""
    tables = [pq.read_table(file) for file in sorted(folder.glob("shard-*.parquet"))]
    table = pa.concat_tables(tables)
    return list(zip(table["source"].to_pylist(), table["id"].to_pylist(), strict=True))


def content(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}
