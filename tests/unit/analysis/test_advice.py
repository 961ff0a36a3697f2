"""Which method is advised: the one of least regret in worlds like the study, within what deciding may cost."""

import pytest

from emulsion.analysis.advice import advice, read_rows
from emulsion.analysis.regret import by_sources
from emulsion.files import WORKFLOW
from emulsion.methods import names
from emulsion.report.markdown import _advice

TABLE = WORKFLOW / "resources/proving_ground.csv"


def row(method, cost, median, worse, sources=3, repeated=False):
    return {
        "method": method,
        "sources": sources,
        "repeated": repeated,
        "worlds": 20,
        "cost": cost,
        "median": median,
        "median_interval_low": median - 0.002,
        "median_interval_high": median + 0.002,
        "worse": worse,
    }


ROWS = [
    row("stratified", 1.0, 0.040, None),
    row("proportional", 1.0, 0.090, 0.6),
    row("short", 1.1, 0.010, 0.2),
    row("careful", 1.1, 0.020, 0.01),
    row("half", 1.5, 0.015, 0.03),
    row("dear_ten", 11.0, 0.001, 0.0),
    row("dearer", 14.0, 0.0, 0.0),
    row("again", 1.1, 0.001, 0.0, repeated=True),
    row("many", 1.1, 0.001, 0.0, sources=6),
]


def test_the_least_regret_within_each_budget_and_a_careful_one_where_that_is_often_worse():
    found = advice(ROWS, [], 3, epochs=0.5)
    chosen = [(each["budget"], each["method"]) for each in found["methods"]]
    tenth, half = "with a tenth of a run", "with half of a run"
    assert chosen == [
        ("with nothing trained to decide", "stratified"),
        (tenth, "short"),
        (tenth, "careful"),
        (half, "short"),
        (half, "half"),
        ("with ten runs", "dear_ten"),
    ]
    assert "In 20 simulated worlds with 3 sources that are not read again, these" in found["text"]
    page = _advice(found)
    assert "| with a tenth of a run | `careful` | 1.10 | 20.0 [18.0, 22.0] | 1 % |" in page


def test_a_method_that_lost_in_a_training_is_not_named_and_it_is_said_why():
    trained = [
        {"study": "mix", "method": "short", "seeds": 8.0, "difference": 0.05, "low": 0.02, "high": 0.08},
        {"study": "mix", "method": "careful", "seeds": 8.0, "difference": 0.01, "low": -0.02, "high": 0.04},
        {"study": "more", "method": "careful", "seeds": 5.0, "difference": -0.02, "low": -0.05, "high": 0.01},
        {"study": "more", "method": "half", "seeds": 5.0, "difference": 0.01, "low": -0.01, "high": 0.03},
    ]
    found = advice(ROWS, trained, 3, epochs=0.5)
    assert [each["method"] for each in found["methods"]] == ["stratified", "careful", "half", "dear_ten"]
    assert found["text"].endswith("(resources/trainings.csv): short (by 50.0 [20.0, 80.0], 1 setting).")
    assert "careful" not in found["text"]


def test_a_method_that_lost_with_ten_runs_in_trainings_is_named_with_no_fewer_and_no_more():
    trained = [{"study": "mix", "method": "dear", "seeds": 8.0, "difference": 0.05, "low": 0.02, "high": 0.08}]
    assert "dear_ten" in [each["method"] for each in advice(ROWS, [], 3, epochs=0.5)["methods"]]
    assert "dear_ten" not in [each["method"] for each in advice(ROWS, trained, 3, epochs=0.5)["methods"]]


def test_what_is_left_out_shows_the_interval_by_which_it_lost_and_not_those_of_settings_that_hold_zero():
    trained = [
        {"study": study, "method": "short", "seeds": 5.0, "difference": 0.01, "low": -0.002, "high": 0.022}
        for study in ("one", "two")
    ]
    assert advice(ROWS, trained, 3, epochs=0.5)["text"].endswith("short (by 10.0 [3.0, 17.0], 2 settings).")


def test_worlds_are_like_the_study_in_sources_and_repetition():
    assert [each["method"] for each in advice(ROWS, [], 3, epochs=2.0)["methods"]] == ["again", "again", "again"]
    nearest = advice(ROWS, [], 9, epochs=0.5)
    assert nearest["sources"] == 6 and nearest["methods"][0]["method"] == "many"
    assert "with 6 sources that are not read again (there are none with 9), these" in nearest["text"]
    assert advice(ROWS, [], 1, 0.5) is None and advice([], [], 3, 0.5) is None and _advice(None) == ""


def test_rows_are_counted_by_sources_and_repetition():
    trials = {
        name: [
            {"kind": kind, "world": n, "sources": 2 + n % 2, "regret": regret + 0.001 * n, "cost": 1.0}
            for kind in ("linear", "repetition", "harmful")
            for n in range(8)
        ]
        for name, regret in (("stratified", 0.05), ("good", 0.01))
    }
    found = by_sources(trials)
    cells = {(each["sources"], each["repeated"], each["worlds"]) for each in found}
    assert cells == {(2, False, 8), (2, True, 4), (3, False, 8), (3, True, 4)}
    best = next(each for each in found if (each["sources"], each["repeated"]) == (2, True))
    assert best["method"] == "good" and best["median"] == pytest.approx(0.013) and best["worse"] == 0
    assert best["little"] is None and best["little_worlds"] == 0


def test_where_there_is_little_to_gain_the_mean_difference_to_even_shares_counts():
    regrets = {"stratified": [0.002, 0.012, 0.4], "bold": [0.01, 0.03, 0.0]}
    trials = {
        name: [
            {"kind": "linear", "world": n, "sources": 2, "regret": regret, "cost": 1.0}
            for n, regret in enumerate(found)
        ]
        for name, found in regrets.items()
    }
    of = {row["method"]: row for row in by_sources(trials)}
    assert of["bold"]["little"] == pytest.approx((0.008 + 0.018) / 2) and of["bold"]["little_worlds"] == 2
    assert of["stratified"]["little"] == 0
    [alone] = by_sources({"bold": trials["bold"]})
    assert alone["little"] is None and alone["little_worlds"] is None


def test_the_table_that_comes_with_the_project_has_methods_there_are():
    rows, trained = read_rows(TABLE), read_rows(WORKFLOW / "resources/trainings.csv")
    assert {int(each["sources"]) for each in rows} == {2, 3, 4, 6}
    known = names()
    assert all(any(each["method"].startswith(name) for name in known) for each in rows)
    for sources in (2, 3, 4, 6):
        for epochs in (0.5, 3.0):
            found = advice(rows, trained, sources, epochs)
            assert found["methods"]
            assert all(each["interval"][0] <= each["median"] <= each["interval"][1] for each in found["methods"])


def test_ends_of_names_that_are_no_kinds_are_explained():
    rows = read_rows(TABLE)
    ends = {f"_{name.split('_')[-1]}" for name in {each["method"] for each in rows} - set(names())}
    assert ends == {"_tenth", "_ten", "_unguarded", "_diagonal"}  # the last says what it is
    text = advice(rows, [], 3, epochs=0.5)["text"]
    assert all(f"`{end}`" in text for end in ends - {"_diagonal"})
