"""Cleaning, before anything is mixed: Unicode form, filters, duplicates within and across sources, contamination.

Three steps over the shards of a source, each of which reads the files of the one before:

1. row by row: `clean_text`, then `why_removed`; of what stays, `Signer.table`;
2. `duplicates` of one shard among all; of the held-out documents that stay, `HeldOutNgrams`;
3. `Contamination.match` with the suites and the held-out documents of every source that is used together.

Between them what all shards have to know is put into one file a source: `join_signatures`, `join_ngrams`.

Nothing depends on the order of rows or shards, or on how many are worked on at once. `Ledger` accounts for every row.
"""

from emulsion.data.cleaning.contamination import Contamination, HeldOutNgrams, join_ngrams
from emulsion.data.cleaning.duplicates import Duplicate, Signer, duplicates, join_signatures
from emulsion.data.cleaning.filters import clean_text, why_removed
from emulsion.data.cleaning.policy import Cleaning
from emulsion.data.cleaning.step import Ledger
from emulsion.data.cleaning.words import Words

__all__ = [
    "Cleaning",
    "Contamination",
    "Duplicate",
    "HeldOutNgrams",
    "Ledger",
    "Signer",
    "Words",
    "clean_text",
    "duplicates",
    "join_ngrams",
    "join_signatures",
    "why_removed",
]
