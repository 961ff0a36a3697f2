"""A fixed part of a source's documents, which a short run reads as often as a long one reads them all.

A proxy of T/r tokens sees a scarce source r times less often than the run of T tokens it stands for, and so misjudges
what repetition does. Drawn from 1/r of each source's documents, it has the epochs of the long run (arXiv 2606.07597).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emulsion.permutation import permute
from emulsion.seeds import derive_seed

_KEY = derive_seed(0, "documents")


def rows_of_documents(starts: NDArray[np.int64], available: int, context: int, share: float) -> NDArray[np.int64]:
    """The sequences of a share of the documents, rising: `share` of all `available` of them, at least one.

    starts [documents]: the token that each begins with, rising; a sequence is of the document that its first token is
    of. Documents are taken in a seeded order, each whole but for the last: the rows of a smaller share are among those
    of a larger one.
    """
    rows = np.arange(available, dtype=np.int64)
    owners = np.searchsorted(starts, rows * context, side="right") - 1
    ranks = permute(np.arange(len(starts), dtype=np.int64), len(starts), _KEY)
    order = np.argsort(ranks[owners], kind="stable")
    return np.sort(order[: max(1, round(share * available))])
