"""Tables of runs that were trained elsewhere, as evidence."""

import math

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.methods import create, create_offline
from emulsion.methods.finished_runs import FinishedRuns
from emulsion.world.planted import noisy, planted_law

SIZES = {"a": 4e4, "b": 2e3, "c": 9e4}


def write(folder, runs=14):
    """Runs of a planted law, whose table of losses has another order of rows and one group more than sources."""
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(3), runs)
    losses = pd.DataFrame(noisy(planted_law(3, 0).predict(rows), 0.005, random), range(runs), list("abc"))
    pd.DataFrame(rows, pd.Index(range(runs), name="run"), list("abc")).to_csv(folder / "mixtures.csv")
    losses.assign(d=losses["a"] + 1)[::-1].to_csv(folder / "losses.csv", index_label="run")
    return folder / "mixtures.csv", folder / "losses.csv"


def curve(folder, *rows):
    (folder / "curve.csv").write_text("\n".join(["run,tokens,a,b,c,d", *rows]))
    return folder / "curve.csv"


def test_a_table_is_evidence_of_the_run_that_is_proposed_for(tmp_path):
    rows = ("3,600,2,2,2,2", "3,0,5,5,5,5")
    given = {"curve": curve(tmp_path, *rows), "tokens": 8000, "run_tokens": 1000, "max_epochs": 4}
    sources, evidence = FinishedRuns(tables=write(tmp_path), sizes=SIZES, **given).read()
    assert sources == list("abc") and set(evidence.losses["3"]) == set("abcd")
    table = pd.read_csv(tmp_path / "losses.csv", index_col=0)
    assert evidence.losses["3"]["b"] == pytest.approx(table.loc[3, "b"])
    assert evidence.epochs["3"]["b"] == pytest.approx(evidence.mixtures["3"]["b"] * 1000 / 2e3)
    assert [tokens for tokens, _ in evidence.curves["3"]] == [0, 600] and evidence.run_tokens["3"] == 1000
    assert (evidence.tokens, evidence.max_epochs, evidence.sizes) == (8000, 4, SIZES)


def test_without_lengths_nothing_is_known_of_epochs(tmp_path):
    _, evidence = FinishedRuns(tables=write(tmp_path), sizes=SIZES).read()
    assert evidence.epochs == {} == evidence.run_tokens and evidence.max_epochs == math.inf


@pytest.mark.parametrize("kind", ["dml", "law_optimum", "emulsion"])
def test_methods_find_the_optimum_of_a_table(kind, tmp_path):
    mixtures, losses = write(tmp_path)
    pd.read_csv(losses, index_col=0).drop(columns="d").to_csv(losses)
    sources, evidence = FinishedRuns(tables=(mixtures, losses), sizes=SIZES).read()
    [(_, found)] = create_offline(kind, sources).propose(evidence)
    law = planted_law(3, 0)
    mean = {
        name: float(law.predict([list(row)]).mean()) for name, row in (("found", found.values()), ("even", [1 / 3] * 3))
    }
    assert mean["found"] <= mean["even"] + 0.005


def test_a_mixture_that_repeats_a_source_too_often_is_warned_of(tmp_path):
    finished = FinishedRuns(tables=write(tmp_path), sizes=SIZES, run_tokens=1000, tokens=8000, max_epochs=2)
    sources, evidence = finished.read()
    [(_, best)] = create("grid_search", sources).propose(evidence)
    assert best["b"] * 8000 > 2 * SIZES["b"]
    assert finished.excess_epochs(best) == [f"Source 'b' would be read {best['b'] * 4:.2f} times; max_epochs is 2."]
    [(_, within)] = create("dml", sources).propose(evidence)
    assert finished.excess_epochs(within) == []


