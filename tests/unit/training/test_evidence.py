"""From files to what methods decide from."""

import pytest

from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.methods.interface import Evidence
from emulsion.training.evidence import read_evidence, reference_of


def scores(judged, chosen):
    return {
        "capabilities": {"facts": {"score": judged}},
        "selection": {"capabilities": {"facts": {"score": chosen}}},
    }


def test_evidence_is_of_validation_text_and_the_selection_half(tmp_path, store_folders):
    sources = list(store_folders)
    runs = {"a": (scores(0.9, 0.1), 2.0), "b": (scores(0.1, 0.9), 3.0), "a-twin": (scores(0.9, 0.1), 2.0)}
    for name, (capabilities, loss) in runs.items():
        kept = {"mixing_ratios": dict.fromkeys(sources, 1 / 3), "validation": dict.fromkeys(sources, loss)}
        kept["epochs_per_source"] = dict.fromkeys(sources, loss / 4)
        identity = name.removesuffix("-twin")
        write_json(tmp_path / f"exp-{name}/run.json", {"experiment": "exp", "identity": identity, **kept})
        write_json(tmp_path / f"exp-{name}/capabilities.json", capabilities)
    records, measured = ([tmp_path / f"exp-{name}/{file}.json" for name in runs] for file in ("run", "capabilities"))
    found = read_evidence(list(store_folders.values()), 1000, 4, records=records, capabilities=measured)
    # A run of the same identity says nothing new.
    assert found.capabilities == {"a": {"facts": 0.1}, "b": {"facts": 0.9}}
    assert {run: set(losses.values()) for run, losses in found.losses.items()} == {"a": {2.0}, "b": {3.0}}
    assert found.epochs == {"a": dict.fromkeys(sources, 0.5), "b": dict.fromkeys(sources, 0.75)}
    assert (found.tokens, found.max_epochs) == (1000, 4) and all(size > 0 for size in found.sizes.values())


def test_evidence_of_a_swarm_is_of_its_finished_runs(tmp_path, store_folders):
    sources = list(store_folders)
    row = {
        "weights": {sources[1]: 1.0},
        "epochs": dict.fromkeys(sources, 2.0),
        "validation": dict.fromkeys(sources, 2.5),
        "initial": None,
    }
    early = {"tokens": 50, "validation": dict.fromkeys(sources, 4.0)}
    rows = [
        {**row, "run": "s_00", "finished": True, "capabilities": {"facts": 0.5}, "tokens": 500, "curve": [early]},
        {**row, "run": "s_01", "finished": True, "capabilities": None, "initial": dict.fromkeys(sources, 5.7)},
        {**row, "run": "stratified", "finished": False, "capabilities": None},
    ]
    write_json(tmp_path / "000.json", {"runs": rows})
    found = read_evidence(list(store_folders.values()), 1000, 4, swarm=[tmp_path / "000.json"])
    assert list(found.mixtures) == ["s_00", "s_01"] and list(found.mixtures["s_00"]) == sources
    assert found.epochs == dict.fromkeys(["s_00", "s_01"], dict.fromkeys(sources, 2.0))
    assert found.run_tokens == {"s_00": 500} and found.curves == {"s_00": [(50, dict.fromkeys(sources, 4.0))]}
    assert found.capabilities == {"s_00": {"facts": 0.5}} and list(found.initial) == ["s_01"]


def test_runs_of_a_swarm_that_diverged_are_left_out_and_named(tmp_path, store_folders, caplog):
    sources = list(store_folders)
    row = {"weights": {sources[0]: 1.0}, "finished": True, "capabilities": None, "initial": None}

    def read(*losses, **changed):
        rows = [
            {**row, **changed, "run": f"s_{number}", "validation": dict.fromkeys(sources, loss)}
            for number, loss in enumerate(losses)
        ]
        write_json(tmp_path / "000.json", {"runs": rows})
        return read_evidence(list(store_folders.values()), 1000, 4, swarm=[tmp_path / "000.json"])

    found = read(2.0, 2.1, 700.0, 2.2)
    assert list(found.losses) == list(found.mixtures) == ["s_0", "s_1", "s_3"]
    [warning] = found.warnings
    assert warning.startswith("s_2: a run diverged") and warning.endswith("it was left out.")
    assert warning in caplog.text
    assert len(read(2.0, 700.0, 700.0, 2.2).losses) == 4  # too short to learn anything, rather
    assert read(2.0, 2.1, 700.0, 2.2, initial=dict.fromkeys(sources, 5.7)).warnings == []


def test_a_reference_is_one_run():
    assert reference_of(Evidence(losses={"r": {"web": 2.0}})).losses == {"web": 2.0}
    with pytest.raises(UserError, match="reference run: one is needed, and the swarm has 2 runs"):
        reference_of(Evidence(losses={"r": {}, "s": {}}))
