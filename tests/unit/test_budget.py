import pytest

from emulsion.budget import over_budget, spent

RUN = {"seconds": 60.0, "devices": 2, "tokens": 1000, "peak_memory_bytes": 5}


def test_a_jobs_time_counts_where_it_is_longer_than_its_training():
    account = spent({"a": RUN, "b": RUN}, {"a": 90.0, "b": 10.0}, {"a": 30.0, "b": 6.0})
    assert account["training_hours"] == pytest.approx((90 + 60) * 2 / 3600)
    assert account["evaluation_hours"] == pytest.approx(36 / 3600)
    assert (account["runs"], account["tokens"], account["unmeasured_jobs"]) == (2, 2000, 0)


def test_a_run_whose_measurement_was_deleted_is_charged_its_own_clock_and_said():
    account = spent({"a": RUN, "b": RUN}, {"a": 90.0}, {})
    assert account["training_hours"] == pytest.approx((90 + 60) * 2 / 3600)
    assert account["unmeasured_jobs"] == 3


def test_each_stage_over_its_limit_is_named():
    [text] = over_budget({"strategies": 4.0, "optimize": 0.2}, {"strategies": 3.0, "optimize": 0.5})
    assert text == "strategies: 4.00 hours are over the budget of 3 by 33%."
