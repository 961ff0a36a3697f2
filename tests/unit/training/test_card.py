"""What a model card says of how a model was trained is what its run did."""

import pytest

from emulsion.training.card import model_card

RECORD = {
    "experiment": "exp9",
    "mixture": "mixed",
    "identity": "0123",
    "tokenizer": "4567",
    "spec": {"model": {"architecture": "gpt2"}, "batch_tokens": 200, "learning_rate": 0.01, "seed": 0},
    "parameters": 3056,
    "steps": 12,
    "tokens": 12 * 192,
    "mixing_ratios": {"alpha": 1.0},
    "realised_shares": {"alpha": 1.0},
    "tokens_per_source": {"alpha": 2304},
    "epochs_per_source": {"alpha": 0.5},
    "validation": {"alpha": 4.0},
    "sources": {"alpha": {}},
    "schedule": [{"until": 1.0, "weights": {"alpha": 1.0}}],
    "precision": "no",
    "devices": 1,
    "device": "x86_64",
    "initial_weights": None,
}


def test_the_tokens_of_a_step_are_those_of_its_whole_sequences():
    assert "12 steps of 192 tokens," in model_card(RECORD)


@pytest.mark.parametrize(("recorded", "said"), [("no", "fp32"), ("bf16", "bf16")])
def test_a_precision_has_its_name(recorded, said):
    assert f"precision {said}, on" in model_card({**RECORD, "precision": recorded})


@pytest.mark.parametrize(
    ("values", "said"), [({}, "ratios are means over the run."), ({"act_on": "loss"}, "ratios are what was drawn.")]
)
def test_ratios_are_those_that_were_decided_unless_losses_were_weighed(values, said):
    assert said in model_card({**RECORD, "method": {"rounds": 4, "values": values}})
