"""Merge datasets into Parquet shards: with --use-weights interleaved by weight, else one after the other.

A merge that was interrupted goes on where it was when the same command is given again, and a finished one is left as
it is. See docs/smollm3.md.
"""

import logging
from pathlib import Path

from emulsion import command
from emulsion.errors import UserError
from emulsion.merging import merge
from emulsion.merging.request import Request, read_sources


def main(
    *,
    config: Path,
    use_weights: bool = False,
    output_dir: Path,
    max_samples: int | None = None,
    seed: int = 42,
    max_passes: int | None = None,
    tokenizer: str | None = None,
    shard_megabytes: float = 256,
) -> None:
    """
    :param config: YAML: a list `datasets`, or a recipe
    :param use_weights: interleave by `weight`, a share of documents
    :param output_dir: folder for the shards and manifest.json
    :param max_samples: documents to write at most
    :param seed: of the order within each source, with --use-weights
    :param max_passes: end before a source is read more often than this
    :param tokenizer: folder of a tokenizer, to count tokens and not bytes alone
    :param shard_megabytes: text in a shard
    """
    numbers = {"--max-samples": max_samples, "--max-passes": max_passes, "--shard-megabytes": shard_megabytes}
    for option, value in numbers.items():
        if value is not None and value <= 0:
            raise UserError(f"{option} {value}: should be more than 0.")
    if max_passes is not None and not use_weights:
        raise UserError("--max-passes: goes with --use-weights; otherwise every source is read once.")
    request = Request(
        sources=read_sources(config, use_weights),
        weighted=use_weights,
        seed=seed if use_weights else None,
        shard_bytes=round(shard_megabytes * 1e6),
        max_samples=max_samples,
        max_passes=max_passes,
        tokenizer=tokenizer,
    )
    manifest = merge(request, output_dir)
    for note in manifest["notes"]:
        logging.warning("%s", note)
    if manifest["drift"]:
        logging.info("%s", manifest["drift"]["note"])
    logging.info(
        "%d documents in %d shards; ended: %s", manifest["documents"], len(manifest["shards"]), manifest["ended"]
    )


if __name__ == "__main__":
    command.run(main)
