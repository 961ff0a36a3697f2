"""One flipped bit or half a file in a checkpoint: it is named and set aside, and the run ends with the same model."""

import re
import shutil

import numpy as np
import pytest
import torch
from training_cases import MIXTURE, SPEC, Killed, killed_before

from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from emulsion.training import checkpoint, receipts
from emulsion.training.loop import Training
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime


@pytest.fixture
def train(tmp_path, store_folders, tokenizer, monkeypatch):
    """Train into a folder of this name, as far as the step before which it is killed, if any; returns its model."""
    write_json(tmp_path / "mixture.json", MIXTURE)
    torch.set_num_threads(1)

    def run(name, dies=None, **changes):
        told = {"store_folders": list(store_folders.values()), "tokenizer": tokenizer}
        told |= {"mixture_file": tmp_path / "mixture.json", "spec_values": {**SPEC, **changes}}
        runtime = Runtime(micro_batch=8, checkpoint_seconds=0.0)
        with monkeypatch.context() as patched:
            killed_before(patched, dies)
            train_run(**told, output=tmp_path / name, checkpoints=tmp_path / "checkpoints" / name, runtime=runtime)
        return [(tmp_path / name / file).read_bytes() for file in ("model.safetensors", "training_log.jsonl")]

    return run


def flip(file, place):
    """Change one bit of the byte at this share of a file."""
    content = bytearray(file.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    file.write_bytes(content)


def halve(file, place):
    file.write_bytes(file.read_bytes()[: int(place * file.stat().st_size)])


@pytest.fixture
def killed(train, tmp_path):
    """The checkpoints of a run that was killed after its step 6: of steps 5 and 6."""
    with pytest.raises(Killed):
        train("run", dies=6)
    found = checkpoint.checkpoints(tmp_path / "checkpoints" / "run")
    assert [folder.name for folder in found] == ["step-000000005", "step-000000006"]
    return found


@pytest.mark.parametrize("name", [checkpoint.STATE, checkpoint.TENSORS, checkpoint.LOG])
@pytest.mark.parametrize(("damage", "place"), [(flip, 0.0), (flip, 0.5), (flip, 0.99), (halve, 0.0), (halve, 0.5)])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_taken(
    train, killed, monkeypatch, caplog, name, damage, place
):
    whole = train("whole")
    damage(killed[-1] / name, place)
    started = []
    original = Training._resume
    monkeypatch.setattr(Training, "_resume", lambda self, until: (original(self, until), started.append(self.step))[0])
    assert train("run") == whole
    assert started == [5]
    assert f"{killed[-1]}: damaged" in caplog.text
    assert "set aside as damaged-step-000000006" in caplog.text and "snakemake" not in caplog.text


@pytest.mark.parametrize("content", [b"null", b"[]", b'{"step": "6"}', None])
def test_a_checkpoint_whose_state_is_of_another_form_is_set_aside(train, killed, caplog, content):
    whole = train("whole")
    state = killed[-1] / checkpoint.STATE
    if content is None:
        shutil.rmtree(killed[-1])
        killed[-1].write_text("a file")
    else:
        state.write_bytes(content)
    assert train("run") == whole
    assert f"{killed[-1]}: damaged" in caplog.text


def test_what_is_no_checkpoint_is_left_alone_and_what_kills_left_of_others_goes(train, killed):
    whole = train("whole")
    folder = killed[0].parent
    (folder / "step-notes.txt").write_text("mine")
    shutil.copytree(killed[0], folder / ".step-000000004.123.part")
    with pytest.raises(Killed):
        train("run", dies=8)
    assert (folder / "step-notes.txt").exists() and not list(folder.glob(".step-*.part"))
    assert train("run") == whole


def test_with_both_checkpoints_damaged_the_run_begins_again(train, killed, caplog):
    whole = train("whole")
    for folder in killed:
        flip(folder / checkpoint.TENSORS, 0.7)
    assert train("run") == whole
    assert caplog.text.count("set aside as damaged-step-") == 2


def test_what_was_set_aside_stays_to_be_looked_at_until_the_run_is_done(train, killed, tmp_path):
    flip(killed[-1] / checkpoint.TENSORS, 0.7)
    with pytest.raises(Killed):
        train("run", dies=8)
    assert (tmp_path / "checkpoints/run/damaged-step-000000006" / checkpoint.TENSORS).exists()
    train("run")
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_checkpoint_that_is_damaged_again_takes_the_place_of_the_one_that_was_set_aside(train, killed):
    whole = train("whole")
    aside = killed[-1].with_name(f"damaged-{killed[-1].name}")
    shutil.copytree(killed[-1], aside)
    (aside / "earlier").touch()
    flip(killed[-1] / checkpoint.TENSORS, 0.7)
    with pytest.raises(Killed):
        train("run", dies=8)
    assert aside.exists() and not (aside / "earlier").exists()
    assert train("run") == whole


def test_the_names_of_damaged_tensors_are_told(train, killed, caplog):
    flip(killed[-1] / checkpoint.TENSORS, 1.0)
    train("run")
    assert re.search(r"state\.safetensors: (adam|weight)/\S+ differ from what was saved", caplog.text)


def test_a_kill_while_checkpoints_are_removed_leaves_a_run_that_ends(train, killed, tmp_path, monkeypatch):
    whole = train("whole")

    def dies(folder, ignore_errors=False):
        if str(folder).endswith(".old.part") and folder.exists():
            (folder / checkpoint.STATE).unlink(missing_ok=True)
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("emulsion.files.shutil.rmtree", dies)
        train("run")
    assert train("run") == whole
    assert not [path for path in (tmp_path / "checkpoints").iterdir() if path.name.startswith(".run")]


def test_a_run_goes_on_only_where_its_next_batch_is_the_one_that_was_saved(train, killed, monkeypatch):
    original = receipts.read_batch

    def other(*told):
        batch = original(*told)
        batch[0, 0] ^= 1
        return batch

    monkeypatch.setattr(receipts, "read_batch", other)
    with pytest.raises(UserError, match=r"cannot go on from step 6: next batch would not be what"):
        train("run")


def test_what_was_restored_is_compared_with_what_was_saved(train, killed, monkeypatch):
    original = checkpoint._restore

    def forgets(folder, model, optimizer):
        original(folder, model, optimizer)
        with torch.no_grad():
            next(model.parameters()).view(-1)[0] += 1

    monkeypatch.setattr(checkpoint, "_restore", forgets)
    with pytest.raises(UserError, match="did not become what was saved"):
        train("run")


def test_a_checkpoint_says_what_comes_next(killed):
    state = read_json(killed[-1] / checkpoint.STATE)
    assert set(state["receipt"]) == {"step", "next_batch", "randomness", "carried"}
    assert set(state["sha256"]) == {"tensors", "log"}
    assert {name.partition("/")[0] for name in state["sha256"]["tensors"]} == {"weight", "adam"}
    before = read_json(killed[0] / checkpoint.STATE)["receipt"]
    assert all(state["receipt"][name] != before[name] for name in ("step", "next_batch", "randomness"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64])
def test_every_bit_of_a_tensor_decides_its_checksum(dtype):
    tensors = {
        "full": torch.arange(6).to(dtype).reshape(2, 3),
        "one": torch.tensor(1).to(dtype),
        "none": torch.empty(0),
    }
    before = checkpoint.checksums(tensors)
    assert len(set(before.values())) == 3
    flat = tensors["full"].reshape(-1).view(torch.uint8).numpy()
    for byte in range(len(flat)):
        flat[byte] ^= np.uint8(1)
        after = checkpoint.checksums(tensors)
        assert after["full"] != before["full"] and after["one"] == before["one"]
        flat[byte] ^= np.uint8(1)
