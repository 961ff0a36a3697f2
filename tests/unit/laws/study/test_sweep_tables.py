"""From sweeps to the tables of a study, by the scripts' own command lines."""

import json
import re
import runpy
import sys
from itertools import chain
from pathlib import Path

import pytest

from emulsion.errors import UserError
from emulsion.laws.study.published_tables import study
from emulsion.report.law_tables import law_tables
from sweep_rows import effects, planted_sweep, write_sweep

SCRIPTS = Path(__file__).parents[4] / "workflow/scripts"
KINDS = ("static", "dynamic", "greedy", "similarity")
FILES = {"static": "static_law", "dynamic": "dynamic_law", "greedy": "greedy", "similarity": "similarity"}
SWEEPS = {
    "two": {
        "points": 5,
        "sets": {"early": (360_000, 18_000), "rest": (450_000, 450_000), "late": (720_000, 18_000)},
        "matrices": {"rest": effects(2)[:, ::-1] * 3, "late": effects(2)[:, ::-1]},
    },
    "five": {"m": 5, "points": 7, "seeds": (0,), "sets": {"early": (360_000, 18_000)}, "stratified": True},
    "bare": {"points": 4, "sets": {}},
}
TABLE = {
    "title": "From scratch",
    "settings": {"Web/Code": "two", "Five": "five", "Bare": "bare"},
    "published": {"static_r2": 0.991, "dynamic_r2": 0.947},
}


def script(name, *arguments):
    before, sys.argv = sys.argv, [name, *map(str, arguments)]
    try:
        runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
    finally:
        sys.argv = before


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("law_results")
    for name, planted in SWEEPS.items():
        sweep = ["--experiment", name, "--sweep", *write_sweep(root / name / "sweep", planted_sweep(name, **planted))]
        script("fit_static_law", *sweep, "--output", root / name / "static_law.json")
        if name == "bare":
            continue
        script("fit_dynamic_law", *sweep, "--output", root / name / "dynamic_law.json")
        script("compare_greedy", *sweep, "--output", root / name / "greedy.json")
        parameters = root / name / "plain_parameters.json"
        laws = ["--static", root / name / "static_law.json", "--dynamic", root / name / "dynamic_law.json"]
        settings = json.dumps({"kind": "diagonal", "branches": "early"})
        # A rule without a matrix leaves the option empty.
        common = ["--experiment", name, "--method", "plain", "--settings", settings, "--matrix"]
        script("fit_parameters", *common, *laws, "--output", parameters)
        output = ["--output", root / name / "similarity.json"]
        script("measure_similarity", "--experiment", name, "--parameters", parameters, *output)
    results = [[f"--{kind}", *sorted(root.glob(f"*/{FILES[kind]}.json"))] for kind in KINDS]
    outputs = ["--json", root / "tables.json", "--markdown", root / "tables.md"]
    tables = ["--tables", json.dumps([TABLE])]
    script("tabulate_laws", "--study", "laws", "--title", '"Mixing laws"', *tables, *chain(*results), *outputs)
    return root


@pytest.fixture(scope="module")
def tables(folder):
    return json.loads((folder / "tables.json").read_text())["tables"][0]


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "tables.md").read_text()


def results(folder):
    return {kind: [json.loads(p.read_text()) for p in folder.glob(f"*/{FILES[kind]}.json")] for kind in KINDS}


def test_laws_are_rows_and_settings_columns_with_the_published_r2_last(tables, text):
    rows = [line.split(" | ")[0].strip("| ") for line in text.split("## From scratch")[1].splitlines() if "|" in line]
    assert rows[:12] == [
        "law",
        "---",
        "Log-linear static",
        "Log-linear static, one fit to all seeds",
        "Linear dynamic, early",
        "Log-linear dynamic, early",
        "Linear dynamic, rest",
        "Log-linear dynamic, rest",
        "Linear dynamic, late",
        "Log-linear dynamic, late",
        "Log-linear static, published",
        "Linear dynamic, published",
    ]
    assert re.search(r"\| Linear dynamic, published \|.* 0\.947 \|", text)
    assert list(tables["fits"]["rows"][0]["cells"]) == ["Web/Code", "Five", "Bare"]


def test_a_cell_is_the_error_of_its_file(folder, tables):
    static = json.loads((folder / "two/static_law.json").read_text())
    dynamic = json.loads((folder / "two/dynamic_law.json").read_text())["branches"]["rest"]
    cells = {(row["law"], row["branches"]): row["cells"]["Web/Code"] for row in tables["fits"]["rows"]}
    assert cells["log_linear_static", None]["r2"] == static["per_seed"]["mean"]["r2"]
    assert cells["log_linear_static_joint", None]["ceiling"] == static["noise"]["mean"]["ceiling"]
    assert cells["log_linear", "rest"] == {
        **dynamic["quality"]["log_linear"]["mean"],
        "ceiling": dynamic["noise"]["mean"]["ceiling"],
    }


