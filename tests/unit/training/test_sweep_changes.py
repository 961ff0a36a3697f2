import pytest
import torch
from sweep_cases import WHOLE
from training_cases import SPEC

from emulsion.data.tokens import write_store
from emulsion.files import write_json
from emulsion.models import build_model
from emulsion.training.runtime import Runtime
from emulsion.training.sweep import train_sweep
from small_corpus import corpus


def written(folder, source, tokenizer, order):
    """A store of the fixture's documents in another order: other tokens, and the same counts."""
    ids, texts = corpus(source)
    provenance = {"source": source, "kind": "local", "licence": "unstated"}
    write_store(folder, [(ids[::order], texts[::order])], tokenizer, 0.2, provenance)
    return folder


def test_a_store_of_other_tokens_in_equal_numbers_trains_everything_again(told_sweep, tmp_path, tokenizer, steps):
    runs = {}
    for order in (1, -1, 1):
        folder = written(tmp_path / "alpha", "alpha", tokenizer, order)
        done = len(steps)
        found = train_sweep(**{**told_sweep, "stores": [folder, *told_sweep["stores"][1:]]})["runs"]
        assert len(steps) - done == (0 if order in runs else WHOLE)
        assert runs.setdefault(order, found) == found
    first, other = runs[1], runs[-1]
    assert all(a["identity"] != b["identity"] and a["tokens"] == b["tokens"] for a, b in zip(first, other, strict=True))
    assert first[0]["validation"] != other[0]["validation"]


@pytest.mark.parametrize("change", [{"validation_sequences": 3}, {"recipe": 2}], ids=lambda change: next(iter(change)))
def test_a_change_of_what_decides_the_losses_trains_everything_again(told_sweep, steps, change):
    first = train_sweep(**told_sweep)["runs"]
    other = train_sweep(**{**told_sweep, "spec": {**SPEC, **change}})["runs"]
    assert len(steps) == 2 * WHOLE
    assert not {row["identity"] for row in first} & {row["identity"] for row in other}
    assert train_sweep(**told_sweep)["runs"] == first and len(steps) == 2 * WHOLE


def test_a_change_of_what_cannot_change_the_losses_trains_nothing(told_sweep, steps):
    first = train_sweep(**told_sweep)["runs"]
    runtime = Runtime(micro_batch=4, checkpoint_seconds=1e9)
    again = train_sweep(**{**told_sweep, "spec": {**SPEC, "seed": 9, "validations": 1}, "runtime": runtime})["runs"]
    assert again == first and len(steps) == WHOLE


def test_other_weights_to_start_from_train_everything_again(told_sweep, tmp_path, steps):
    told_sweep["spec"] = {**SPEC, "model": {**SPEC["model"], "weights": {"folder": "models/any"}}}
    found = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        build_model(SPEC["model"], 300, 0).save_pretrained(tmp_path / "weights")
        found.append(train_sweep(**{**told_sweep, "weights": tmp_path / "weights"})["runs"])
    assert len(steps) == 2 * WHOLE
    assert found[0][0]["branches"]["early"]["before"] != found[1][0]["branches"]["early"]["before"]


def test_another_mixture_under_the_same_name_trains_its_trunk_and_the_branches_on_it_again(told_sweep, tmp_path, steps):
    first = train_sweep(**told_sweep)["runs"]
    schedule = [{"until": 1.0, "weights": {"alpha": 1, "gamma": 1}}]
    write_json(tmp_path / "sweep_01.json", {"experiment": "laws", "name": "sweep_01", "schedule": schedule})
    second = train_sweep(**told_sweep)["runs"]
    branch_points = 6 + 4  # of the trunks that branches on it leave from
    assert len(steps) - WHOLE == 12 + branch_points + (2 + 6) + 2
    assert [a["identity"] == b["identity"] for a, b in zip(first, second, strict=True)] == [True, False, True]
    for name in ("early", "rest"):
        (kept, changed, *_), (old, before, *_) = (runs[0]["branches"][name]["ends"] for runs in (second, first))
        assert kept == old
        assert changed["validation"] != before["validation"] and changed["weights"]["alpha"] == 0.5
