import re
from html import unescape
from pathlib import Path

import pytest

from decision_cases import HOSTILE, conclusions, evidence
from emulsion.report.decision_page import caveats, decision_page, verdict
from emulsion.report.page_sections import amount, duration

TEMPLATE = (Path(__file__).parents[3] / "report/decision.html.jinja").read_text()


def page(**kinds):
    return decision_page(TEMPLATE, conclusions(**kinds), evidence())


def text_of(html):
    """What a reader sees: the text of the page, and of its title."""
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("judged_by", ["capabilities", "losses"])
def test_the_page_has_question_decision_mixture_cost_predictions_caveats_and_links(judged_by):
    html = page(judged_by=judged_by)
    text = text_of(html)
    for words in (
        "Which mixture?",
        "No clear winner between optimal and even.",
        "2 mixtures cannot be told apart",
        "70.0 %",
        "9 trainings on 8.1 million tokens, in 1.6 h on one device (cpu-core)",
        "with each of 3 seeds",
        "0.700 (0.600 to 0.800) 0.730 2 of 2 no",
        "The recommended mixture reads web 5.2 times",
        "137,984 parameters",
        "web helps.",
        "even = uniform",
    ):
        assert words in text, words
    assert 'href="recommendations.md"' in html and 'href="../../figures/exp9_a%23b.png"' in html


def test_bars_are_as_long_as_shares_and_only_a_schedule_is_said_to_have_stages():
    html = page()
    assert re.findall(r'class="bar"><i style="width:([\d.]+)%', html) == ["80.0", "34.29"]
    assert "the block has its stages" not in html
    made = evidence()
    made.run["schedule"].append({"until": 1.0, "weights": {"web": 1.0}})
    assert "the block has its stages" in decision_page(TEMPLATE, conclusions(), made)


def test_an_experiment_judged_by_losses_speaks_of_no_score():
    text = text_of(page(judged_by="losses"))
    assert "Test loss of each mixture" in text and "perplexity" in text and "-0.100 (-0.200 to -0.050) -9.0 %" in text
    assert "mean score" not in text and "Score of each mixture" not in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_texts_of_the_configuration_are_shown_and_never_run(hostile):
    html = decision_page(TEMPLATE, conclusions(title=hostile, note=hostile), evidence(hostile))
    plain = page()
    tags = {name: len(re.findall(rf"<{name}\b", html)) for name in ("script", "img", "b", "a")}
    assert tags == {name: len(re.findall(rf"<{name}\b", plain)) for name in tags}
    assert text_of(html).count(" ".join(hostile.split())) >= 7


def test_a_page_asks_the_network_for_nothing_and_has_no_script():
    html = page()
    assert "default-src 'none'" in html and "<script" not in html
    assert re.findall(r'(?:src|href)="(?!data:)([^"]*)"', html) == [
        "recommendations.md",
        "../../figures/exp9_a%23b.png",
    ]


def test_the_same_conclusions_make_the_same_page():
    assert page() == page()


def test_a_winner_a_set_and_no_claim_have_their_verdicts():
    found = conclusions()
    assert verdict(found) == "No single winner: 2 mixtures cannot be told apart"
    found["recommended"].update(clear_winner=True, set=["optimal"])
    found["decision"]["winner"] = "optimal"
    assert verdict(found) == "A clear winner: optimal"
    found["recommended"].update(clear_winner=False, set=[])
    assert verdict(found) == "No claim about mixtures"
    found["overall"]["comparisons"] = {}
    assert verdict(found) == "One mixture, nothing to compare it with"


def test_caveats_name_deleted_measurements_and_what_the_caller_knows():
    told = evidence("web: 5 of 90 rows are no documents.")
    told.budget["spent"]["total"]["unmeasured_jobs"] = 2
    said = " ".join(caveats(conclusions(note="The models differ."), told))
    for words in ("The models differ.", "leave out 2 jobs", "5 of 90 rows"):
        assert words in said
    told.budget["spent"]["total"]["unmeasured_jobs"] = 1
    assert "leave out 1 job, whose" in " ".join(caveats(conclusions(), told))


@pytest.mark.parametrize(
    ("number", "text"), [(999_999, "999,999"), (1.25e6, "1.25 million"), (3e9, "3 billion"), (2e12, "2 trillion")]
)
def test_amounts_are_as_people_read_them(number, text):
    assert amount(number) == text


@pytest.mark.parametrize(("hours", "text"), [(1234.5, "1,234.5 h"), (0.5, "30 min"), (0.01, "36 s")])
def test_durations_have_the_unit_that_fits(hours, text):
    assert duration(hours) == text
