"""Merge datasets into Parquet shards: with --use-weights interleaved by weight, else one after the other.

A merge that was interrupted goes on where it was when the same command is given again, and a finished one is left as
it is. See docs/smollm3.md.
"""

import argparse
import logging
from pathlib import Path

from emulsion import command
from emulsion.errors import UserError
from emulsion.merging import merge
from emulsion.merging.request import Request, read_sources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, type=Path, help="YAML: a list `datasets`, or a recipe")
    parser.add_argument("--use-weights", action="store_true", help="interleave by `weight`, a share of documents")
    parser.add_argument("--output-dir", required=True, type=Path, help="folder for the shards and manifest.json")
    parser.add_argument("--max-samples", type=int, default=None, help="documents to write at most")
    parser.add_argument("--seed", type=int, default=42, help="of the order within each source, with --use-weights (42)")
    parser.add_argument("--max-passes", type=int, default=None, help="end before a source is read more often than this")
    parser.add_argument("--tokenizer", default=None, help="folder of a tokenizer, to count tokens and not bytes alone")
    parser.add_argument("--shard-megabytes", type=float, default=256, help="text in a shard (256)")
    arguments = parser.parse_args()

    for option in ("max_samples", "max_passes", "shard_megabytes"):
        value = getattr(arguments, option)
        if value is not None and value <= 0:
            raise UserError(f"--{option.replace('_', '-')} {value}: should be more than 0.")
    weighted = arguments.use_weights
    if arguments.max_passes is not None and not weighted:
        raise UserError("--max-passes: goes with --use-weights; otherwise every source is read once.")
    request = Request(
        sources=read_sources(arguments.config, weighted),
        weighted=weighted,
        seed=arguments.seed if weighted else None,
        shard_bytes=round(arguments.shard_megabytes * 1e6),
        max_samples=arguments.max_samples,
        max_passes=arguments.max_passes,
        tokenizer=arguments.tokenizer,
    )
    manifest = merge(request, arguments.output_dir)
    for note in manifest["notes"]:
        logging.warning("%s", note)
    if manifest["drift"]:
        logging.info("%s", manifest["drift"]["note"])
    logging.info(
        "%d documents in %d shards; ended: %s", manifest["documents"], len(manifest["shards"]), manifest["ended"]
    )


if __name__ == "__main__":
    command.run(main)
