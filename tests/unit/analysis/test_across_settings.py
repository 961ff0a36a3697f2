"""Leaderboards side by side: means over settings with honest intervals, corrected verdicts, blanks for absence."""

import numpy as np
import pytest
import scipy

from emulsion.analysis.across_settings import across_settings
from emulsion.report.settings_board import markdown


def row(name, differences, share=0.4, names=None):
    """A row of methods.json with these differences of the mean loss by seed; stratified where there are none."""
    cell = {"difference": None, "interval": None}
    if differences is not None:
        mean, error = np.mean(differences), np.std(differences, ddof=1) / np.sqrt(len(differences))
        half = error * scipy.stats.t.ppf(0.975, len(differences) - 1)
        cell = {"difference": mean, "interval": [mean - half, mean + half]}
    return {
        "method": " = ".join(names or [name]),
        "names": names or [name],
        "seeds": 4,
        "mean_test_perplexity": 9.5,
        "difference_to_stratified": cell["difference"],
        "interval": cell["interval"],
        "verdict": "no significant difference" if differences is not None else "",
        "loss_to_stratified": cell,
        "by_source": {"web": {"share": share}, "code": {"share": 1 - share}},
        "costs": {each: {"extra_in_runs": 0.5} for each in names or [name]},
    }


def board(*rows):
    stratified = row("stratified", None, 0.5)
    return {"sources": ["web", "code"], "tokens": 1000, "stratified": "stratified", "methods": [stratified, *rows]}


def noisy(mean, seed, sd=0.02):
    return mean + np.random.default_rng(seed).normal(0, sd, 4)


BOARDS = {
    "one": board(row("good", noisy(-0.1, 1)), row("same", noisy(0, 2)), row("alone", noisy(-0.5, 3))),
    "two": board(row("good", noisy(-0.1, 4)), row("same", noisy(0, 5, sd=0.1))),
    "three": board(row("good", noisy(-0.1, 6), names=["good", "twin"]), row("same", noisy(0, 7))),
}
FOUND = across_settings("Which?", {"Web": "one", "Code": "two", "Both": "three"}, BOARDS, {})
BY_NAME = {row["method"]: row for row in FOUND["methods"]}


def test_methods_of_all_settings_come_first_best_on_average_and_stratified_is_the_measure():
    assert [row["method"] for row in FOUND["methods"]] == ["good", "same", "alone", "twin"]
    assert [row["mean"]["settings"] for row in FOUND["methods"]] == [3, 3, 1, 1]
    assert [each["stratified"] for each in FOUND["settings"]] == [9.5] * 3


def test_the_mean_over_settings_is_better_where_each_shows_it_and_not_where_none_does():
    assert BY_NAME["good"]["mean"]["difference"] == pytest.approx(-0.1, abs=0.02)
    assert BY_NAME["good"]["verdict"] == "better" and BY_NAME["same"]["verdict"] == "no significant difference"


def test_methods_that_are_named_by_their_setting_share_a_row_without_that():
    first, second = noisy(-0.1, 1), noisy(-0.1, 4)
    boards = {"one": board(row("a_good", first)), "two": board(row("good", second))}
    found = across_settings("Which?", {"Web": "one", "Code": "two"}, boards, {"one": "a_"})["methods"]
    assert [(each["method"], each["mean"]["settings"]) for each in found] == [("good", 2)]


def test_mixtures_that_are_one_share_a_row():
    assert BY_NAME["twin"]["by_setting"] == {"Both": BY_NAME["good"]["by_setting"]["Both"]}


def test_intervals_of_the_mean_hold_what_they_promise():
    random, held, trials = np.random.default_rng(0), 0, 1000
    for _ in range(trials):
        names = ["a", "b", "c"]
        boards = {
            name: board(row("x", random.normal(0.05, sd, 4))) for name, sd in zip(names, (0.02, 0.1, 0.1), strict=True)
        }
        [mean] = [each["mean"] for each in across_settings("T", {n: n for n in names}, boards, {})["methods"]]
        held += mean["interval"][0] <= 0.05 <= mean["interval"][1]
    assert 0.93 <= held / trials <= 0.985


