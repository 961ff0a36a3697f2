"""Leave-one-out contributions: the planted truth comes out, with the right signs."""

from __future__ import annotations

import json

import pytest

from analysis_cases import CAPABILITIES, EQUAL, SOURCES, TEACHES, losses, trained, without
from emulsion.analysis.ablations import contributions, judge, top_contribution
from emulsion.analysis.compare import holm
from emulsion.analysis.loss_scores import NOTE
from emulsion.errors import UserError


def _found(seeds: int = 2) -> dict:
    runs = range(seeds)
    return contributions(
        "equal_mix",
        {seed: trained(EQUAL, seed) for seed in runs},
        {source: {seed: trained(without(source), seed) for seed in runs} for source in SOURCES},
        {seed: losses(EQUAL, seed) for seed in runs},
        {source: {seed: losses(without(source), seed) for seed in runs} for source in SOURCES},
    )


@pytest.mark.parametrize("seeds", [3, 4])
def test_each_source_mainly_contributes_what_it_was_made_to_teach(seeds: int) -> None:
    found = _found(seeds)
    assert {source: top["capability"] for source, top in found["top"].items()} == {
        source: CAPABILITIES[taught] for source, taught in TEACHES.items()
    }
    assert all(top["verdict"] == "contributes" and top["difference"] > 0 for top in found["top"].values())
    assert found["seeds"] == list(range(seeds)) and found["seed_noise_included"]


def test_a_source_helps_its_own_loss_with_a_positive_sign() -> None:
    found = _found()
    assert found["loss_note"] == NOTE
    for source in SOURCES:
        own = found["losses"][source][source]
        assert own["verdict"] == "contributes" and own["interval"][0] > 0
        assert own["difference"] == pytest.approx(0.8 * (1 - 0.3679), abs=0.1)


def test_losses_over_several_seeds_are_judged_against_the_spread_between_them() -> None:
    found = _found(3)["losses"]
    assert all(found[source][source]["verdict"] == "contributes" for source in SOURCES)
    assert sum(cell["verdict"] == "contributes" for row in found.values() for cell in row.values()) == len(SOURCES)


def test_a_mixture_against_itself_contributes_nothing() -> None:
    base, text = {0: trained(EQUAL, 0)}, {0: losses(EQUAL, 0)}
    found = contributions("base", base, {"x": base}, text, {"x": text})
    cells = [*found["capabilities"]["x"].values(), *found["losses"]["x"].values(), found["mean"]["x"]]
    assert {cell["verdict"] for cell in cells} == {"no significant effect"}
    assert {cell["p_holm"] for cell in cells} == {1.0}


def test_what_diverged_is_named() -> None:
    base = {0: losses(EQUAL, 0)}
    found = contributions("base", {}, {}, base, {"x": base}, diverged=["without_x"])
    assert " without_x: a run diverged" in found["note"]
    assert "diverged" not in contributions("base", {}, {}, base, {"x": base})["note"]


def test_one_training_each_gives_differences_and_no_verdicts() -> None:
    found = _found(seeds=1)
    cells = [cell for row in found["capabilities"].values() for cell in row.values()]
    assert {cell["verdict"] for cell in cells} == {"no significant effect"} and not found["seed_noise_included"]
    assert found["top"]["magpie"]["capability"] == "conversation"


def test_without_capabilities_the_losses_alone_are_judged() -> None:
    base = {seed: losses(EQUAL, seed) for seed in range(3)}
    ablated = {source: {seed: losses(without(source), seed) for seed in range(3)} for source in SOURCES}
    found = contributions("base", {}, {}, base, ablated, weights={"magpie": 3.0, "fineweb": 1.0})
    assert found["capabilities"] == found["mean"] == {} and found["losses"] == _found(3)["losses"]
    cells = found["losses"]["magpie"]
    assert found["mean_loss"]["magpie"]["difference"] == pytest.approx(
        0.75 * cells["magpie"]["difference"] + 0.25 * cells["fineweb"]["difference"]
    )
    assert found["mean_loss"]["magpie"]["verdict"] == "contributes"
    assert found["top"]["magpie"]["capability"] == "magpie" and "choice of test text" in found["note"]


def test_a_source_that_hurts_is_called_so() -> None:
    low, high = ({s: trained(mix, s) for s in range(3)} for mix in (without("magpie"), {"magpie": 1.0}))
    found = contributions("base", low, {"harmful": high})
    assert found["capabilities"]["harmful"]["conversation"]["verdict"] == "hurts"
    assert found["losses"] == {} and found["loss_note"] == ""


def test_holm_covers_the_whole_table() -> None:
    cell = {"difference": 0.1, "interval": [0.01, 0.2], "p": 0.03}
    judged = judge({"a": {"x": cell, "y": {**cell, "p": 0.001}}, "b": {"x": {**cell, "p": 0.9}}})
    assert judged["a"]["x"]["p_holm"] == pytest.approx(0.06) and judged["a"]["x"]["verdict"] == "no significant effect"
    assert judged["a"]["y"]["verdict"] == "contributes"
    cells = [cell for row in _found()["capabilities"].values() for cell in row.values()]
    assert [cell["p_holm"] for cell in cells] == holm([cell["p"] for cell in cells]).tolist()


def test_the_result_is_json_keyed_by_name() -> None:
    found = json.loads(json.dumps(_found(), allow_nan=False))
    assert set(found["capabilities"]) == set(found["losses"]) == set(found["top"]) == set(found["mean"]) == set(SOURCES)


def test_no_ablation_is_an_error() -> None:
    with pytest.raises(UserError, match="no mixture without a source"):
        contributions("base", {0: trained(EQUAL, 0)}, {})


def test_what_is_named_first_is_significant_if_anything_is() -> None:
    interval = {"interval": [0.0, 1.0]}
    larger = {"difference": 0.3, "verdict": "no significant effect", **interval}
    surer = {"difference": 0.2, "verdict": "contributes", **interval}
    assert top_contribution({"a": larger, "b": surer})["capability"] == "b"
    assert top_contribution({"a": larger, "b": {**larger, "difference": 0.1}})["capability"] == "a"
