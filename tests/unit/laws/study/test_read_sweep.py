"""Reading sweeps: joined in order, keyed by name, refused in words."""

import copy
import json

import pytest

from emulsion.errors import UserError
from emulsion.files import read_json
from emulsion.laws.study.rows import read_sweep, trained_to_the_end
from sweep_rows import planted_sweep, write_sweep

CONTENT = planted_sweep("ab", points=3)


def test_the_files_of_all_jobs_are_joined_in_their_order(tmp_path):
    sweep = read_sweep("ab", write_sweep(tmp_path, CONTENT, files=3))
    assert [run["run"] for run in sweep.runs] == [row["run"] for row in CONTENT["runs"]]
    assert sweep.sources == ("web", "code")


def test_weights_and_losses_are_matched_by_name_whatever_their_order(tmp_path):
    turned = copy.deepcopy(CONTENT)
    for row in turned["runs"]:
        row["validation"] = dict(reversed(row["validation"].items()))
    straight, other = (read_sweep("ab", write_sweep(tmp_path / n, c)) for n, c in (("a", CONTENT), ("b", turned)))
    assert straight.table(straight.finished, "validation").equals(other.table(other.finished, "validation"))


def test_sets_of_branches_are_in_order_of_time_not_of_names(tmp_path):
    sets = {"a_late": (700_000, 1000), "z_early": (100_000, 1000)}
    sweep = read_sweep("ab", write_sweep(tmp_path, planted_sweep("ab", points=3, sets=sets)))
    assert list(sweep.branch_sets) == ["z_early", "a_late"]


def test_only_branches_of_points_that_end_with_the_run_are_trained_to_the_end(tmp_path):
    sweep = read_sweep("ab", write_sweep(tmp_path / "points", CONTENT))
    assert [trained_to_the_end(sweep, name) for name in ("early", "rest")] == [False, True]
    sweep = read_sweep("ab", write_sweep(tmp_path / "uniform", planted_sweep("ab", points=3, stratified=True)))
    assert not trained_to_the_end(sweep, "rest")
    assert len(sweep.finished) == 6 and len(sweep.trunks("rest")) == 2


def damage(path, value):
    def change(content):
        *way, last = path
        place = content
        for key in way:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (damage(["experiment"], "abc"), "is of experiment 'abc', not of 'ab'"),
        (damage(["runs", 1, "run"], "sweep_00"), r"run 'sweep_00' is also .*runs\[0\]"),
        (
            damage(["runs", 0, "validation", "web"], float("nan")),
            r"runs\[0\] \('sweep_00'\).validation.web: nan is not",
        ),
        (damage(["runs", 0, "validation", "web"], None), "lacks \\['web'\\]"),
        (damage(["runs", 0, "validation"], "lost"), "must hold a number for each of"),
        (damage(["runs", 0, "weights", "cod"], 0.1), "unknown source 'cod'. Did you mean 'code'"),
        (damage(["runs", 0, "tokens"], None), r"runs\[0\]: lacks \['tokens'\]"),
        (damage(["runs", 0, "branches", "rest", "before"], None), r"branches.rest: lacks \['before'\]"),
        (damage(["runs", 0, "branches", "rest", "ends", 2, "test", "web"], True), r"ends\[2\].test.web: True is not"),
        (damage(["runs", 2, "branches", "rest", "after"], 9), "start after 9 tokens.*'sweep_02', but 450000"),
        (damage(["sources"], None), r"lacks \['sources'\]"),
    ],
)
def test_a_damaged_sweep_is_refused_where_it_is_damaged(tmp_path, change, words):
    content = copy.deepcopy(CONTENT)
    change(content)
    (tmp_path / "0.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=words):
        read_sweep("ab", [tmp_path / "0.json"])


def test_files_of_other_sources_and_no_files_are_refused(tmp_path):
    first, second = write_sweep(tmp_path, CONTENT)
    second.write_text(json.dumps({**read_json(second), "sources": ["code", "web"]}))
    with pytest.raises(UserError, match=r"1.json: has the sources \['code', 'web'\], but .*0.json"):
        read_sweep("ab", [first, second])
    with pytest.raises(UserError, match="no files"):
        read_sweep("ab", [])