@pytest.mark.parametrize("kind", ["optimum", "dml"])
def test_what_a_law_that_sees_epochs_expects_is_of_the_run_that_is_proposed_for(kind, tmp_path):
    """As the page of proposals says; the log-linear law knows of no epochs."""
    tables, expected = write(tmp_path, 24), []
    rows = pd.read_csv(tables[0], index_col=0)
    seen = rows * 4e3 / pd.Series(SIZES)
    fallen = 2 + np.exp(-(seen**0.8)) + 0.1 * np.log1p(seen) ** 2
    fallen.to_csv(tables[1])
    for tokens in (4_000, 80_000):
        sources, evidence = FinishedRuns(tables=tables, sizes=SIZES, run_tokens=4_000, tokens=tokens).read()
        method = create_offline(kind, sources, objective="mean_loss", bounds=None)
        method.propose(evidence)
        expected.append(method.record["uniform"]["predicted"])
    assert (abs(expected[1] - expected[0]) < 1e-9) == (kind == "dml")


def test_an_objective_may_weigh_what_is_no_source_and_the_law_of_trajectories_may_not_lack_one(tmp_path):
    mixtures, losses = write(tmp_path)
    sources, evidence = FinishedRuns(tables=(mixtures, losses), sizes=SIZES).read()
    found = [create("dml", sources, objective={"losses": {name: 1}}).propose(evidence)[0][1] for name in "ad"]
    assert found[0]["a"] == pytest.approx(found[1]["a"], abs=0.02)
    pd.read_csv(losses, index_col=0).drop(columns="c").to_csv(losses)
    _, evidence = FinishedRuns(tables=(mixtures, losses), sizes=SIZES).read()
    with pytest.raises(UserError, match="emulsion: run '0' has no loss of c; it needs one of every source"):
        create("emulsion", sources).propose(evidence)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("30,600,2,2,2,2", "curve.csv: unknown run '30'. Did you mean '3'"),
        ("3,1000,2,2,2,2", r"a loss after 1000 tokens of a run of 1,000"),
        ("3,-1,2,2,2,2", "a loss after -1 tokens"),
        ("3,10,2,,2,2", "run '3': the loss 'b' after 10 tokens is no finite number"),
    ],
)
def test_rows_of_a_curve_that_cannot_be_are_refused(row, words, tmp_path):
    finished = FinishedRuns(tables=write(tmp_path), sizes=SIZES, curve=curve(tmp_path, row), run_tokens=1000)
    with pytest.raises(UserError, match=words):
        finished.read()


def test_a_curve_has_one_row_at_a_time(tmp_path):
    rows = ("3,600,2,2,2,2", "4,600,2,2,2,2", "3,600,3,2,2,2")
    finished = FinishedRuns(tables=write(tmp_path), sizes=SIZES, curve=curve(tmp_path, *rows), run_tokens=1000)
    with pytest.raises(UserError, match=r"curve\.csv: run '3' has two rows after the same tokens"):
        finished.read()


def test_sizes_and_columns_are_of_the_table(tmp_path):
    tables = write(tmp_path)
    with pytest.raises(UserError, match="sizes: unknown source 'd'"):
        FinishedRuns(tables=tables, sizes={**SIZES, "d": 1}).read()
    with pytest.raises(UserError, match="sizes: those of c are missing"):
        FinishedRuns(tables=tables, sizes={"a": 1, "b": 1}).read()
    (tmp_path / "curve.csv").write_text("run,token,a,b,c,d\n3,1,2,2,2,2")
    with pytest.raises(UserError, match=r"the columns \['tokens'\] are missing; its columns are \['token', 'a'"):
        FinishedRuns(tables=tables, sizes=SIZES, curve=tmp_path / "curve.csv", run_tokens=10).read()


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("mixtures.csv", lambda table: table * 0 + 1 / 3, "all runs are alike, so nothing shows"),
        ("losses.csv", lambda table: table * 0 + 3, "all runs are alike"),
        ("losses.csv", lambda table: table * 1e300, r"e\+300 is too large a number"),
    ],
)
def test_tables_from_which_nothing_can_be_learnt_are_refused(file, change, words, tmp_path):
    tables = write(tmp_path)
    change(pd.read_csv(tmp_path / file, index_col=0)).to_csv(tmp_path / file)
    with pytest.raises(UserError, match=rf"{file}: .*{words}"):
        FinishedRuns(tables=tables, sizes=SIZES).read()
