import json
from pathlib import Path

import pytest

from emulsion.files import write_json
from emulsion.study.account import spent, spent_by_stages, spent_on_swarms
from emulsion.study.imports import imports_of

TRUNK = {"mixture": "small_00", "seed": 0}
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


def test_the_evaluation_that_a_guide_never_has_is_no_lost_measurement():
    account = spent({"doge": RUN, "guide": RUN}, {"doge": 90.0, "guide": 90.0}, {"doge": 30.0}, ["guide"])
    assert account["unmeasured_jobs"] == 0


def test_what_killed_tries_had_not_saved_is_charged():
    killed = {**RUN, "killed": {"tries": 2, "seconds": 40.0}}
    assert spent({"a": killed}, {"a": 90.0}, {})["training_hours"] == pytest.approx(100 * 2 / 3600)
    trunk = {**TRUNK, "tokens": 1, "seconds": 10.0, "killed": {"tries": 1, "seconds": 5.0}, "branches": {}}
    assert spent_on_swarms([{"peak_memory_bytes": 1, "runs": [trunk]}], [None])["training_hours"] * 3600 == 15


def test_a_copied_model_is_no_training():
    copied = {**RUN, "seconds": 0.0, "copied_from": "exp-a"}
    account = spent({"a": RUN, "b": copied}, {"a": 90.0, "b": 3.0}, {"a": 30.0, "b": 6.0})
    assert (account["runs"], account["tokens"], account["unmeasured_jobs"]) == (1, 1000, 0)
    assert account["training_hours"] == pytest.approx((90 + 3) * 2 / 3600)


END = {"seconds": 2.0}
FILE = {
    "peak_memory_bytes": 7,
    "runs": [
        {**TRUNK, "tokens": 100, "seconds": 10.0, "branches": {"early": {"tokens": 20, "ends": [END, END]}}},
        {**TRUNK, "seed": 1, "tokens": 100, "seconds": 9.0, "branches": {}},
    ],
}


def test_a_swarm_is_charged_its_trunks_and_each_of_its_branches():
    account = spent_on_swarms([FILE], [None])
    assert (account["runs"], account["tokens"], account["peak_memory_bytes"]) == (4, 240, 7)
    assert account["training_hours"] == pytest.approx(23 / 3600) and account["unmeasured_jobs"] == 1


def test_the_states_of_one_online_run_are_one_run_in_the_account_as_in_the_plan():
    states = [
        {
            **TRUNK,
            "run": f"aioli-{step}",
            "tokens": 50,
            "seconds": 5.0,
            "branches": {step: {"tokens": 20, "ends": [END] * 3}},
        }
        for step in ("step2", "step4")
    ]
    account = spent_on_swarms([{"peak_memory_bytes": 7, "runs": states}], [None])
    assert (account["runs"], account["tokens"]) == (1 + 6, 100 + 6 * 20)


def test_a_job_that_found_its_runs_done_is_charged_what_they_took_and_one_cut_off_what_it_took():
    account = spent_on_swarms([FILE, FILE], [3.0, 60.0])
    assert account["training_hours"] == pytest.approx((23 + 60) / 3600) and account["unmeasured_jobs"] == 0


def test_an_account_adds_up_stages_swarms_and_searches_from_their_files(tmp_path):
    records = {run: tmp_path / "models" / f"exp-{run}" / "run.json" for run in ("a", "b")}
    for file in records.values():
        write_json(file, RUN)
    swarm = tmp_path / "results" / "exp" / "swarms" / "small" / "000.json"
    write_json(swarm, FILE)
    jobs = (("train", "exp-a", 90.0), ("evaluate", "exp-a", 36.0), ("train_swarm", "exp-small-000", 46.0))
    for rule, job, seconds in jobs:
        measured = tmp_path / "logs" / rule / f"{job}.benchmark.jsonl"
        measured.parent.mkdir(parents=True, exist_ok=True)
        measured.write_text(json.dumps({"s": seconds}) + "\n")
    search = tmp_path / "results" / "exp" / "direct_mix.json"
    write_json(search, {"cost": {"runs": 3, "tokens": 30, "seconds": 36.0}})
    stages = {"strategies": ["a"], "singles": ["b"]}
    took = spent_by_stages(records, stages, [swarm], [], [search], tmp_path / "logs")
    assert list(took) == ["strategies", "singles", "swarms", "searches", "total"]
    assert took["strategies"]["training_hours"] == pytest.approx(90 * 2 / 3600)
    assert took["strategies"]["evaluation_hours"] == pytest.approx(0.01)
    assert took["singles"]["unmeasured_jobs"] == 2
    assert took["swarms"]["training_hours"] == pytest.approx(46 / 3600)
    assert (took["searches"]["runs"], took["searches"]["training_hours"]) == (3, pytest.approx(0.01))
    assert (took["total"]["runs"], took["total"]["peak_memory_bytes"]) == (2 + 4 + 3, 7)
    hours = sum(took[stage]["training_hours"] for stage in took if stage != "total")
    assert took["total"]["training_hours"] == pytest.approx(hours)


def test_an_account_of_runs_alone_has_no_more_than_its_stages(tmp_path):
    write_json(tmp_path / "exp-a" / "run.json", RUN)
    took = spent_by_stages({"a": tmp_path / "exp-a" / "run.json"}, {"strategies": ["a"]}, [], [], [], tmp_path)
    assert list(took) == ["strategies", "total"] and took["total"]["unmeasured_jobs"] == 2


def test_no_edit_of_an_analysis_or_a_law_makes_an_account_again():
    modules = imports_of(Path("workflow/scripts/account_budget.py").absolute())
    assert not {"analysis", "evaluation", "laws", "methods"} & {module.parent.name for module in modules}
