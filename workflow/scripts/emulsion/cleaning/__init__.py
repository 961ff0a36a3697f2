"""Cleaning, before anything is mixed: Unicode form, filters, duplicates within and across sources, contamination.

Three steps over the shards of a source, each of which reads the files of the one before:

1. row by row: `clean_text`, then `why_removed`; of what stays, `Signer.table`;
2. `duplicates` of one shard among all; of the held-out documents that stay, `HeldOutNgrams`;
3. `Contamination.match` with the suites and the held-out documents of every source that is used together.

Nothing depends on the order of rows or shards, or on how many are worked on at once. `Ledger` accounts for every row.
"""

from emulsion.cleaning.contamination import HELD_OUT, Contamination, HeldOutNgrams, Match
from emulsion.cleaning.duplicates import Duplicate, duplicates
from emulsion.cleaning.filters import why_removed
from emulsion.cleaning.ledger import Ledger
from emulsion.cleaning.settings import Cleaning
from emulsion.cleaning.signatures import Signer
from emulsion.cleaning.text import clean_text
from emulsion.cleaning.words import Words

__all__ = [
    "HELD_OUT",
    "Cleaning",
    "Contamination",
    "Duplicate",
    "HeldOutNgrams",
    "Ledger",
    "Match",
    "Signer",
    "Words",
    "clean_text",
    "duplicates",
    "why_removed",
]
