"""A study judged by losses, from the files of its runs to what people read: no suite, no score, no capability."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import compare_methods
import plan_budget
import recommend
from emulsion.analysis.power import detectable_effects, detectable_losses
from emulsion.files import WORKFLOW, read_json, write_json
from emulsion.report.conclusion import ConclusionFiles
from loss_study import LossStudy

SOURCES = {"speeches": 4.0, "novel": 4.4, "reports": 3.8}
STRATEGIES = {
    "even": {"speeches": 1 / 3, "novel": 1 / 3, "reports": 1 / 3},
    "mostly_speeches": {"speeches": 0.7, "novel": 0.15, "reports": 0.15},
    "proportional": {"speeches": 1 / 6, "novel": 2 / 6, "reports": 3 / 6},
}


def concluded(folder: Path, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """recommendations.json and .md of a study."""
    outputs = {"json": folder / "r.json", "markdown": folder / "r.md", "answer": folder / "answer.rst"}
    tables = {"worlds": "resources/proving_ground.csv", "trained": "resources/trainings.csv"}
    files = ConclusionFiles(**options, **{name: WORKFLOW / file for name, file in tables.items()})
    recommend.main(files=files, **outputs)
    return read_json(outputs["json"]), outputs["markdown"].read_text()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[LossStudy, dict[str, Any]]:
    made = LossStudy(tmp_path_factory.mktemp("losses"), SOURCES)
    return made, made.finish(STRATEGIES)


@pytest.fixture(scope="module")
def found(study: tuple[LossStudy, dict[str, Any]]) -> tuple[dict[str, Any], str]:
    made, options = study
    return concluded(made.folder, options)


def test_the_answer_is_the_mixture_of_the_lowest_loss_or_the_set_of_them(study, found) -> None:
    made, _ = study
    told, _ = found
    true = {name: sum(made.loss(s, each) for s in SOURCES) / 3 for name, each in STRATEGIES.items()}
    best = min(true, key=true.__getitem__)
    assert best in told["decision"]["tied"] and "mostly_speeches" not in told["decision"]["tied"]
    assert told["losses"]["alike"] == []
    assert told["judged_by"] == ["losses"] and "mostly_speeches" in told["losses"]["mixtures"]
    assert "nats per token" in told["answer"]


def test_a_single_source_whose_run_diverged_is_named_and_flatters_nobody(tmp_path) -> None:
    made = LossStudy(tmp_path, SOURCES)
    options = made.finish(STRATEGIES)
    number = options["mixtures"].index("only_novel")
    write_json(options["records"][number], {**read_json(options["records"][number]), "diverged": True})
    told, _ = concluded(tmp_path, options)
    assert "only_novel: a run diverged" in told["note"]
    [mean] = [row for row in told["criteria"] if "the mean single-source" in row["criterion"]]
    assert "only_reports" in mean["evidence"] and "only_novel" not in mean["evidence"]


def test_a_mixture_whose_run_diverged_is_named_and_neither_recommended_nor_in_anyones_way(tmp_path, found) -> None:
    before, _ = found
    made = LossStudy(tmp_path, SOURCES)
    options = made.finish(STRATEGIES)
    number = options["mixtures"].index("mostly_speeches")
    write_json(options["records"][number], {**read_json(options["records"][number]), "diverged": True})
    losses = read_json(options["perplexity"][number])
    for each in losses["sources"].values():
        each["sequence_losses"] = [loss + 4 for loss in each["sequence_losses"]]
        each["loss"] += 4
    write_json(options["perplexity"][number], losses)
    told, _ = concluded(tmp_path, options)
    assert "mostly_speeches: a run diverged" in told["note"]
    assert told["decision"]["tied"] == before["decision"]["tied"]
    assert "mostly_speeches" not in told["overall"]["comparisons"] | told["strategies"]["comparisons"]
    number = options["mixtures"].index
    for mixture in set(options["mixtures"]):
        record = options["records"][number(mixture)]
        write_json(record, {**read_json(record), "diverged": True})
    told, _ = concluded(tmp_path, options)
    assert "even" in told["overall"]["comparisons"] | {told["overall"]["leader"]: 0}


def test_no_word_is_of_scores_capabilities_or_items(found) -> None:
    told, page = found
    assert told["scores"] is None and told["best_per_capability"] is None
    for text in (page, json.dumps({key: told[key] for key in ("answer", "note", "criteria", "trade_offs", "optimum")})):
        for word in ("score", "capabilit", "items"):
            assert word not in text.lower().replace("datasets.interleave_datasets", "")


def test_losses_perplexity_and_bits_stand_by_source_with_their_mean(found) -> None:
    losses = found[0]["losses"]
    cell = losses["mixtures"]["even"]["sources"]["novel"]
    assert cell["interval"][0] < cell["loss"] < cell["interval"][1]
    assert cell["perplexity"] == pytest.approx(2.718281828 ** cell["loss"])
    of_sources = [each["loss"] for each in losses["mixtures"]["even"]["sources"].values()]
    assert losses["mixtures"]["even"]["mean"]["loss"] == pytest.approx(sum(of_sources) / 3)
    assert losses["mixtures"]["even"]["mean"]["bits_per_byte"] > 0


def test_the_recommended_mixture_is_held_against_equal_shares_sizes_and_the_best_single(found) -> None:
    told, page = found
    losses, chosen = told["losses"], told["recommended"]["mixture"]
    [recipe] = [row["evidence"] for row in told["criteria"] if row["criterion"] == "Reproducible recipe"]
    assert recipe.startswith(f"Run {chosen}, identity ")
    assert losses["baselines"]["equal shares"] == "even" and losses["baselines"]["shares by size"] == "proportional"
    assert losses["baselines"]["the best single source"].startswith("only_") and losses["reference"] == "even"
    row = next(row for row in losses["against"] if row["baseline"] == "the best single source")
    assert row["verdict"] == "lower" and row["perplexity_interval"][1] < 0 and chosen != row["reference"]
    assert "significantly lower" in page and "## Against what needs no study" in page


def test_what_was_predicted_is_validation_loss_and_holds(found) -> None:
    told, page = found
    assert told["predictions"]["of"] == "losses"
    assert told["predictions"]["inside"] > 0.8 and all(row["predicted"] > 3 for row in told["predictions"]["rows"])
    assert "mean loss on validation text of" in told["optimum"]["text"] and ", inside that" in told["optimum"]["text"]
    assert "Each is a mean loss on validation text" in page


def test_the_table_of_methods_has_the_same_decision(study, found, tmp_path) -> None:
    _, options = study
    kept = [place for place, name in enumerate(options["mixtures"]) if not name.startswith("only_")]
    each = {key: [options[key][place] for place in kept] for key in ("mixtures", "seeds", "records", "perplexity")}
    outputs = {"csv": tmp_path / "m.csv", "json": tmp_path / "m.json", "page": tmp_path / "m.md"}
    compare_methods.main(title="Which?", **each, guides={}, replays={}, **outputs)
    board = read_json(outputs["json"])
    assert board["decision"] == found[0]["decision"] and board["stratified"] == "even"


@pytest.mark.parametrize(
    ("even", "stratified"),
    [([[0.5, 0.5]], "other"), ([[0.5, 0.5], [0.4, 0.6]], None), ([[0.4, 0.6]], None), ([[0.4, 0.6], [0.5, 0.5]], None)],
)
def test_stratified_is_a_mixture_of_all_sources_alike_from_start_to_end(study, tmp_path, even, stratified) -> None:
    _, options = study
    names = ["uneven", "other"]
    files = [tmp_path / f"{name}.json" for name in names]
    for file, stages in zip(files, ([[0.7, 0.3]], even), strict=True):
        schedule = [{"until": 1.0, "weights": dict(zip("ab", shares, strict=True))} for shares in stages]
        write_json(file, {**read_json(options["records"][0]), "identity": file.name, "schedule": schedule})
    each = {"mixtures": names, "seeds": [0, 0], "records": files, "perplexity": options["perplexity"][:2]}
    outputs = {"csv": tmp_path / "m.csv", "json": tmp_path / "m.json", "page": tmp_path / "m.md"}
    compare_methods.main(title="Which?", **each, guides={}, replays={}, **outputs)
    assert read_json(outputs["json"])["stratified"] == stratified


def test_a_copied_model_took_as_long_as_the_run_that_it_was_copied_from(study, tmp_path) -> None:
    _, options = study
    each = {key: options[key][:1] * 2 for key in ("seeds", "perplexity")}
    record = read_json(options["records"][0])
    records = [tmp_path / "copy.json", tmp_path / "run.json"]
    write_json(records[0], {**record, "copied_from": "of another experiment", "seconds": 0.0, "copied_seconds": 30.0})
    write_json(records[1], {**record, "seconds": 20.0})
    outputs = {"csv": tmp_path / "m.csv", "json": tmp_path / "m.json", "page": tmp_path / "m.md"}
    told = {"title": "Which?", "mixtures": ["twin", "even"], "guides": {}, "replays": {}}
    compare_methods.main(**told, **each, records=records, **outputs)
    (row,) = read_json(outputs["json"])["methods"]
    assert [cost["seconds"] for cost in row["costs"].values()] == [30.0, 20.0]


def test_weights_of_sources_decide_what_is_best(study) -> None:
    made, options = study
    groups = {**options["groups"], "loss_weights": {"speeches": 1.0}, "predicted": None}
    told, page = concluded(made.folder, {**options, "groups": groups})
    assert told["decision"]["winner"] == "mostly_speeches" and told["losses"]["weights"] == {"speeches": 1.0}
    assert told["predictions"] is None and "weights in the mean: speeches 1.00" in page


def test_of_mixtures_that_are_tied_the_lowest_loss_is_recommended_with_its_reason(tmp_path) -> None:
    made = LossStudy(tmp_path, SOURCES, noise=0.3)
    told, _ = concluded(tmp_path, made.finish(STRATEGIES, singles=False))
    assert len(told["decision"]["tied"]) > 1 and told["recommended"]["mixture"] == told["decision"]["tied"][0]
    assert "which has the lowest mean test loss of them" in told["answer"]


def test_the_plan_takes_the_noise_of_the_mean_that_judges_from_the_runs_there_are(study) -> None:
    made, _ = study
    noises = []
    for weights in (None, {"novel": 1.0}):
        design = detectable_losses(dict.fromkeys(SOURCES, 60), 3, 3, weights=weights)
        noises.append(plan_budget.measured_noise(made.folder / "results", list(STRATEGIES), design))
    assert noises[1]["mean"] == pytest.approx(noises[1]["novel"]) != pytest.approx(noises[0]["mean"])
    assert noises[0]["novel"] == noises[1]["novel"]
    assert plan_budget.measured_noise(made.folder / "results", ["another"], design) == {}


def test_the_effects_of_a_plan_are_those_of_what_judges_with_the_noise_that_was_measured() -> None:
    sizes, weights = dict.fromkeys(SOURCES, 60), {"novel": 1.0}
    of_losses = detectable_losses(sizes, 3, 4, weights=weights)
    noise = {"novel": 0.02, "mean": 0.03}
    found = plan_budget.with_noise(of_losses, {**noise, "a source of before": 0.1})
    assert found == detectable_losses(sizes, 3, 4, weights=weights, seed_noise=noise) != of_losses
    of_scores = detectable_effects({"reasoning": 200}, 3, 4)
    found = plan_budget.with_noise(of_scores, {"mean": 0.01})
    assert found == detectable_effects({"reasoning": 200}, 3, 4, seed_noise={"mean": 0.01}) != of_scores


def test_one_run_of_each_mixture_says_nothing_of_the_noise_between_seeds(study, tmp_path) -> None:
    made, _ = study
    for name in STRATEGIES:
        shutil.copytree(made.folder / "results" / name, tmp_path / name)
    design = detectable_losses(dict.fromkeys(SOURCES, 60), 3, 3)
    assert plan_budget.measured_noise(tmp_path, list(STRATEGIES), design) == {}


def test_a_mixture_that_is_called_as_a_run_of_another_one_is_no_seed_of_it_for_the_plan(study, tmp_path) -> None:
    made, _ = study
    design = detectable_losses(dict.fromkeys(SOURCES, 60), 3, 3)
    before = plan_budget.measured_noise(made.folder / "results", ["even"], design)
    results = tmp_path / "results"
    shutil.copytree(made.folder / "results", results)
    shutil.copytree(results / "mostly_speeches", results / "even-seed7")
    assert plan_budget.measured_noise(results, ["even", "even-seed7"], design) == before


def test_one_seed_is_an_order_and_no_claim(study, tmp_path) -> None:
    _, options = study
    first = [place for place, seed in enumerate(options["seeds"]) if seed == 0]
    each = {key: [options[key][p] for p in first] for key in ("runs", "mixtures", "seeds", "records", "perplexity")}
    told, _ = concluded(tmp_path, {**options, **each})
    assert told["decision"]["winner"] is None and "has the lowest mean test loss" in told["answer"]
    assert {row["verdict"] for row in told["losses"]["against"]} == {"no significant difference"}


def test_a_source_under_two_names_is_said_to_be_one(tmp_path) -> None:
    made = LossStudy(tmp_path, {**SOURCES, "speeches_again": 4.0}, twins={"speeches_again": "speeches"})
    even = dict.fromkeys(made.sources, 0.25)
    told, page = concluded(tmp_path, made.finish({"even": even}))
    assert [row["sources"] for row in told["losses"]["alike"]] == [["speeches", "speeches_again"]]
    assert "The sources speeches and speeches_again cannot be told apart" in told["answer"] and told["answer"] in page
