"""Rows of a journal, and results of a swarm, that were damaged or are another's."""

import threading
import time

import pytest

from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from emulsion.training import owner
from emulsion.training.evidence import read_evidence
from emulsion.training.journal import Journal
from emulsion.training.loop import Training
from emulsion.training.swarm import train_swarm


def test_a_damaged_row_of_a_journal_is_set_aside_and_measured_again(swarm, steps, caplog):
    whole = train_swarm(**swarm)["runs"]
    done = len(steps)
    rows = sorted(swarm["checkpoints"].glob("*.json"))
    damaged = next(row for row in rows if "mixture" in read_json(row)["what"])
    damaged.write_text(damaged.read_text().replace('"validation": {', '"validation": { "delta": 1.0,', 1))
    again = train_swarm(**swarm)["runs"]
    assert len(steps) > done
    assert f"{damaged}: damaged or edited" in caplog.text and "set aside as" in caplog.text
    assert "snakemake" not in caplog.text  # nobody is to make it again
    assert [row["validation"] for row in again] == [row["validation"] for row in whole]
    assert damaged.with_suffix(".damaged").exists() and sorted(swarm["checkpoints"].glob("*.json")) == rows


def test_a_row_under_the_name_of_another_is_not_taken(tmp_path, caplog):
    journal = Journal(tmp_path)
    journal.keep({"trunk": "a"}, {"loss": 1.0, "seconds": 1.0})
    [file] = tmp_path.glob("*.json")
    other = Journal(tmp_path)._file({"trunk": "b"})
    file.rename(other)
    assert journal.find({"trunk": "b"}) is None
    assert "holds the row of something else" in caplog.text


@pytest.mark.parametrize(
    "content", ["[]", "null", "{}", '{"what": {"trunk": "a"}}', '{"what": {"trunk": "a"}, "row": {}}']
)
def test_a_row_that_another_program_wrote_is_measured_again(tmp_path, caplog, content):
    journal = Journal(tmp_path)
    journal._file({"trunk": "a"}).write_text(content)
    assert journal.find({"trunk": "a"}) is None
    assert "It is set aside as" in caplog.text


@pytest.mark.parametrize("content", [[], {}, {"runs2": []}])
def test_results_that_are_none_are_refused_in_words(store_folders, tmp_path, content):
    file = tmp_path / "swarm.json"
    write_json(file, content)
    with pytest.raises(UserError, match=r"swarm\.json: is no object with runs"):
        read_evidence(store_folders.values(), 1000, 4, [file])
    with pytest.raises(UserError, match=r"swarm\.json: is no object with identity"):
        read_evidence(store_folders.values(), 1000, 4, [], [file], [file])


def test_two_swarms_with_a_trunk_in_common_train_it_once(swarm, steps, monkeypatch, caplog):
    monkeypatch.setattr(owner, "LOOK_SECONDS", 0.01)
    alone = {**swarm, "trunks": [swarm["trunks"][1]]}
    found, original = {}, Training._train_step
    second = threading.Thread(target=lambda: found.update(second=train_swarm(**alone)["runs"]))

    def train_step(self):
        if len(steps) == 5:
            second.start()
            while "trains this run; waiting for its end" not in caplog.text:
                time.sleep(0.01)
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
    first = train_swarm(**alone)["runs"]
    second.join(timeout=60)
    assert found["second"] == first
    assert steps == list(range(12))
    assert all(path.suffix == ".json" for path in swarm["checkpoints"].iterdir())


def test_damaged_results_of_a_swarm_are_refused(swarm, tmp_path):
    found = train_swarm(**{**swarm, "trunks": [{**swarm["trunks"][1]}]})
    file = tmp_path / "swarm.json"
    write_json(file, {"swarm": "sweep", **found})
    assert read_evidence(swarm["stores"], 1000, 4, [file]).losses
    text = file.read_text()
    loss = str(found["runs"][0]["validation"]["alpha"])
    file.write_text(text.replace(loss, "1" + loss, 1))
    with pytest.raises(UserError, match=r"swarm\.json: damaged or edited.*snakemake"):
        read_evidence(swarm["stores"], 1000, 4, [file])
