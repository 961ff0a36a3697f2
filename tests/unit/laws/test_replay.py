"""Replaying published sweeps: a small made-up one, and RegMix's where it is there."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.laws import fit_law
from emulsion.laws.published_sweep import PublishedSweep, replay
from emulsion.laws.static import diverged_runs
from emulsion.laws.table import Table
from emulsion.world.planted import noisy, planted_law

ROOT = Path(__file__).resolve().parents[3]
REGMIX = ROOT.parent / "shared" / "data" / "regmix"
needs_regmix = pytest.mark.skipif(not REGMIX.is_dir(), reason=f"RegMix's published table is not at {REGMIX}")


def write_sweep(folder, name, n, seed):
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.ones(3), n)
    losses = noisy(planted_law(3, 0).predict(rows), 0.01, random)
    index = pd.Index(range(n), name="run")
    pd.DataFrame(rows, index, list("abc")).to_csv(folder / f"{name}_mixtures.csv")
    pd.DataFrame(losses, index, list("xyz"))[::-1].to_csv(folder / f"{name}_losses.csv")
    return folder / f"{name}_mixtures.csv", folder / f"{name}_losses.csv"


def test_a_replay_ranks_and_predicts_and_counts_coverage(tmp_path):
    train = PublishedSweep.read(*write_sweep(tmp_path, "train", 40, 0))
    test = PublishedSweep.read(*write_sweep(tmp_path, "test", 60, 1), "held out")
    found = replay(train, [test], ["log_linear", "linear"], [10, 40], resamples=3)
    assert found["runs"] == {"train": 40, "held out": 60} and found["groups"] == list("xyz")
    summary = {(row["law"], row["size"]): row for row in found["summary"]}
    assert [summary["linear", size]["subsets"] for size in (10, 40)] == [3, 1]
    assert summary["log_linear", 40]["spearman"] > max(0.99, summary["linear", 40]["spearman"])
    assert summary["log_linear", 40]["mae"] < summary["log_linear", 10]["mae"] < summary["linear", 10]["mae"]
    assert 0.85 < summary["log_linear", 40]["coverage"] <= 1 and summary["linear", 40]["coverage"] is None
    assert set(summary["linear", 10]["spearman_of"]) == set("xyz")
    each = [fit for fit in found["fits"] if (fit["law"], fit["size"]) == ("log_linear", 10)]
    over = summary["log_linear", 10]
    ranks = np.array([list(fit["spearman"].values()) for fit in each])
    assert len(each) == 3 and over["coverage"] == pytest.approx(np.mean([fit["coverage"] for fit in each]))
    assert over["mae"] == pytest.approx(np.mean([list(fit["mae"].values()) for fit in each]))
    assert over["spearman"] == pytest.approx(ranks.mean())
    assert over["spearman_sd"] == pytest.approx(ranks.mean(axis=1).std(ddof=1))
    assert over["spearman_worst"] == pytest.approx(ranks.mean(axis=0).min())


def test_the_script_writes_what_the_library_finds(tmp_path):
    train, test = write_sweep(tmp_path, "train", 20, 0), write_sweep(tmp_path, "test", 20, 1)
    script = ROOT / "workflow" / "scripts" / "replay_laws.py"
    call = [sys.executable, script, "--train", *train, "--test", "t", *test, "--laws", "linear", "--sizes", "12"]
    subprocess.run([*call, "--resamples", "2", "--output", tmp_path / "replay.json"], check=True)
    assert len(json.loads((tmp_path / "replay.json").read_text())["fits"]) == 2
    failed = subprocess.run([*call, "--sizes", "3", "--output", tmp_path / "no.json"], capture_output=True, text=True)
    assert failed.returncode == 1 and "a size of 3; it must be from 4 to the 20 runs" in failed.stderr


def test_tables_that_do_not_fit_together_are_refused(tmp_path):
    mixtures, losses = write_sweep(tmp_path, "train", 20, 0)
    other = PublishedSweep.read(*write_sweep(tmp_path, "other", 10, 1), "other")
    with pytest.raises(UserError, match=r"nowhere\.csv: no such file"):
        PublishedSweep.read(tmp_path / "nowhere.csv", losses)
    with pytest.raises(UserError, match="10 runs are in one only"):
        PublishedSweep.read(mixtures, tmp_path / "other_losses.csv")
    renamed = pd.read_csv(mixtures, index_col=0).rename(columns={"a": "d"})
    renamed.to_csv(tmp_path / "renamed.csv")
    with pytest.raises(UserError, match=r"other sources than 'train'.*\['a', 'd'\]"):
        replay(PublishedSweep.read(tmp_path / "renamed.csv", losses), [other], ["linear"], [8])
    renamed.assign(d="x").to_csv(tmp_path / "words.csv")
    with pytest.raises(UserError, match=r"words\.csv: the columns \['d'\] do not hold numbers"):
        PublishedSweep.read(tmp_path / "words.csv", losses)
    renamed.assign(d=renamed["d"] + 0.5).to_csv(tmp_path / "heavy.csv")
    with pytest.raises(UserError, match=r"heavy\.csv and .*sums to 1\.5"):
        PublishedSweep.read(tmp_path / "heavy.csv", losses)


def test_runs_have_the_names_that_are_written(tmp_path):
    (tmp_path / "mixtures").write_text("run,a,b\n007,.5,.5\n1.1,.2,.8\n1.10,.3,.7\n")
    (tmp_path / "losses").write_text("run,a,b\n1.10,2,3\n1.1,2,3\n007 ,2,3\n")
    sweep = PublishedSweep.read(tmp_path / "mixtures", tmp_path / "losses")
    assert sweep.table.rows == ("007", "1.1", "1.10")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("x,2,3,9\ny,2,3,9\n", "rows have more values than the 3 columns that the header names"),
        ("x,2,3\n,2,3\n", "row 2 does not name its run"),
        ("NA,2,3\nx,2,3\n", "row 1 does not name its run"),
    ],
)
def test_rows_that_are_too_long_or_name_no_run_are_refused(rows, words, tmp_path):
    (tmp_path / "table.csv").write_text("run,a,b\n" + rows)
    with pytest.raises(UserError, match=words):
        PublishedSweep.read(tmp_path / "table.csv", tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("run,a,a,b", "r9,.2,.3,.5", "column 'a' is there more than once"),
        ("a,a,b", "r9,.5,.5", "column 'a' is there more than once"),
        ("run,a, a,b", "r9,.2,.3,.5", "column 'a' is there more than once"),
        ("run,a,b,", "r9,.5,.5,", "column 4 of the header has no name"),
        ("run,a,b, , ", "r9,.5,.5,,", "column 4 of the header has no name"),
        ("run,a,b, ", "r9,.5,.5,", "column 4 of the header has no name"),
        ("run;a;b", "r9;.5;.5", "there is one column alone; values are separated by commas"),
        ("run,a,b", "r9,50,50", "law: mixture r9 sums to 100, not to 1"),
        ("run,a,b", "r9,,1", "law: run r9: the weight of 'a' is nan"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_its_header_or_the_name_of_a_row(tmp_path, header, row, words):
    first = row.replace("r9", "r1").replace("50", ".5").replace(",,1", ",0,1")
    (tmp_path / "mixtures.csv").write_text(f"{header}\n{first}\n{row}\n")
    (tmp_path / "losses.csv").write_text("run,x\nr1,2\nr9,3\n")
    with pytest.raises(UserError, match=re.escape(words)):
        PublishedSweep.read(tmp_path / "mixtures.csv", tmp_path / "losses.csv")


def test_blanks_around_the_names_of_columns_are_no_part_of_them(tmp_path):
    (tmp_path / "mixtures.csv").write_text("run, a , b\nr1, .5, .5\nr2, .2, .8\n")
    (tmp_path / "losses.csv").write_text("run , a, b\nr1, 2, 3\nr2, 3, 2\n")
    table = PublishedSweep.read(tmp_path / "mixtures.csv", tmp_path / "losses.csv").table
    assert table.sources == table.groups == ("a", "b") and table.mixtures.tolist() == [[0.5, 0.5], [0.2, 0.8]]


def test_a_table_without_runs_is_refused(tmp_path):
    (tmp_path / "mixtures.csv").write_text("run,a,b\n")
    with pytest.raises(UserError, match=r"mixtures\.csv: it names columns, and has no runs"):
        PublishedSweep.read(tmp_path / "mixtures.csv", tmp_path / "mixtures.csv")


def test_a_law_that_cannot_be_fitted_says_which_and_to_what_run(tmp_path):
    mixtures, losses = write_sweep(tmp_path, "train", 5, 0)
    values = pd.read_csv(losses, index_col=0)
    values.loc[3, "x"] = -1
    values.to_csv(losses)
    train = PublishedSweep.read(mixtures, losses)
    with pytest.raises(UserError, match="'trajectory' and 5 runs of 'train': law: run 3: the loss of 'x' is -1"):
        replay(train, [train], ["trajectory"], [5])


@cache
def regmix():
    """The two published tables of 1M parameters: 512 runs to fit, 256 to judge."""
    return [
        PublishedSweep.read(REGMIX / f"{name}_mixture_1m.csv", REGMIX / f"{name}_pile_loss_1m.csv", name)
        for name in ("train", "test")
    ]


@pytest.mark.slow
@needs_regmix
@pytest.mark.parametrize(
    ("law", "size", "least", "seconds"),
    [
        ("log_linear", 512, 0.973, 20),
        ("lightgbm", 512, 0.989, 30),
        ("best", 512, 0.9925, 30),
        ("best", 128, 0.987, 15),
        ("best", 64, 0.981, 10),
        ("epochs", 64, 0.97, 15),
        ("epochs", 512, 0.978, 20),
    ],
)
def test_regmix_is_ranked_as_published_or_better(law, size, least, seconds):
    train, test = regmix()
    found = replay(train, [test], [law], [size], resamples=3)["summary"][0]
    assert found["spearman"] >= least and found["seconds"] < seconds
    assert law == "lightgbm" or 0.9 <= found["coverage"] <= 0.995
    assert law != "best" or list(found["fitted"]) == ["gaussian_process"]


@needs_regmix
def test_sixty_four_runs_of_regmix_rank_pile_cc():
    train, test = regmix()
    found = {row["law"]: row for row in replay(train, [test], ["log_linear", "ridge"], [64], resamples=2)["summary"]}
    pile_cc = "metric/the_pile_pile_cc_val_loss"
    assert found["log_linear"]["spearman_of"][pile_cc] >= 0.934 > found["ridge"]["spearman_of"][pile_cc]


@needs_regmix
def test_the_best_law_needs_a_quarter_of_the_runs_that_lightgbm_does():
    train, test = regmix()
    rows = np.random.default_rng(0).permutation(512)[:64]
    predicted = fit_law("best", train.table.mixtures[rows], train.table.values[rows]).predict(test.table.mixtures)
    assert np.abs(predicted - test.table.values).mean() < 0.11


@needs_regmix
def test_of_a_published_sweep_honest_runs_are_kept_and_a_diverged_one_is_not():
    table = PublishedSweep.read(REGMIX / "train_mixture_1m.csv", REGMIX / "train_pile_loss_1m.csv").table
    for seed in range(4):
        some = np.random.default_rng(seed).permutation(len(table.values))[:32]
        mixtures, values = table.mixtures[some], table.values[some].copy()
        assert not diverged_runs(Table(mixtures, values, table.sources, table.groups)).any()
        values[seed] = 10.0
        assert np.flatnonzero(diverged_runs(Table(mixtures, values, table.sources, table.groups))).tolist() == [seed]
