"""What a dry run plans: for one figure, after an edit, for a mistake."""

import os
import time
from pathlib import Path

import pytest
from workflow_project import TINY, planned, snakemake


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_one_figure_plans_what_it_needs_and_no_other_figure(fresh):
    jobs = planned(fresh, "figures/exp3_capability_heatmap.png")
    # Six strategies and four methods, of which one may be recommended, with three seeds each.
    assert len(jobs["train"]) == len(jobs["evaluate"]) == 3 * (6 + 4)
    assert [rule for rule in jobs if rule.startswith("plot")] == ["plot_capability_heatmap"]
    assert "describe_source" not in jobs


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("figures/exp3_capability_heatmaps.png", "figures/exp3_capability_heatmap.png"),
        ("figures/exp9_pareto.png", "figures/exp3_pareto.png"),
        ("models/exp3-equal_mix-seed0/run.json", "models/exp3-equal_mix/run.json"),
        ("law", "laws"),
    ],
)
def test_a_file_that_no_rule_makes_is_refused_with_the_nearest_that_one_does(fresh, asked, nearest):
    result = snakemake(fresh, asked, "-n", check=False)
    assert result.returncode != 0
    assert f"error: No rule to produce {asked}. The nearest: " in result.stdout
    assert nearest in result.stdout.rpartition("The nearest: ")[2].rstrip(".\n").split(", ")


def test_a_file_that_is_like_none_is_refused_with_where_to_look(fresh):
    assert "docs/files.md has the files" in snakemake(fresh, "xyzzy", "-n", check=False).stdout


def test_the_plan_of_no_experiment_says_so(editable):
    (editable / "none.yaml").write_text("only: []\n")
    said = snakemake(editable, "--configfile", "none.yaml", "--cores", "1", "--quiet", "all", "--", "plan").stdout
    assert "The configuration is about no experiment." in said


def test_a_model_can_be_asked_for_by_its_path(fresh):
    jobs = planned(fresh, "models/exp3-equal_mix/run.json")
    assert jobs["train"] == ["experiment=exp3, run=equal_mix"]


def test_nothing_is_planned_when_all_is_made(finished):
    assert planned(finished, *TINY) == {}


def test_a_changed_ratio_rebuilds_its_own_branch_and_the_comparisons_below_it(editable):
    edit(
        editable / "config.yaml",
        "{openhermes: 0.20, cosmopedia: 0.40, magpie: 0.10, fineweb: 0.30}",
        "{openhermes: 0.15, cosmopedia: 0.45, magpie: 0.10, fineweb: 0.30}",
    )
    assert planned(editable, *TINY) == {
        "write_mixture": ["experiment=exp3, mix=knowledge_heavy"],
        "describe_mixture": ["experiment=exp3, mix=knowledge_heavy"],
        "train": ["experiment=exp3, run=knowledge_heavy"],
        "evaluate": ["experiment=exp3, run=knowledge_heavy"],
        "plot_capability_heatmap": ["experiment=exp3"],
        "plot_capability_radar": ["experiment=exp3"],
        "plot_training_curves": ["experiment=exp3"],
        "plot_mixtures": ["experiment=exp3"],
        "account_budget": ["experiment=exp3"],
        "recommend": ["experiment=exp3"],
        "present_decision": ["experiment=exp3"],
    }


def test_ratios_written_in_another_way_and_a_corrected_licence_rebuild_nothing_that_is_trained_on(editable):
    edit(
        editable / "config.yaml",
        "{openhermes: 0.20, cosmopedia: 0.40, magpie: 0.10, fineweb: 0.30}",
        "{fineweb: 3, openhermes: 2, cosmopedia: 4, magpie: 1}",
    )
    assert planned(editable, *TINY) == {}
    edit(editable / "config.yaml", "licence: apache-2.0", "licence: cc0-1.0")
    assert set(planned(editable, *TINY)) <= {"describe_source"}


def test_conclusions_that_are_gone_are_made_again_though_their_page_is_there(editable):
    (editable / "results/exp3/recommendations.md").unlink()
    assert set(planned(editable, *TINY)) == {"recommend", "present_decision"}


def test_an_edited_plot_redraws_its_figure_and_the_page_that_links_to_it(editable):
    with (editable / "workflow/scripts/emulsion/figures/radar.py").open("a") as module:
        module.write("# edited\n")
    one = ["experiment=exp3"]
    assert planned(editable, *TINY) == {"plot_capability_radar": one, "present_decision": one}


def test_a_touched_script_rebuilds_nothing(editable):
    later = time.time() + 10
    os.utime(editable / "workflow/scripts/plot_capability_radar.py", (later, later))
    assert planned(editable, *TINY) == {}


def test_edits_of_the_code_before_a_model_train_nothing_again(editable):
    for script in ("write_mixture", "normalize", "pack_tokens", "train", "emulsion/training/loop"):
        with (editable / f"workflow/scripts/{script}.py").open("a") as module:
            module.write("# edited\n")
    assert planned(editable, *TINY) == {}


def test_an_edit_of_the_description_of_a_mixture_describes_and_draws_it_again(editable):
    with (editable / "workflow/scripts/emulsion/plan.py").open("a") as module:
        module.write("# edited\n")
    again = planned(editable, *TINY).keys()
    # What else imports the plan is made again too (test_reruns.py says what), but no model.
    assert {"describe_mixture", "plot_mixtures"} <= again
    assert not {"train", "evaluate", "pack_tokens"} & again


