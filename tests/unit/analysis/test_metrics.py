import copy

import pytest

from emulsion.analysis.metrics import criteria, perplexities, reproducibility, run_metrics, stability, verdict
from emulsion.report.metrics_page import generations_text, metrics_markdown

LIMITS = {"perplexity": 20, "coherent": 0.9, "spread": 0.05}
RECORD = {
    "mixture": "500M",
    "spec": {"seed": 0},
    "parameters": 1000,
    "tokens": 5000,
    "seconds": 1.0,
    "peak_memory_bytes": 7,
    "device": "cpu",
    "smoke_check": None,
    "mixing_ratios": {"chats": 1.0},
}
LOSS = {"loss": 2.0, "perplexity": 7.389, "perplexity_interval": [7.0, 8.0], "bits_per_byte": 0.9}
LOG = [{"step": step, "loss": 2.0 - step / 20, "gradient_norm": 1.0} for step in range(1, 6)]
CAPABILITIES = {"capabilities": {"reasoning": {"score": 0.5, "interval": [0.4, 0.6], "items": 12, "chance": 0.25}}}


def generation(text, passed=True, number=0):
    names = {"suite": "s", "id": f"item-{number}", "capability": "writing", "prompt": "Write.", "sample": 0}
    return {**names, "text": text, "passed": passed}


GOOD = [
    generation(f"Number {number} is a fine number to write about.", number % 2 == 0, number) for number in range(40)
]


def metrics(generations=GOOD, **changes):
    record = {**RECORD, **changes}
    return run_metrics(record, {"sources": {"chats": LOSS}}, CAPABILITIES, generations, LOG, LIMITS)


@pytest.mark.parametrize(("interval", "found"), [([21, 25], "not met"), ([15, 19.9], "met"), ([18, 23], "undecided")])
def test_a_perplexity_keeps_its_limit_where_its_whole_interval_does(interval, found):
    told = perplexities({"chats": {**LOSS, "perplexity_interval": interval}}, {"chats": 1.0}, 20)
    assert told["sources"]["chats"]["verdict"] == found


def test_the_perplexity_of_a_mixture_weighs_losses_and_not_perplexities():
    told = perplexities({"a": {**LOSS, "loss": 1.0}, "b": {**LOSS, "loss": 3.0}}, {"a": 0.5, "b": 0.5}, 20)
    assert told["mixed"] == pytest.approx(7.389, abs=1e-3)


def test_a_spike_or_a_gradient_that_is_not_finite_is_no_stable_training():
    assert stability(LOG)["verdict"] == "met"
    spiked, broken = copy.deepcopy(LOG), copy.deepcopy(LOG)
    spiked += [{"step": step, "loss": loss, "gradient_norm": 1.0} for step, loss in ((6, 1.7), (7, 4.0), (8, 1.6))]
    broken[2]["gradient_norm"] = None
    assert (stability(spiked)["verdict"], stability(spiked)["spikes_at_steps"]) == ("not met", [7])
    assert (stability(broken)["verdict"], stability(broken)["not_finite_at_steps"]) == ("not met", [3])


def test_generations_are_judged_by_the_interval_of_the_coherent_share():
    assert metrics()["generations"]["verdict"] == "met"
    assert metrics()["generations"]["passed"] == 0.5
    assert metrics([generation("", number=n) for n in range(5)])["generations"]["verdict"] == "not met"
    assert metrics([*GOOD[:3], generation("", number=9)])["generations"]["verdict"] == "undecided"


def test_six_coherent_texts_are_too_few_to_be_sure_of_nine_in_ten():
    found = metrics(GOOD[:6])["generations"]
    assert (found["coherent"]["share"], found["verdict"]) == (1.0, "undecided")
    assert found["coherent"]["interval"] == [pytest.approx(0.61, abs=0.01), 1.0]
    repeated = metrics([generation("It is a fine day to be out.", number=n % 6) for n in range(60)])["generations"]
    assert (repeated["coherent"]["prompts"], repeated["verdict"]) == (6, "undecided")


def test_texts_to_nobody_are_undecided_and_limits_count_as_kept():
    assert metrics([])["generations"] == {"texts": 0, "verdict": "undecided"}
    assert verdict([0.9, 1.0], 0.9) == "met"


def test_the_spread_over_seeds_needs_two_of_them():
    one = metrics()
    assert reproducibility({"500M": one}, 0.05)["500M"]["verdict"] == "undecided"
    other = metrics(spec={"seed": 1})
    assert reproducibility({"500M": one, "500M-seed1": other}, 0.05)["500M"]["verdict"] == "met"
    other["perplexity"]["mixed"] *= 1.2
    told = reproducibility({"500M": one, "500M-seed1": other}, 0.05)["500M"]
    assert told["verdict"] == "not met"
    assert told["spread"] == pytest.approx(0.2 / 2**0.5 / 1.1)


@pytest.mark.parametrize("published", [None, "resources/published/small_models.yaml"])
def test_everything_is_told_in_words(published):
    from emulsion.analysis.published import load_published

    runs = {"500M": metrics(), "500M-seed1": metrics([], spec={"seed": 1})}
    over_seeds = reproducibility(runs, 0.05)
    rows = criteria(runs, over_seeds, LIMITS)
    assert len(rows) == 2 * 3 + 1
    found = {"title": "Q?", "criteria": rows, "runs": runs, "definitions": {"coherent": "has words"}}
    text = metrics_markdown({**found, "published": published and load_published(published)})
    assert "500M: perplexity at most 20 on chats | **met** | 7.39 (95 % interval 7.00 to 8.00)" in text
    assert "no suite asks for texts" in text and "\n- **coherent**: has words.\n" in text
    assert "| 500M-seed1 | 1,000 | 5,000 | 7.39 | – | – | – | – | – |" in text
    assert ("GPT-2 345M" in text) == ("Radford" in text) == ("no like-for-like" in text) == bool(published)


def test_published_tasks_are_shown_with_their_chance_where_they_were_asked():
    runs = {"500M": run_metrics(RECORD, {"sources": {"chats": LOSS}}, CAPABILITIES, [], LOG, LIMITS)}
    found = {"title": "Q?", "criteria": [], "runs": runs, "definitions": {}, "published": None}
    assert "Published tasks" not in metrics_markdown(found)
    runs["500M"]["tasks"] = {
        "piqa": {"acc": {"score": 0.6, "interval": [0.5, 0.7]}, "chance": 0.5},
        "lambada_openai": {"acc": {"score": 0.1, "interval": [0.0, 0.2]}, "chance": None},
    }
    text = metrics_markdown(found)
    assert "| 500M | 0.600 [0.500, 0.700] | 0.100 [0.000, 0.200] |" in text
    assert "| chance | 0.50 | – |" in text


def test_every_generation_is_written_with_its_prompt_and_verdict():
    text = generations_text({"500M": [generation("One."), generation("Two.", passed=False, number=1)]})
    assert "500M: 2 generations" in text
    assert "s / item-1 (writing), sample 0, not passed\nWrite.\n>>>\nTwo." in text
