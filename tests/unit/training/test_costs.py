"""What runs cost and needed: from swarms, searches and other runs, each counted once."""

from pathlib import Path

import pytest
from swarm_cases import SOURCES
from training_cases import SPEC

from emulsion.files import write_json
from emulsion.mixture import Mixture, mixture_file
from emulsion.spec import RunSpec
from emulsion.training.costs import (
    needed_of_mixtures,
    needed_of_run,
    needed_of_swarm,
    run_cost,
    together,
    tokens_measured,
)

ENDS = [{"test": None}, {"test": None}]
LEFT = {"after": 9, "ends": ENDS}
CURVE = [{"tokens": tokens} for tokens in (0, 9, 18, 27)]


def swarm_file(folder, number, tokens):
    rows = [
        {"tokens": tokens, "branches": {"early": {"tokens": 10, "ends": ENDS}}},
        {"tokens": tokens, "branches": {}},
    ]
    write_json(folder / f"{number}.json", {"swarm": "small", "evaluation_tokens": 7, "runs": rows})
    return folder / f"{number}.json"


def needed(what, tokens=5):
    return {"what": what, "runs": 1, "tokens": tokens, "evaluation_tokens": 2}


def test_a_swarm_is_all_its_trunks_and_branches_and_what_was_read_to_measure_them(tmp_path):
    files = [swarm_file(tmp_path, number, 100) for number in range(2)]
    assert needed_of_swarm(files) == [{"what": "swarm small", "runs": 8, "tokens": 440, "evaluation_tokens": 14}]
    assert needed_of_swarm([]) == []


def test_what_two_need_is_counted_once():
    assert together([needed("a"), needed("b")], [needed("b"), needed("c")]) == [needed(name) for name in "abc"]
    cost = run_cost(50, [needed("a"), needed("b", 7)], probe_tokens=4, evaluations=2, evaluation_tokens=6)
    assert (cost["extra_tokens"], cost["extra_evaluation_tokens"]) == (12, 4)
    assert (cost["tokens"], cost["probe_tokens"], cost["evaluations"], cost["evaluation_tokens"]) == (50, 4, 2, 6)


def test_a_run_that_decided_brings_what_it_needed():
    cost = run_cost(50, [needed("swarm alone")], evaluation_tokens=6)
    record = {"experiment": "exp", "mixture": "doremi-guide", "spec": {"seed": 3}, "tokens": 50, "cost": cost}
    own = {"what": "run exp-doremi-guide, seed 3", "runs": 1, "tokens": 50, "evaluation_tokens": 6}
    assert needed_of_run(record) == [needed("swarm alone"), own]
    assert needed_of_run({**record, "cost": None}) == [{**own, "evaluation_tokens": 0}]


def test_a_mixture_file_says_what_its_mixture_needed(tmp_path: Path):
    stages = [(1.0, Mixture({"a": 1.0}))]
    write_json(tmp_path / "with.json", mixture_file("exp", "dml", "dml", stages, [needed("swarm small")]))
    write_json(tmp_path / "none.json", mixture_file("exp", "even", "stratified", stages))
    assert needed_of_mixtures([tmp_path / "with.json"]) == [needed("swarm small")]
    assert needed_of_mixtures([tmp_path / "none.json"]) == []


@pytest.mark.parametrize(
    ("row", "validations", "tests"),
    [
        ({"initial": None, "finished": True, "branches": {}}, 1, 1),
        ({"initial": {}, "finished": True, "sequence_losses": {}, "token_losses": {}, "branches": {}}, 4, 1),
        ({"initial": {}, "finished": True, "curve": CURVE, "branches": {}}, 5, 1),
        ({"initial": None, "finished": False, "branches": {"a": {"after": 9, "ends": [*ENDS, {"test": {}}]}}}, 4, 1),
        # Of a step that several branches leave from, or that the curve has too, losses are taken once.
        ({"initial": None, "finished": True, "branches": {"a": LEFT, "b": LEFT}}, 6, 1),
        ({"initial": {}, "finished": True, "curve": CURVE, "branches": {"a": LEFT}}, 7, 1),
    ],
)
def test_measurements_are_counted_by_split(stores, row, validations, tests):
    spec = RunSpec.from_json(SPEC)
    each = {
        split: sum(min(4, stores[source].count(split, 24)) for source in SOURCES) for split in ("validation", "test")
    }
    expected = 24 * (validations * each["validation"] + tests * each["test"])
    assert tokens_measured([row], spec, {source: stores[source] for source in SOURCES}) == expected