def test_a_mean_over_settings_has_no_ceiling_where_one_of_them_has_none(tables):
    rows = {(row["law"], row["branches"]): row for row in tables["fits"]["rows"]}
    early = rows["linear", "early"]
    assert early["cells"]["Five"]["ceiling"] is None and early["cells"]["Bare"] is None
    assert early["mean"]["ceiling"] is None and early["mean"]["r2"] is not None
    rest = rows["linear", "rest"]
    assert rest["mean"] == rest["cells"]["Web/Code"]


def test_settings_of_many_groups_have_a_table_of_their_groups(tables, text):
    (groups,) = tables["groups"]
    assert groups["label"] == "Five" and [row["group"] for row in groups["rows"]][:2] == ["web", "code"]
    assert len(groups["laws"]) == len(groups["mean"]) == 3
    assert "### Groups of Five" in text and "| Average |" in text


def test_what_the_numbers_rest_on_is_counted(tables, text):
    assert tables["settings"][0]["counts"] == {
        "runs": 10,
        "points": 5,
        "seeds": 2,
        "branches": {
            "early": {"trunks": 10, "branches": 50, "after": 360_000, "tokens": 18_000},
            "rest": {"trunks": 10, "branches": 50, "after": 450_000, "tokens": 450_000},
            "late": {"trunks": 10, "branches": 50, "after": 720_000, "tokens": 18_000},
        },
    }
    assert "Web/Code: 10 runs (5 points, 2 seeds); early: 50 branches of 10 trunks" in text
    assert "early: 7 branches of 1 trunk," in text
    assert "says nothing" not in text


def test_a_law_of_as_many_parameters_as_points_is_no_success(folder):
    found = study("laws", "Laws", [{"title": "T", "settings": {"Web/Code": "two"}}], results(folder))
    counts = found["tables"][0]["settings"][0]["counts"]
    counts["points"], counts["branches"]["early"]["branches"] = 3, 20
    text = law_tables(found)
    assert "(3 points, 2 seeds), where points are no more than the 3 parameters of a static law, so that its R²" in text
    assert "branches of a trunk are no more than the 2 parameters of a dynamic law, so that its R² says nothing" in text
    assert text.count("says nothing") == 2


def test_sections_of_evidence_say_what_their_rows_count(tables, text):
    assert tables["greedy"]["text"].startswith(f"Greedy choices are the optimal ones in {_same(tables)} of 2 sweeps")
    (over,) = tables["over_time"]["rows"]
    assert f"changes over time in {over['changed']} of 10 trunks" in tables["over_time"]["text"] and over["changed"] > 7
    assert [(row["label"], row["branches"]) for row in tables["diagonal"]["rows"]] == [
        ("Web/Code", "early"),
        ("Web/Code", "rest"),
        ("Web/Code", "late"),
        ("Five", "early"),
    ]
    assert [row["method"] for row in tables["similarity"]["rows"]] == ["plain", "plain"]
    for section in ("greedy", "over_time", "diagonal", "similarity"):
        assert tables[section]["text"] in text


def _same(tables):
    return sum(row["same"] for row in tables["greedy"]["rows"])


def test_the_law_that_predicts_points_left_out_best_is_named(tables):
    left_out = {row["law"]: row["mean"]["left_out_r2"] for row in tables["static_laws"]["rows"]}
    assert max(left_out, key=left_out.get) == "log_linear"
    assert "predicted best by Log-linear static" in tables["static_laws"]["text"]


def test_a_setting_of_static_runs_alone_has_no_other_sections(folder):
    found = study("laws", "Laws", [{"title": "T", "settings": {"Bare": "bare"}}], results(folder))
    (table,) = found["tables"]
    assert table["greedy"] is table["diagonal"] is table["over_time"] is table["similarity"] is None
    assert "published" not in law_tables(found)


def test_more_than_three_settings_are_set_in_blocks_and_the_mean_is_last(folder):
    settings = {"A": "two", "B": "bare", "C": "two", "D": "five"}
    text = law_tables(study("laws", "Laws", [{"title": "T", "settings": settings}], results(folder)))
    heads = [line for line in text.splitlines() if line.startswith("| law | ") and "MSE" in line]
    assert heads == [
        "| law | A MSE | A R² | B MSE | B R² | C MSE | C R² |",
        "| law | D MSE | D R² | mean MSE | mean R² |",
    ]


def test_a_setting_without_a_static_law_and_a_file_given_twice_are_refused(folder):
    with pytest.raises(
        UserError, match=r"law_studies.laws: table 'T', setting 'X': unknown .* 'tow'. Did you mean 'two'"
    ):
        study("laws", "Laws", [{"title": "T", "settings": {"X": "tow"}}], results(folder))
    twice = {"static": results(folder)["static"] * 2}
    with pytest.raises(UserError, match="two static files are of experiment"):
        study("laws", "Laws", [TABLE], twice)


def test_a_script_refuses_the_file_of_another_experiment(folder, tmp_path, capsys):
    laws = ["--static", folder / "two/static_law.json", "--dynamic", folder / "two/dynamic_law.json"]
    with pytest.raises(SystemExit):
        script(
            "fit_parameters", "--experiment", "five", "--method", "m", "--settings", "{}", *laws, "--output", tmp_path
        )
    assert "is of experiment 'two', not of 'five'" in capsys.readouterr().err
