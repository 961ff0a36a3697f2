"""Every analysis of an experiment, made by the real workflow on two sources, and read as a user reads it."""

import json

import pytest
import yaml
from workflow_project import CONCLUSIONS, planned, read, snakemake

SOURCES = ("openhermes", "magpie")


def test_every_mixture_is_trained_on_the_same_number_of_tokens(concluded):
    runs = ("even", "mostly_magpie", "only_magpie", "without_magpie", "proportional", "optimal")
    tokens = {read(concluded, f"models/exp3-{run}/run.json")["tokens"] for run in runs}
    assert len(tokens) == 1


def test_an_ablation_trains_on_nothing_of_the_source_left_out(concluded):
    record = read(concluded, "models/exp3-without_magpie/run.json")
    assert record["sequences_per_source"]["magpie"] == 0
    assert record["sequences_per_source"]["openhermes"] == record["sequences"]


def test_the_optimum_keeps_its_bounds_and_is_trained_for_real(concluded):
    optimum = read(concluded, "results/exp3/optimal_mix.json")
    assert sum(optimum["ratios"].values()) == pytest.approx(1)
    assert all(0.1 - 1e-9 <= ratio <= 0.6 + 1e-9 for ratio in optimum["ratios"].values())
    assert read(concluded, "models/exp3-optimal/run.json")["mixing_ratios"] == pytest.approx(optimum["ratios"])
    assert len(optimum["observed_vs_predicted"]) == 5


def test_contributions_have_a_verdict_for_every_source_and_capability(concluded):
    found = read(concluded, "results/exp3/contributions.json")
    for source in SOURCES:
        cells = found["capabilities"][source]
        assert len(cells) == 5
        assert {cell["verdict"] for cell in cells.values()} <= {"contributes", "no significant effect", "hurts"}
        assert set(found["losses"][source]) == set(SOURCES)


def test_leaving_a_source_out_raises_the_loss_on_it(concluded):
    losses = read(concluded, "results/exp3/contributions.json")["losses"]
    assert all(losses[source][source]["verdict"] == "contributes" for source in SOURCES)


def test_the_recommended_mixture_is_ready_to_paste_into_the_configuration(concluded, tmp_path):
    found = read(concluded, "results/exp3/recommendations.json")
    block = yaml.safe_load(found["recommended"]["config"])
    assert sum(block["strategies"]["recommended"]["ratios"].values()) == pytest.approx(1)
    overlay = tmp_path / "recommended.yaml"
    chosen = "experiments: {exp3: {strategies: [even, recommended]}}"
    overlay.write_text(f"{found['recommended']['config']}\n{chosen}")
    jobs = planned(concluded, "models/exp3-recommended/run.json", *CONCLUSIONS, str(overlay))
    assert jobs["train"] == ["experiment=exp3, run=recommended"]


def test_a_recipe_trained_twice_gives_the_same_weights(concluded):
    models = [concluded / f"models/exp3-{run}/model.safetensors" for run in ("optimal", "optimal-again")]
    assert models[0].read_bytes() == models[1].read_bytes()
    criteria = read(concluded, "results/exp3/recommendations.json")["criteria"]
    assert [row["verdict"] for row in criteria if "eprod" in row["criterion"]] == ["met"]


def test_no_winner_is_named_on_thirty_items(concluded):
    assert read(concluded, "results/exp3/recommendations.json")["recommended"]["clear_winner"] is False


def test_the_account_charges_every_run_to_a_stage(concluded):
    spent = read(concluded, "results/exp3/budget.json")["spent"]
    stages = {stage: each["runs"] for stage, each in spent.items()}
    # With two sources a single is what an ablation leaves: of the two, the one that was trained later is a copy, and
    # counts as none. Two that were trained side by side, as chance will have it, count both.
    alone = stages.pop("singles") + stages.pop("ablations")
    pairs = [("only_openhermes", "without_magpie"), ("only_magpie", "without_openhermes")]
    records = [
        read(concluded, f"models/exp3-{name}{seed}/run.json")
        for pair in pairs
        for name in pair
        for seed in ("", "-seed1")
    ]
    assert alone == sum("copied_from" not in record for record in records) and 4 <= alone <= 8
    assert stages == {"strategies": 4, "methods": 4, "repetition": 1, "swarms": 5, "total": 14 + alone}
    assert spent["total"]["tokens"] == sum(each["tokens"] for stage, each in spent.items() if stage != "total")
    assert spent["total"]["training_hours"] > 0
    assert spent["total"]["evaluation_hours"] > 0
    assert spent["total"]["unmeasured_jobs"] == 0
    benchmarks = concluded.glob("logs/train/*.benchmark.jsonl")
    seconds = sum(json.loads(line)["s"] for file in benchmarks for line in file.read_text().splitlines())
    assert spent["total"]["training_hours"] >= seconds / 3600 - 1e-9  # the sums are added up in another order


