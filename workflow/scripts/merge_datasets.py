"""Merge datasets into Parquet shards: with --use-weights interleaved by weight, else one after the other.

A merge that was interrupted resumes when the same command is given again; a finished one is left as it is.
See docs/weighted_sampling.md.
"""

import logging
from pathlib import Path
from typing import Literal

from emulsion import command
from emulsion.command import AtMostOne
from emulsion.data.cleaning.policy import FILTERS, Cleaning, Deduplicate, Near
from emulsion.data.sources.memory import bound_memory, most_of_machine
from emulsion.errors import UserError
from emulsion.merging import merge
from emulsion.merging.request import Request, find_config, read_sources


def main(
    *,
    config: Path = Path("datasets_config.yaml"),
    use_weights: bool = False,
    output_dir: Path = Path("merged_dataset"),
    max_samples: int | None = None,
    seed: int = 42,
    clean: bool = False,
    filter: list[Literal["gopher_quality", "gopher_repetition", "c4", "fineweb"]] | None = None,
    deduplicate: AtMostOne[Literal["exact", "near"]] | None = None,
    max_passes: int | None = None,
    max_loss: float = 0.05,
    tokenizer: str | None = None,
    shard_megabytes: float = 256,
    overwrite: bool = False,
) -> None:
    """
    :param config: YAML: a list `datasets`, or a recipe; here, or in resources/merge of the workflow
    :param use_weights: interleave by `weight`, a share of documents
    :param output_dir: folder for the shards and manifest.json
    :param max_samples: documents to write at most
    :param seed: of the order within each dataset, with --use-weights
    :param clean: one form of line ends, no control characters
    :param filter: drop documents that fail these filters of web text; all four if none is named
    :param deduplicate: drop documents that repeat an earlier one: exact, or near, the default, which includes exact
    :param max_passes: end before a dataset is read more often than this
    :param max_loss: share of a dataset's rows that may hold no document
    :param tokenizer: folder of a tokenizer, to count tokens and not bytes alone
    :param shard_megabytes: text in a shard
    :param overwrite: replace what another request has merged in the folder
    """
    numbers = {"--max-samples": max_samples, "--max-passes": max_passes, "--shard-megabytes": shard_megabytes}
    for option, value in numbers.items():
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"{option} {value}: should be more than 0.")
    if not 0 <= max_loss <= 1:
        raise UserError(f"--max-loss {max_loss}: should be a share, from 0 to 1.")
    if max_passes is not None and not use_weights:
        raise UserError("--max-passes: goes with --use-weights; otherwise every dataset is read once.")
    bound_memory(most_of_machine())
    path = find_config(config)
    near = deduplicate is not None and list(deduplicate) != ["exact"]
    request = Request(
        sources=read_sources(path, use_weights),
        weighted=use_weights,
        seed=seed if use_weights else None,
        shard_bytes=round(shard_megabytes * 1e6),
        max_samples=max_samples,
        max_passes=max_passes,
        tokenizer=tokenizer,
        cleaning=Cleaning(
            unicode="NFC" if clean else None,
            filters=() if filter is None else tuple(name for name in FILTERS if name in filter or not filter),
            deduplicate=None if deduplicate is None else Deduplicate(exact=True, near=Near() if near else None),
        ),
        max_loss=max_loss,
    )
    logging.info("%s: %s", path, "weighted sampling enabled" if use_weights else "datasets one after the other")
    try:
        manifest = merge(request, output_dir, overwrite)
    except MemoryError:
        hashes = " Hashes of all documents are held: --deduplicate exact takes an eighth of what near takes." * near
        raise UserError(
            f"Memory is full. Give the same command to a machine with more: shards that are whole stay.{hashes}"
        ) from None
    for note in manifest["notes"]:
        logging.warning("%s", note)
    if manifest["drift"]:
        logging.info("%s", manifest["drift"]["note"])
    logging.info(
        "%s completed: Processed %s, Kept %s",
        "Weighted sampling" if use_weights else "Merging",
        f"{manifest['processed']:,}",
        manifest["kept"],
    )
    shards = len(manifest["shards"])
    logging.info("%s: %d shard%s; ended: %s", output_dir, shards, "s" * (shards != 1), manifest["ended"])


if __name__ == "__main__":
    command.run(main)
