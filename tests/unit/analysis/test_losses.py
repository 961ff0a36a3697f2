"""How sure losses are: of seeds, and of the choice of test text."""

import numpy as np
import pytest
from scipy.stats import binom

from emulsion.analysis.decide import decide
from emulsion.analysis.loss_scores import all_loss_scores, compare_losses, loss_scores, summarise_losses


def runs(losses):
    """{seed: content of `perplexity.json`}; losses: {source: [seeds, sequences]}."""
    seeds = range(len(next(iter(losses.values()))))
    return {
        seed: {"sources": {source: {"sequence_losses": rows[seed].tolist()} for source, rows in losses.items()}}
        for seed in seeds
    }


def equals(rng, mixtures, seeds, sequences, run=0.005, own=0.0, taste=0.0):
    """Mixtures that are alike: what a run, a sequence in a run, and a sequence to a mixture differ by."""
    shared = rng.normal(0, 0.01, (seeds, 1))
    return all_loss_scores(
        {
            str(number): runs(
                {
                    "a": 2
                    + shared
                    + rng.normal(0, run, (seeds, 1))
                    + rng.normal(0, own, (seeds, sequences))
                    + rng.normal(0, taste, sequences)
                }
            )
            for number in range(mixtures)
        }
    )


@pytest.mark.parametrize("own", [0.004, 0.012])
@pytest.mark.parametrize("seeds", [2, 3])
def test_few_runs_whose_spread_is_small_by_chance_make_no_false_winners(seeds, own):
    rng = np.random.default_rng(0)
    false = sum(decide(equals(rng, 2, seeds, 64, own=own)).winner is not None for _ in range(400))
    assert false <= binom.ppf(0.99, 400, 0.05)


def test_a_single_sequence_of_text_makes_no_claim():
    rng = np.random.default_rng(0)
    scores = equals(rng, 3, 3, 1, run=0.001, taste=0.1)
    found = decide(scores)
    assert found.winner is None
    assert all(cell["p"] == 1 for cell in found.comparisons.values())


def test_a_source_with_a_single_sequence_is_taken_to_vary_as_the_others():
    rng = np.random.default_rng(0)

    def compared(single):
        found = {}
        for name in "xy":
            text = rng.normal(2, 0.05, (1, 40)) + rng.normal(0, 0.001, (3, 40))
            found[name] = runs({"a": text, "b": text[:, :1] if single else text})
        scores = all_loss_scores(found)
        return compare_losses(scores["x"], {"y": scores["y"]})["y"]

    cell = compared(single=True)
    assert cell["b"]["p"] == 1
    width = np.diff(cell["mean"]["interval"])
    assert width > 3 * np.diff(compared(single=False)["mean"]["interval"]) > 0


def test_a_summary_has_the_mean_losses_their_perplexities_and_bits_per_byte():
    weights = {"a": 3.0, "b": 1.0}
    records = {
        seed: {
            "sources": {
                "a": {"sequence_losses": [2.0 + seed, 3.0], "bits_per_byte": 1.0 + seed},
                "b": {"sequence_losses": [1.0, 2.0, 3.0], "bits_per_byte": 0.5},
            }
        }
        for seed in (1, 0)
    }
    found = summarise_losses({"x": loss_scores(records, weights)}, {"x": records})["x"]
    assert found["seeds"] == [0, 1]
    assert [found["sources"][source]["loss"] for source in "ab"] == pytest.approx([2.75, 2.0])
    assert found["mean"]["loss"] == pytest.approx(0.75 * 2.75 + 0.25 * 2.0)
    assert found["mean"]["perplexity"] == pytest.approx(np.exp(found["mean"]["loss"]))
    assert found["sources"]["a"]["bits_per_byte"] == pytest.approx(1.5)
    assert found["mean"]["bits_per_byte"] == pytest.approx(0.75 * 1.5 + 0.25 * 0.5)
    for cell in (found["mean"], *found["sources"].values()):
        assert cell["interval"][0] < cell["loss"] < cell["interval"][1]
        assert cell["perplexity_interval"] == pytest.approx(np.exp(cell["interval"]))
