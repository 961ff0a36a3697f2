"""Who reads which half: what chooses mixtures never sees what they are judged by, and the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emulsion.analysis.scores import item_scores
from emulsion.evaluation.capabilities import Scored, summarise
from emulsion.evaluation.halves import selection_half, selection_scores
from emulsion.evaluation.suites import Item, Suite
from emulsion.figures.score_cells import capability_scores

ITEMS = tuple(
    Item(id=f"{name}-{n}", capability=name, kind="choice", prompt="?", choices=("a", "b"), answer=0, topic=n % 8)
    for name in ("reasoning", "conversation")
    for n in range(24)
)  # fmt: skip
SUITE = Suite(name="s", template="{prompt}", items=ITEMS)
CHOSEN = selection_half(SUITE, 0)


def record(judged: float, chosen: float) -> dict[str, Any]:
    """A capabilities.json in which every second item of each half is right with these scores."""
    scores = {
        ("s", item.id): Scored((chosen if item.id in CHOSEN else judged) * (number % 2), 0.5, 1.0)
        for number, item in enumerate(ITEMS)
    }
    return summarise([SUITE], scores, seed=0)


@pytest.mark.parametrize("read", [lambda r: item_scores({0: r}), lambda r: capability_scores({"a": r, "b": r})])
def test_conclusions_and_figures_read_the_test_half(read: Any) -> None:
    seen = [str(read(record(judged, chosen))) for judged, chosen in ((1.0, 0.0), (1.0, 1.0), (0.0, 1.0))]
    assert seen[0] == seen[1] != seen[2]


def test_scores_for_conclusions_are_of_no_item_that_chooses() -> None:
    scores = item_scores({0: record(1.0, 0.0)})
    keys = {item for keys in scores.items.values() for _, item in keys}
    assert keys == {item.id for item in ITEMS} - CHOSEN
    assert scores.score() == pytest.approx(np.mean([n % 2 for n, i in enumerate(ITEMS) if i.id not in CHOSEN]))


def test_what_chooses_mixtures_reads_the_selection_half_and_nothing_without_one() -> None:
    seen = [selection_scores(record(judged, chosen)) for judged, chosen in ((1, 0), (0, 0), (0, 1))]
    assert seen[0] == seen[1] != seen[2]
    assert set(seen[0]) == {"reasoning", "conversation"}
    assert selection_scores({**record(1, 1), "selection": None}) == {}
