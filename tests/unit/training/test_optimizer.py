import copy
import itertools
import math

import pytest
import torch
from rounds_cases import begun
from training_cases import SPEC

from emulsion.data.batches import read_batch
from emulsion.models import build_model
from emulsion.spec import RunSpec
from emulsion.training.adamw import build_optimizer, learning_rate, parameter_groups


def test_norms_and_biases_do_not_decay_and_every_parameter_is_optimised_once():
    model = build_model(SPEC["model"], 300, 0)
    decayed, rest = parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.1, 0.0)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert all("ln_" in names[id(p)] or names[id(p)].endswith("bias") for p in rest["params"])
    assert all(names[id(p)].endswith("weight") and "ln_" not in names[id(p)] for p in decayed["params"])
    grouped = [id(parameter) for group in (decayed, rest) for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
    assert isinstance(decayed["params"][0], torch.nn.Parameter)


@pytest.mark.parametrize("betas", [[0, 0.99], [0.9, 0], [0, 0]])
def test_a_moment_that_keeps_nothing_may_be_a_whole_zero(betas):
    optimizer = build_optimizer(build_model(SPEC["model"], 300, 0), RunSpec.from_json({**SPEC, "betas": betas}))
    assert optimizer.defaults["betas"] == tuple(betas)


def test_the_learning_rate_warms_up_linearly_then_falls_as_a_cosine_to_its_end():
    spec = RunSpec.from_json({**SPEC, "tokens": 100 * 192, "warmup": 0.1})
    rates = [learning_rate(step, spec) for step in range(101)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[9:11] == pytest.approx([1e-2, 1e-2])
    assert rates[55] == pytest.approx((1e-2 + 1e-3) / 2)
    assert rates[100] == pytest.approx(1e-3)
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize("steps", [33, 38])
def test_a_warm_up_of_no_whole_number_of_steps_ends_at_the_peak_and_never_above(steps):
    spec = RunSpec.from_json({**SPEC, "tokens": steps * 192, "warmup": 0.1})
    rates = [learning_rate(step, spec) for step in range(steps)]
    warmup_steps = 3 if steps == 33 else 4
    assert [rates[warmup_steps - 1], max(rates)] == pytest.approx([spec.learning_rate] * 2)


def test_a_run_without_warm_up_starts_at_the_peak():
    spec = RunSpec.from_json({**SPEC, "warmup": 0.0})
    assert learning_rate(0, spec) == pytest.approx(spec.learning_rate)


def test_a_linear_decay_falls_by_the_same_amount_at_every_step():
    spec = RunSpec.from_json({**SPEC, "tokens": 100 * 192, "warmup": 0.1, "decay": "linear"})
    rates = [learning_rate(step, spec) for step in range(101)]
    assert rates[9:11] == pytest.approx([1e-2, 1e-2])
    assert rates[100] == pytest.approx(1e-3)
    falls = [before - after for before, after in itertools.pairwise(rates[10:])]
    assert falls == pytest.approx([9e-3 / 90] * 90)


def test_a_training_takes_the_steps_of_adamw_on_clipped_gradients_at_the_rates_of_its_spec(inputs, tmp_path):
    # At this epsilon the size of a gradient, and so its clipping, decides the size of a step.
    settings = {"clip": 0.5, "betas": [0.8, 0.7], "epsilon": 0.1, "weight_decay": 0.4, "learning_rate": 0.3}
    training = begun(inputs, tmp_path / "checkpoints", 0, **settings)
    model = copy.deepcopy(training.model)
    training.run(5)
    moments = [(torch.zeros_like(parameter), torch.zeros_like(parameter)) for parameter in model.parameters()]
    for step in range(5):
        tokens = torch.from_numpy(read_batch(training.plan, training.stores, 24, 8 * step, 8 * step + 8)).long()
        logits = model(input_ids=tokens[:, :-1]).logits
        model.zero_grad()
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).backward()
        norm = math.hypot(*(float(parameter.grad.norm()) for parameter in model.parameters()))
        assert norm == pytest.approx(training.log.rows[step]["gradient_norm"], rel=1e-4) and norm > 0.5
        rate = learning_rate(step, training.spec)
        with torch.no_grad():
            for parameter, (mean, square) in zip(model.parameters(), moments, strict=True):
                gradient = parameter.grad * 0.5 / norm
                mean.mul_(0.8).add_(0.2 * gradient)
                square.mul_(0.7).add_(0.3 * gradient**2)
                parameter *= 1 - rate * (0.4 if parameter.dim() > 1 else 0)
                spread = (square / (1 - 0.7 ** (step + 1))).sqrt() + 0.1
                parameter -= rate * mean / (1 - 0.8 ** (step + 1)) / spread
    for expected, trained in zip(model.parameters(), training.model.parameters(), strict=True):
        assert torch.allclose(trained, expected, atol=1e-4)