def test_one_seed_is_no_claim_and_equal_runs_are_no_difference():
    single = row("once", None) | {"loss_to_stratified": {"difference": -1.0, "interval": None}, "seeds": 1}
    equal = row("equal", [0.0] * 4)
    found = {
        each["method"]: each for each in across_settings("T", {"A": "a"}, {"a": board(single, equal)}, {})["methods"]
    }
    assert found["once"]["verdict"] == "no claim" and found["once"]["mean"]["settings"] == 0
    assert found["equal"]["verdict"] == "no significant difference" and found["equal"]["mean"]["interval"] == [0.0, 0.0]


def test_with_one_seed_a_method_that_came_to_even_shares_is_no_claim():
    base = row("stratified", None, names=["stratified", "even"]) | {"seeds": 1}
    found = across_settings("T", {"A": "a"}, {"a": {**board(), "methods": [base]}}, {})["methods"]
    assert [(each["method"], each["verdict"], each["mean"]["interval"]) for each in found] == [
        ("even", "no claim", None)
    ]


def test_what_is_the_measure_in_one_setting_is_compared_in_the_other():
    odd = {**board(row("other", noisy(-0.1, 1))), "stratified": "mixmin"}
    odd["methods"] = [row("mixmin", None), *odd["methods"][1:]]
    plain = board(row("mixmin", noisy(0.3, 2)))
    found = across_settings("T", {"A": "odd", "B": "plain"}, {"odd": odd, "plain": plain}, {})["methods"]
    mean = found[0]["mean"]
    assert found[0]["method"] == "mixmin" and mean["settings"] == 2
    assert mean["difference"] == pytest.approx(0.15, abs=0.02)


def test_the_page_has_every_setting_and_blanks_where_a_method_was_not_trained():
    page = markdown(FOUND)
    lines = page.splitlines()
    assert "# Methods over settings: Which?" in lines
    [alone] = [line for line in lines if line.startswith("| alone |") and "of 1 of 3 settings" in line]
    assert alone.split("|")[3].strip() == alone.split("|")[4].strip() == ""
    assert "| good | 40 / 60 | 40 / 60 | 40 / 60 |" in lines and "| good | 0.50 | 0.50 | 0.50 |" in lines


def test_the_page_has_differences_to_three_digits_with_their_intervals_and_the_measure_of_each_setting():
    cell = {"difference": -0.1, "interval": [-0.1504, -0.05]}
    lost = {"method": "good", "by_setting": {}, "p_holm": 0.012, "verdict": "better", "mean": {**cell, "settings": 1}}
    lost["by_setting"]["Web"] = {"loss": cell, "perplexity": cell, "verdict": "better", "shares": {"web": 1.0}}
    lost["by_setting"]["Web"]["extra_in_runs"] = None
    settings = [{"label": "Web", "experiment": "one", "sources": ["web"], "tokens": 1000, "stratified": 9.5}]
    settings.append({**settings[0], "label": "Code", "stratified": None})
    lines = markdown({"title": "Which?", "settings": settings, "methods": [lost]}).splitlines()
    assert "| Web | one | web | 1,000 | 9.500 |" in lines and "| Code | one | web | 1,000 |  |" in lines
    text = "-0.100 [-0.150, -0.050]"
    assert f"| good | {text} |  | {text} | better (p 0.012), of 1 of 2 settings |" in lines
    assert "| good | -0.10 [-0.15, -0.05]; better |  |" in lines and "| good | 100 |  |" in lines


def test_labels_are_shown_as_they_were_written():
    page = markdown(across_settings("Which?", {"<b>*Web*</b>": "one", "Code": "two"}, BOARDS, {}))
    assert "*Web*" not in page.replace(r"\<b>\*Web\*\</b>", "") and page.count(r"\<b>\*Web\*\</b>") == 5