def test_nothing_is_planned_when_all_is_concluded(concluded):
    assert planned(concluded, *CONCLUSIONS) == {}


def test_other_ratios_of_one_strategy_train_that_strategy_alone(concluded, tmp_path):
    (tmp_path / "other.yaml").write_text("strategies: {mostly_magpie: {ratios: {openhermes: 1, magpie: 4}}}")
    jobs = planned(concluded, *CONCLUSIONS, str(tmp_path / "other.yaml"))
    assert {job.split("run=")[1] for job in jobs["train"]} == {"mostly_magpie", "mostly_magpie-seed1"}
    assert "predict_mixtures" in jobs and "recommend" in jobs and "propose_mixture" not in jobs


def test_a_method_less_makes_all_anew_that_shows_it(concluded, tmp_path):
    (tmp_path / "fewer.yaml").write_text("experiments: {exp3: {methods: [optimal]}}")
    jobs = planned(concluded, *CONCLUSIONS, str(tmp_path / "fewer.yaml"))
    made = {"predict_mixtures", "compare_methods", "plot_capability_heatmap", "plot_pareto", "account_budget"}
    assert made <= jobs.keys() and not {"train", "propose_mixture", "evaluate"} & jobs.keys()


def test_a_further_point_plans_its_swarm_and_the_optimum_alone(concluded, tmp_path):
    (tmp_path / "more.yaml").write_text("swarms: {small: {points: {count: 6}}}")
    jobs = planned(concluded, *CONCLUSIONS, str(tmp_path / "more.yaml"))
    assert jobs["propose_mixture"] == ["experiment=exp3, mix=optimal"]
    trained = {job.split("run=")[1] for job in jobs["train"]}
    assert trained == {"optimal", "optimal-seed1", "optimal-again"} and "write_mixture" not in jobs
    # The runs there are come from the journal.
    kept = {file: file.stat().st_mtime_ns for file in (concluded / "checkpoints/swarms").iterdir()}
    assert len(kept) == 2 * 5


def test_the_report_opens_offline_with_the_recommendation(concluded, tmp_path):
    snakemake(concluded, *CONCLUSIONS, "--report", str(tmp_path / "report.html"))
    report = (tmp_path / "report.html").read_text()
    assert "recommendations" in report
    assert "Pareto front" in report


@pytest.mark.slow
def test_the_direct_search_finds_a_mixture_within_bounds_and_goes_on_from_its_cache(concluded, tmp_path):
    import shutil

    shutil.copytree(concluded, tmp_path / "project", symlinks=True)
    (tmp_path / "direct.yaml").write_text(
        "methods: {optimal: {kind: direct_search, swarm: null, evaluations: 4, tokens: 20_000}}"
    )
    target = "results/exp3/optimal_mix.json"
    overlays = (*CONCLUSIONS, str(tmp_path / "direct.yaml"))
    snakemake(tmp_path / "project", target, "--cores", "1", *overlays)
    found = read(tmp_path / "project", target)
    assert found["method"] == "direct_search" and found["cost"]["runs"] == 4
    assert len(found["history"]) == 4
    assert all(0.1 - 1e-9 <= ratio <= 0.6 + 1e-9 for ratio in found["ratios"].values())
    cached = {file: file.stat().st_mtime_ns for file in (tmp_path / "project/checkpoints/swarms").rglob("*.json")}
    (tmp_path / "project" / target).unlink()
    snakemake(tmp_path / "project", target, "--cores", "1", *overlays)
    assert {file: file.stat().st_mtime_ns for file in cached} == cached
    assert read(tmp_path / "project", target) == found
    snakemake(tmp_path / "project", "results/exp3/budget.json", "--cores", "1", *overlays)
    account = read(tmp_path / "project", "results/exp3/budget.json")
    assert account["spent"]["searches"]["runs"] == 4
    assert account["spent"]["searches"]["tokens"] == found["cost"]["tokens"] == 4 * 19_760
    assert account["planned"]["costs"]["searches"]["runs"] == 4
