"""Held-out losses are of the same sequences for every run, spread over their split."""

import numpy as np
import pytest

from emulsion.data.batches import spread_rows
from emulsion.errors import UserError
from emulsion.training.validation import held_out_losses


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_loss_is_the_mean_over_sequences_spread_over_the_split(inputs, split):
    found = held_out_losses(lambda tokens, _: tokens.mean(axis=1), inputs.stores, split, 24, 3, 8)
    counts = {source: store.count(split, 24) for source, store in inputs.stores.items()}
    assert min(counts.values()) > 3
    for source, store in inputs.stores.items():
        tokens = store.read(split, spread_rows(counts[source], 3), 24)
        assert len(tokens) == 3 and found[source] == pytest.approx(np.mean(tokens))


def test_a_source_without_a_sequence_of_the_context_is_refused(inputs):
    with pytest.raises(UserError, match="source 'alpha' has no test sequence of 1000000 tokens"):
        held_out_losses(lambda tokens, _: tokens.mean(axis=1), inputs.stores, "test", 1_000_000, 3, 8)
