import pytest

from decision_cases import conclusions
from emulsion.report.interval_chart import limits, mean_charts, place


@pytest.mark.parametrize("judged_by", ["capabilities", "losses"])
def test_mixtures_that_may_be_recommended_are_drawn_best_first_and_marked(judged_by):
    (chart,) = mean_charts(conclusions(judged_by=judged_by))
    assert [row["name"] for row in chart["rows"]] == ["optimal", "even = uniform", "mostly_web"]
    assert [row["chosen"] for row in chart["rows"]] == [True, False, False]
    assert [row["tied"] for row in chart["rows"]] == [True, True, False]


def test_intervals_and_ticks_lie_within_the_chart():
    (chart,) = mean_charts(conclusions(judged_by="losses"))
    for row in chart["rows"]:
        assert 0 <= row["low"] <= row["at"] <= row["low"] + row["width"] <= 100
    assert len(chart["ticks"]) >= 3 and all(0 <= tick["at"] <= 100 for tick in chart["ticks"])


def test_an_axis_reaches_a_little_past_the_ends_of_all_intervals_and_places_between_them():
    assert limits([(3.0, 2.0, 4.0), (6.0, 5.0, 7.0)]) == pytest.approx((1.8, 7.2))
    assert [place(value, 2.0, 6.0) for value in (2.0, 3.0, 6.0)] == [0, 25, 100]


def test_an_axis_holds_equal_values():
    low, high = limits([(0.5, 0.5, 0.5)])
    assert place(0.5, low, high) == 50


def test_a_chart_for_each_measure_the_recommending_one_first():
    found = conclusions()
    found["losses"] = conclusions(judged_by="losses")["losses"]
    assert [chart["title"] for chart in mean_charts(found)] == ["Score of each mixture", "Test loss of each mixture"]
    found["judged_by"] = ["losses", "capabilities"]
    assert [chart["title"] for chart in mean_charts(found)] == ["Test loss of each mixture", "Score of each mixture"]
