"""The variance of a difference, by its definition: of seeds, of the choice of text, and nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from emulsion.analysis.contrast import contrast, difference
from emulsion.analysis.loss_scores import loss_scores
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.scores import MEAN, Floats, ItemScores

SHARES = {"a": 0.75, "b": 0.25}
SEEDS = 3


def losses(number: int, sequences: dict[str, int]) -> dict[str, Floats]:
    """{source: [seeds, sequences]}, in which mixtures differ by sequence."""
    rng = np.random.default_rng(number)
    return {name: rng.normal(2, 0.2, size) + rng.normal(0, 0.05, (SEEDS, size)) for name, size in sequences.items()}


def scores(table: dict[str, Floats]) -> ItemScores:
    runs = [{name: {"sequence_losses": rows[seed].tolist()} for name, rows in table.items()} for seed in range(SEEDS)]
    return loss_scores({seed: {"sources": run} for seed, run in enumerate(runs)}, SHARES)


@pytest.mark.parametrize("paired", [False, True])
def test_what_sequences_vary_by_themselves_is_taken_out_of_the_choice_of_text(paired: bool) -> None:
    x, y = (losses(number, {"a": 6, "b": 4}) for number in range(2))
    found = difference(scores(x), scores(y), MEAN, SeedNoise(run_sd={MEAN: 0.03}, df=8, paired=paired))
    text, own = [], []
    for name, share in SHARES.items():
        apart = x[name] - y[name]
        text.append(share**2 * apart.mean(axis=0).var(ddof=1) / apart.shape[1])
        each = [apart] if paired else [x[name], y[name]]
        own.append(share**2 * sum(rows.var(axis=0, ddof=1).mean() for rows in each) / apart.shape[1] / SEEDS)
    seeds, chosen = 2 * 0.03**2 / SEEDS, sum(text) - sum(own)
    assert found.error**2 == pytest.approx(seeds + chosen)
    freedom = sum(text) ** 2 / (text[0] ** 2 / 5 + text[1] ** 2 / 3)
    assert found.freedom == pytest.approx((seeds + chosen) ** 2 / (seeds**2 / 8 + chosen**2 / freedom))


@pytest.mark.parametrize("pooled", [0.001, 0.1])
def test_a_pair_that_is_noisier_than_the_others_has_its_own_noise_and_no_less_than_theirs(pooled: float) -> None:
    x, y = (losses(number, {"a": 6}) for number in range(2))
    noise = SeedNoise(run_sd={"a": pooled}, df=8, apart=("a",), paired=True)
    found, alone = (difference(scores(x), scores(y), "a", each) for each in (noise, None))
    apart = x["a"] - y["a"]
    seeds = max(apart.mean(axis=1).var(ddof=1), 2 * pooled**2) / SEEDS
    chosen = alone.error**2 - apart.var(axis=0, ddof=1).mean() / 6 / SEEDS
    assert found.error**2 == pytest.approx(seeds + chosen)


def test_a_single_sequence_is_taken_to_vary_as_those_of_the_other_sources() -> None:
    x, y = (losses(number, {"a": 6, "b": 1}) for number in range(2))
    variance = (x["a"] - y["a"]).mean(axis=0).var(ddof=1)
    found = difference(scores(x), scores(y), MEAN, None)
    assert found.error**2 == pytest.approx(SHARES["a"] ** 2 * variance / 6 + SHARES["b"] ** 2 * variance)


def test_of_mixtures_of_one_run_each_nothing_is_taken_out_of_the_choice_of_text() -> None:
    x, y = (scores(losses(number, {"a": 6})).only([0]) for number in range(2))
    found = difference(x, y, "a", SeedNoise(run_sd={"a": 0.03}, df=8))
    assert found.error**2 == pytest.approx(2 * 0.03**2 + difference(x, y, "a", None).error ** 2)


def test_a_loss_whose_noise_is_known_from_two_runs_is_nearly_as_unsure_as_they_are() -> None:
    x = losses(0, {"a": 6})
    found = contrast([(1.0, scores(x))], "a", SeedNoise(run_sd={"a": 0.3}, df=1))
    seeds, chosen = 0.3**2 / SEEDS, x["a"].mean(axis=0).var(ddof=1) / 6
    assert found.freedom == pytest.approx((seeds + chosen) ** 2 / (seeds**2 + chosen**2 / 5))


@pytest.mark.parametrize(("df", "capped"), [(1, True), (2, False)])
def test_a_difference_whose_noise_is_known_from_two_runs_is_as_unsure_as_they_are(df: int, capped: bool) -> None:
    x, y = (losses(number, {"a": 6}) for number in range(2))
    found = difference(scores(x), scores(y), "a", SeedNoise(run_sd={"a": 1e-4}, df=df))
    assert found.freedom == (df if capped else pytest.approx(5, abs=0.01))


def test_of_single_sequences_alone_nothing_is_known() -> None:
    x, y = (scores(losses(number, {"a": 1, "b": 1})) for number in range(2))
    assert (difference(x, y, MEAN, None).error, difference(x, y, MEAN, None).freedom) == (0.0, 0.0)


def test_a_capability_of_a_single_item_leaves_a_mean_of_scores_without_freedom() -> None:
    keys = {name: tuple(("suite", str(item)) for item in range(size)) for name, size in (("x", 8), ("y", 1))}
    a, b = (
        ItemScores(
            seeds=(0,),
            items=keys,
            values={name: np.full((1, len(items)), score) for name, items in keys.items()},
            chance=dict.fromkeys(keys),
        )
        for score in (1.0, 0.0)
    )
    assert difference(a, b, "x", None).freedom == 7 and difference(a, b, MEAN, None).freedom == 0


@pytest.mark.parametrize("sizes", [(4, 4, 4, 4), (100, *[2] * 10), (30, 1), (40, 20, 13, 10, 8, 5, 3, 1)])
def test_the_choice_of_topics_varies_as_much_as_it_does_whatever_their_sizes(sizes: tuple[int, ...]) -> None:
    rng, topics = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)
    keys, found = tuple(("x", str(item)) for item in range(len(topics))), []
    for _ in range(1500):
        of_topics = rng.normal(0, 1, (2, len(sizes)))
        a, b = (
            ItemScores(
                seeds=(0,),
                items={"x": keys},
                values={"x": each[None, topics]},
                chance={"x": None},
                clusters={"x": tuple(("x", str(topic)) for topic in topics)},
            )
            for each in of_topics
        )
        found.append(difference(a, b, "x", None, bounded=False).error ** 2)
    true = 2 * sum((size / len(topics)) ** 2 for size in sizes)
    assert np.mean(found) == pytest.approx(true, rel=0.12)
