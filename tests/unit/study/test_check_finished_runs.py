"""Entries of `finished_runs`: what is refused before any job starts."""

import pytest

from config_cases import SCHEMA, changed, problems
from emulsion.study.check import check
from emulsion.study.finished_runs_entry import finished_runs, method_of

RUNS = "".join(f"r{n},{n / 8},{1 - n / 8}\n" for n in range(1, 8))


@pytest.fixture
def entry(tmp_path):
    """An entry of which nothing is wrong."""
    (tmp_path / "mixtures.csv").write_text("run,code,web\n" + RUNS)
    (tmp_path / "losses.csv").write_text("run,code,web\n" + RUNS)
    tables = [str(tmp_path / "mixtures.csv"), str(tmp_path / "losses.csv")]
    return {"tables": tables, "sizes": {"code": 9, "web": 9}, "methods": {"first": {"kind": "dml"}}}


def said(entry, **changes):
    """The only thing that is said against it."""
    _, problem = problems(changed("finished_runs", {"mine": {**entry, **changes}})).split("\n  - ")
    return problem


@pytest.mark.parametrize("length", ["tokens", "run_tokens"])
def test_a_table_may_stand_in_a_configuration(length, entry):
    assert check(changed("finished_runs", {"mine": {**entry, length: 5, "max_epochs": 2}}), SCHEMA) == []


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ({"kind": "aioli"}, "aioli: decides during its own run"),
        ({"kind": "mixmin"}, "kind 'mixmin' needs one run per source"),
        ({"kind": "direct_search"}, "kind 'direct_search' needs trainings of its own"),
        ({"kind": "replay", "method": "first"}, "needs what another method decided during a run"),
        ({"kind": "given", "stages": []}, "'given' is no kind to choose; see `strategies`"),
        (
            {"kind": "emulson"},
            "kind: unknown kind of method 'emulson'. Did you mean 'emulsion'? Known: direct_search",
        ),
        ({"kind": "dml", "swarm": "small"}, "dml: unknown setting 'swarm'"),
        ({"kind": "dml", "objective": {"losses": {"cod": 1}}}, "unknown losses 'cod'. Did you mean 'code'?"),
        ({"kind": "optimum", "objective": "mean_capability"}, "needs results with capabilities; there are none"),
        ({"kind": "unimax"}, "unimax: goes by the epochs of the run that it proposes for, whose tokens are not given."),
    ],
)
def test_a_method_has_all_that_it_needs(method, words, entry):
    problem = said(entry, methods={"other": method})
    assert problem.startswith("finished_runs.mine.methods.other: ") and words in problem


def test_more_runs_than_there_are_may_be_needed(entry, tmp_path):
    for file in ("mixtures.csv", "losses.csv"):
        (tmp_path / file).write_text("run,code,web\nr1,.5,.5\nr2,.25,.75\nr3,.25,.75\n")
    where = "finished_runs.mine.methods.own: kind "
    problem = said(entry, methods={"own": {"kind": "emulsion"}})
    assert problem == f"{where}'emulsion' fits runs on 3 different mixtures or more, and there are 2."
    assert said(entry, methods={"own": {"kind": "dml"}}) == f"{where}'dml' fits 4 runs or more, and there are 3."


def test_the_law_of_trajectories_has_a_loss_of_every_source(entry, tmp_path):
    (tmp_path / "losses.csv").write_text("run,code,books\n" + RUNS)
    problem = said(entry, methods={"law": {"kind": "dml"}, "own": {"kind": "emulsion"}})
    assert problem.startswith("finished_runs.mine.methods.own: emulsion: run 'r1' has no loss of web;")


@pytest.mark.parametrize("method", [{"kind": "dml"}, {"kind": "emulsion"}, {"kind": "unimax"}])
def test_some_mixture_keeps_the_epochs(method, entry):
    problem = said(entry, methods={"own": method}, tokens=100, max_epochs=4)
    assert problem.startswith("finished_runs.mine.methods.own: ") and ("sum to 0.72" in problem or "are 72." in problem)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tables": ["nowhere.csv", "losses.csv"]}, "finished_runs.mine: nowhere.csv: no such file."),
        ({"sizes": {"code": 1, "wed": 1}}, "finished_runs.mine: sizes: unknown source 'wed'. Did you mean 'web'?"),
        ({"curve": "curve.csv"}, "finished_runs.mine.curve: it goes by the tokens of runs"),
        ({"max_epochs": 4}, "finished_runs.mine.max_epochs: it goes by the tokens of runs"),
    ],
)
def test_tables_are_read_before_any_job_starts(changes, words, entry):
    problem = said(entry, **changes)
    assert problem.startswith(words)


def test_runs_are_as_long_as_the_one_that_is_proposed_for_unless_both_are_said(entry):
    def lengths(**given):
        none = dict.fromkeys(("curve", "tokens", "run_tokens", "max_epochs"))
        found = finished_runs({"finished_runs": {"mine": {**entry, **none, **given}}}, "mine")
        return found.tokens, found.run_tokens

    assert lengths() == (0, 0) and lengths(tokens=7) == (7, 7) == lengths(run_tokens=7)
    assert lengths(tokens=7, run_tokens=3) == (7, 3)


def test_methods_aim_at_losses_where_they_have_an_aim(entry):
    methods = {
        "a": {"kind": "optimum"},
        "b": {"kind": "unimax"},
        "c": {"kind": "dml", "objective": {"losses": {"web": 1}}},
    }
    config = {"finished_runs": {"mine": {**entry, "methods": methods}}}
    assert [method_of(config, "mine", name).get("objective") for name in "abc"] == [
        "mean_loss",
        None,
        {"losses": {"web": 1}},
    ]
