"""A fixed part of a source's text, which a short run reads as often as a long one reads it all.

A proxy of T/r tokens sees a scarce source r times less often than the run of T tokens it stands for, and so misjudges
what repetition does. Drawn from 1/r of each source, it has the epochs of the long run (arXiv 2606.07597). That part is
of sequences, not of documents: of a source of long documents it would be one or two of them.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from emulsion.permutation import permute
from emulsion.seeds import derive_seed

_FEW = 30  # sequences: their own words, and not what the source is like, decide what is learnt from fewer

log = logging.getLogger(__name__)


def chosen_rows(source: str, available: int, share: float) -> NDArray[np.int64]:
    """The sequences of a share of `available` ones, rising: the same in every run, at least one where there are any.

    Those of a smaller share are among those of a larger one.
    """
    count = min(available, max(1, round(share * available)))
    if count < _FEW:
        log.warning(
            "%s: %.2g of its %d sequences are %d; so few say little of the source. Let the swarm's runs be longer, or "
            "stand for shorter ones (match_epochs_of).",
            source,
            share,
            available,
            count,
        )
    places = permute(np.arange(available, dtype=np.int64), available, derive_seed(0, "part", source))
    return np.sort(np.argsort(places)[:count])
