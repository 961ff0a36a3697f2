"""Who reads which half: what chooses mixtures never sees what they are judged by, and the other way round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulsion.analysis.scores import item_scores
from emulsion.evaluation.capabilities import Scored, summarise
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.suites import Item, Suite
from emulsion.figures.scores import capability_scores
from emulsion.files import write_json
from emulsion.training.evidence import read_evidence
from emulsion.training.judge import selection_scores

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


def test_evidence_is_of_validation_text_and_the_selection_half(tmp_path: Path, store_folders: dict[str, Path]) -> None:
    runs = {"exp-a": (record(1, 0), 2.0), "exp-b": (record(0, 1), 3.0)}
    for name, (capabilities, loss) in runs.items():
        ratios, validation = dict.fromkeys(store_folders, 1 / 3), dict.fromkeys(store_folders, loss)
        kept = {"experiment": "exp", "identity": name, "mixing_ratios": ratios, "validation": validation}
        write_json(tmp_path / name / "run.json", kept)
        write_json(tmp_path / name / "capabilities.json", capabilities)
    records, scores = ([tmp_path / name / f"{file}.json" for name in runs] for file in ("run", "capabilities"))
    found = read_evidence(list(store_folders.values()), 1000, 4, records=records, capabilities=scores)
    assert found.capabilities == {"a": selection_scores(runs["exp-a"][0]), "b": selection_scores(runs["exp-b"][0])}
    assert {run: set(losses.values()) for run, losses in found.losses.items()} == {"a": {2.0}, "b": {3.0}}
