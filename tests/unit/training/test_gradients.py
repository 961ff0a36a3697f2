"""Products of gradients: against brute force, small steps, and what they take."""

import weakref

import numpy as np
import pytest
import torch
from rounds_cases import SOURCES, Ascent, begun, weights
from training_cases import SPEC

from emulsion.data.tokens import TokenStore
from emulsion.files import read_json
from emulsion.laws.law import TOTAL
from emulsion.methods import create
from emulsion.training import gradients
from emulsion.training.gradients import _add_gradient, chosen_parameters, gradient_alignments


def by_brute_force(training, split, drawn, parameters):
    """{source: the gradient of its mean loss, flat}, all held at once."""
    found = {}
    for source, store in training.stores.items():
        tokens = torch.as_tensor(store.read(split, np.array(drawn[source, split]), 24)).long()
        training.model.zero_grad()
        training.losses(tokens).mean().backward()
        found[source] = torch.cat([parameter.grad.flatten() for parameter in parameters]).double()
    training.model.zero_grad()
    return found


@pytest.mark.parametrize("parameters", ["all", "last_block"])
def test_streamed_gradient_products_are_those_of_brute_force(inputs, tmp_path, monkeypatch, parameters):
    training = begun(inputs, tmp_path / "checkpoints", 4, model={**SPEC["model"], "layers": 2})
    training.model.eval()
    drawn, original = {}, TokenStore.read

    def read(store, split, rows, context):
        drawn.setdefault((store.source, split), []).extend(np.asarray(rows).tolist())
        return original(store, split, rows, context)

    with monkeypatch.context() as patched:
        patched.setattr(TokenStore, "read", read)
        found = gradient_alignments(training, parameters)
    assert all(parameter.grad is None for parameter in training.model.parameters())
    chosen = chosen_parameters(training.model, parameters)
    held_out = by_brute_force(training, "validation", drawn, chosen)
    trained = by_brute_force(training, "train", drawn, chosen)
    for source in SOURCES:
        product = sum(float(trained[source] @ gradient) for gradient in held_out.values())
        assert found.products[source] == pytest.approx(product, rel=1e-4)
        assert found.norms[source] == pytest.approx(float(trained[source].norm()), rel=1e-4)


def test_gradients_are_of_other_training_sequences_for_each_source_and_step_and_without_dropout(
    inputs, tmp_path, monkeypatch
):
    training = begun(inputs, tmp_path / "checkpoints", 4, model={**SPEC["model"], "dropout": 0.5})
    training.model.train()
    first = gradient_alignments(training)
    assert gradient_alignments(training) == first and training.model.training
    drawn, original = {}, TokenStore.read

    def read(store, split, rows, context):
        drawn.setdefault((split, store.source, training.step), []).extend(np.asarray(rows).tolist())
        return original(store, split, rows, context)

    for step in (4, 5):
        training.run(step)
        with monkeypatch.context() as patched:
            patched.setattr(TokenStore, "read", read)
            gradient_alignments(training)
    trained = [tuple(rows) for (split, _, _), rows in drawn.items() if split == "train"]
    assert len(set(trained)) == len(SOURCES) * 2
    assert all(len(set(rows)) == SPEC["validation_sequences"] for rows in trained)
    held_out = max(store.count("validation", 24) for store in training.stores.values())
    assert max(map(max, trained)) > held_out  # of the whole train split


def test_a_gradient_product_says_how_far_a_small_step_on_a_source_lowers_all_losses(inputs, tmp_path):
    training = begun(inputs, tmp_path / "checkpoints", 4, validation_sequences=64)
    found, before, rate = gradient_alignments(training, validation_share=1.0), training.validate(), 1e-3
    store = training.stores["alpha"]
    rows = np.arange(store.count("train", 24))
    chosen = chosen_parameters(training.model, "all")
    step = [torch.zeros_like(parameter) for parameter in chosen]
    _add_gradient(step, training, store, "train", rows, chosen)
    with torch.no_grad():
        for parameter, gradient in zip(training.model.parameters(), step, strict=True):
            parameter -= rate * gradient
    after = training.validate()
    fall = sum(before[source] - after[source] for source in SOURCES) / rate
    assert fall == pytest.approx(found.products["alpha"], rel=0.25, abs=0.05)


@pytest.mark.parametrize("sources", [SOURCES, SOURCES[:2]], ids=["three", "two"])
def test_gradients_take_the_memory_of_two_whatever_the_number_of_sources(inputs, tmp_path, monkeypatch, sources):
    training = begun(inputs, tmp_path / "checkpoints", 1)
    training.stores = {source: training.stores[source] for source in sources}
    made, alive, most = gradients._zeros, weakref.WeakSet(), []

    def zeros(parameters):
        tensors = made(parameters)
        alive.update(tensors)
        most.append(len(alive) / len(parameters))
        return tensors

    monkeypatch.setattr(gradients, "_zeros", zeros)
    gradient_alignments(training)
    assert len(most) == 1 + len(sources) and max(most) <= 3


def test_gradients_of_a_source_are_products_with_those_of_all_and_leave_the_training_alone(train, tmp_path):
    flat = Ascent("gradients", rate=0.0)
    train("observed", flat)
    train("plain", Ascent("losses", rate=0.0))
    assert weights(tmp_path / "observed") == weights(tmp_path / "plain")
    for seen in flat.seen:
        assert set(seen.gradients) == {TOTAL} and set(seen.gradients[TOTAL]) == set(seen.norms) == set(SOURCES)
        assert all(norm > 0 for norm in seen.norms.values())
    # Two of four validation sequences of every source, and four of its train split, before three updates.
    cost = read_json(tmp_path / "observed" / "run.json")["method"]
    assert cost["evaluation_tokens"] == 3 * 3 * (2 + 4) * 24


@pytest.mark.parametrize(("share", "held_out"), [(0.25, 1), (0.5, 2), (1.0, 4)])
def test_the_share_of_held_out_sequences_is_charged(train, tmp_path, share, held_out):
    doge = create("doge", sources=SOURCES, rounds=3, validation_share=share, parameters="last_block")
    cost = train("run", doge, {"kind": "doge"})["method"]
    assert cost["evaluation_tokens"] == 2 * 3 * (held_out + 4) * 24
