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


def test_every_source_has_its_origin_and_its_licence_and_the_licences_stand_together():
    sources = {
        "hub": {"kind": "hub", "id": "team/web", "revision": "abc", "licence": "odc-by"},
        "made": {"kind": "synthetic", "like": "magpie", "licence": "cc0-1.0"},
        "web": {"kind": "web", "addresses": ["https://a.org/x", "https://b.org/y"], "licence": "odc-by"},
        "mine": {"kind": "local"},
    }
    each = ("mixing_ratios", "realised_shares", "tokens_per_source", "epochs_per_source", "validation")
    card = model_card({**RECORD, "sources": sources, **{key: dict.fromkeys(sources, 1) for key in each}})
    rows = [line.split(" | ") for line in card.splitlines() if line.startswith("| ")][1:]
    assert [(row[0], *row[-2:]) for row in rows] == [
        ("| hub", "hub: team/web at `abc`", "odc-by |"),
        ("| made", "synthetic: magpie", "cc0-1.0 |"),
        ("| web", "web: https://a.org/x, https://b.org/y", "odc-by |"),
        ("| mine", "local: local files", "unstated |"),
    ]
    assert "Licences of the data: cc0-1.0, odc-by, unstated." in card


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (None, "from random weights."),
        ({"id": "team/model", "revision": "abc"}, "from the weights of `team/model` at `abc`."),
        ({"folder": "models/own"}, "from the weights of `models/own`."),
    ],
)
def test_a_card_says_what_weights_a_run_started_from(weights, said):
    assert f"It started {said}" in model_card({**RECORD, "initial_weights": weights})


def test_stages_are_told_with_their_ends_and_weights():
    stages = [{"until": 0.9, "weights": {"alpha": 1.0}}, {"until": 1.0, "weights": {"alpha": 0.25, "beta": 0.75}}]
    said = "changes over the run: until 90 %: alpha 1.000; until 100 %: alpha 0.250, beta 0.750."
    assert said in model_card({**RECORD, "schedule": stages})
    assert "The mixture is constant over the run." in model_card(RECORD)


def test_a_licence_of_any_text_stays_in_its_cell():
    sources = {"web": {"kind": "local", "licence": "MIT | Apache-2.0\n\n# no heading\n"}}
    each = ("mixing_ratios", "realised_shares", "tokens_per_source", "epochs_per_source", "validation")
    card = model_card({**RECORD, "sources": sources, **{key: dict.fromkeys(sources, 1) for key in each}})
    assert "| local: local files | MIT \\| Apache-2.0 # no heading |" in card
    assert "Licences of the data: MIT | Apache-2.0 # no heading.\n" in card