def test_a_raised_limit_of_epochs_trains_nothing_again(editable):
    edit(editable / "config.yaml", "limit: 4", "limit: 5")
    assert planned(editable, *TINY).keys() == {
        "describe_mixture",
        "plot_mixtures",
        "account_budget",
        "present_decision",
    }


def test_a_raised_version_trains_everything_again(editable):
    edit(editable / "workflow/scripts/emulsion/study/experiment.py", "TRAIN_VERSION = 2", "TRAIN_VERSION = 3")
    assert len(planned(editable, *TINY)["train"]) == 2


def test_what_cannot_change_a_model_trains_nothing_again(editable):
    edit(editable / "config.yaml", "micro_batch: 6", "micro_batch: 4")
    edit(editable / "config.yaml", "title: Which", "title: Again, which")
    assert planned(editable, *TINY).keys() == {"recommend", "present_decision"}


def test_a_changed_source_rebuilds_what_reads_it(editable):
    edit(
        editable / "tests/config/tiny.yaml",
        "magpie: {synthetic: {documents: 250}}",
        "magpie: {synthetic: {documents: 260}}",
    )
    jobs = planned(editable, *TINY)
    assert jobs["fetch"] == ["source=magpie"]
    assert len(jobs["train"]) == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("experiments: {exp3: {model: tinny}}", "Did you mean 'tiny'?"),
        ("strategies: {equal_mix: {ratios: {magpie: -1}}}", "strategies.equal_mix.ratios.magpie: -1 is less than"),
        ("experimnts: {}", "Did you mean 'experiments'?"),
        ("held_out: 0.1\nheld_out: 0.2", "overlay.yaml:2: the key 'held_out' is written twice, in lines 1 and 2."),
    ],
)
def test_a_mistake_is_refused_before_any_job_in_one_message(fresh, tmp_path, setting, message):
    (tmp_path / "overlay.yaml").write_text(setting)
    result = snakemake(fresh, "-n", "--configfile", str(tmp_path / "overlay.yaml"), check=False)
    assert result.returncode != 0
    assert message in result.stdout
    assert "Traceback" not in result.stdout
    assert "Job stats" not in result.stdout


def test_a_further_seed_plans_the_new_runs_and_the_comparisons_alone(editable):
    (editable / "seeds.yaml").write_text("experiments: {exp3: {seeds: [0, 4]}}")
    jobs = planned(editable, *TINY, "seeds.yaml")
    new = ["experiment=exp3, run=equal_mix-seed4", "experiment=exp3, run=knowledge_heavy-seed4"]
    assert jobs["train"] == jobs["evaluate"] == new
    assert "write_mixture" not in jobs


def test_an_analysis_that_is_turned_off_leaves_the_plan(fresh):
    (fresh / "off.yaml").write_text(
        "experiments: {exp3: {ablations: null, methods: [proportional], singles: false}}\n"
        "figures: [exp3_capability_heatmap]"
    )
    on, off = planned(fresh), planned(fresh, "--configfile", "off.yaml")
    runs = {rule: " ".join(jobs["train"]) for rule, jobs in (("on", on), ("off", off))}
    assert all(kind in runs["on"] for kind in ("without_magpie", "only_magpie", "optimal"))
    assert not any(kind in runs["off"] for kind in ("without_", "only_", "optimal"))
    assert {"compare_ablations", "train_swarm", "propose_mixture", "plot_optimizer"} <= on.keys() - off.keys()


def test_the_heatmap_alone_needs_no_ablation_no_single_source_and_no_repetition(fresh):
    jobs = planned(fresh, "figures/exp3_capability_heatmap.png")
    assert not any(kind in " ".join(jobs["train"]) for kind in ("without_", "only_", "again"))
    (fresh / "six.yaml").write_text("experiments: {exp3: {methods: []}}")
    jobs = planned(fresh, "figures/exp3_capability_heatmap.png", "--configfile", "six.yaml")
    assert "train_swarm" not in jobs and len(jobs["train"]) == 6 * 3


DIRECT = "methods: {optimal: {kind: direct_search, swarm: null, evaluations: 5}}"


def test_a_direct_search_plans_no_swarm(fresh):
    (fresh / "direct.yaml").write_text(DIRECT)
    jobs = planned(fresh, "results/exp3/optimal_mix.json", "--configfile", "direct.yaml")
    assert jobs["search_mixture"] == ["experiment=exp3, mix=optimal"]
    assert not {"train", "propose_mixture", "train_swarm"} & jobs.keys()


def test_a_point_of_a_swarm_can_be_trained_as_a_run_of_its_own(fresh):
    jobs = planned(fresh, "models/exp3-small_03/run.json")
    assert jobs["train"] == ["experiment=exp3, run=small_03"]
    assert jobs["write_mixture"] == ["experiment=exp3, mix=small_03"]


def test_the_plan_of_the_budget_trains_nothing(fresh):
    assert planned(fresh, "results/exp3/plan.md").keys() == {"plan_budget"}


def test_more_gpu_memory_can_be_asked_for_without_training_again(finished):
    assert planned(finished, *TINY, "--set-resources", "train:mem_mb=99999", "--set-threads", "train=2") == {}


def test_the_hub_overlay_plans_the_real_data_on_a_cluster(fresh):
    jobs = planned(
        fresh, "figures/exp3_capability_heatmap.png", "--profile", "slurm", "--configfile", "config/full.yaml"
    )
    assert len(jobs["train"]) == 3 * (6 + 4)
    assert jobs["fetch_tokenizer"] == ["tokenizer=gpt2"]
    assert "generate_suite" not in jobs
