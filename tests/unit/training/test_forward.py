import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from training_cases import SPEC

from emulsion.models import build_model
from emulsion.spec import RunSpec
from emulsion.training import forward
from emulsion.training.forward import SequenceLosses, aligned_head_losses, head_losses, worth_compiling

MODELS = {name: {**SPEC["model"], "architecture": name} for name in ("gpt2", "gpt_neox", "llama")}


@pytest.fixture(params=MODELS)
def model(request):
    torch.manual_seed(0)
    return build_model(MODELS[request.param], 301, 0).eval()


def test_losses_are_those_of_the_model_s_own_logits(model):
    tokens = torch.randint(0, 301, (3, 25))
    logits = model(input_ids=tokens[:, :-1]).logits
    expected = cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none").mean(dim=1)
    assert torch.allclose(SequenceLosses(model)(tokens), expected, atol=1e-6)


def test_padding_the_head_changes_neither_losses_nor_gradients(model):
    hidden, targets = torch.randn(2, 24, 16, requires_grad=True), torch.randint(0, 301, (2, 24))
    head = model.get_output_embeddings().weight
    found = []
    for losses in (head_losses, aligned_head_losses):
        each = losses(hidden, head, targets)
        found.append([each, *torch.autograd.grad(each.sum(), (hidden, head))])
    for plain, padded in zip(*found, strict=True):
        assert plain.shape == padded.shape and torch.allclose(plain, padded, atol=1e-5)


def test_evaluation_is_the_same_by_either_way_and_leaves_the_mode_alone(model):
    tokens = np.random.default_rng(0).integers(0, 301, (5, 25))
    plain, other = SequenceLosses(model), SequenceLosses(model)
    other.losses = aligned_head_losses
    model.train()
    assert np.allclose(plain.evaluate(tokens, 2), other.evaluate(tokens, 2), atol=1e-6)
    assert model.training


def test_every_block_is_compiled_in_place_so_that_names_of_weights_stay(model, monkeypatch):
    seen = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **options: seen.append((self, options)))
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    names = list(model.state_dict())
    SequenceLosses(model).compile_parts()
    assert len(seen) == SPEC["model"]["layers"] and list(model.state_dict()) == names
    assert all(options == {"dynamic": False, "options": {"deterministic": True}} for _, options in seen)


def test_only_long_runs_on_a_gpu_are_worth_compiling(model, monkeypatch):
    spec = RunSpec.from_json(SPEC)
    monkeypatch.setattr(forward, "WORTH_COMPILING", 0)
    assert not worth_compiling(spec, model, torch.device("cpu"))
    gpu = torch.device("cuda")
    monkeypatch.setattr("torch.utils._triton.has_triton", lambda: True)
    monkeypatch.setattr(forward.shutil, "which", lambda name: "/usr/bin/gcc" if name == "gcc" else None)
    assert worth_compiling(spec, model, gpu)
    monkeypatch.setattr(forward.shutil, "which", lambda name: None)
    assert not worth_compiling(spec, model, gpu)
    monkeypatch.setattr(forward.shutil, "which", lambda name: "/usr/bin/gcc")
    monkeypatch.setattr(forward, "WORTH_COMPILING", 1e16)
    assert not worth_compiling(spec, model, gpu)
