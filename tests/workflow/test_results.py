"""What the workflow made, read as a user reads it."""

import pytest
from workflow_project import TINY, read, snakemake

STRATEGIES = ("equal_mix", "knowledge_heavy")
SOURCES = ("openhermes", "cosmopedia", "magpie", "fineweb")
CAPABILITIES = {"instruction_following", "factual_knowledge", "reasoning", "conversation", "creativity"}


@pytest.mark.parametrize("figure", ["capability_heatmap", "capability_radar", "training_curves", "mixtures"])
def test_every_figure_is_drawn_at_print_resolution(finished, figure):
    from matplotlib.image import imread

    image = imread(finished / f"figures/exp3_{figure}.png")
    assert image.shape[1] >= 7 * 300 * 0.95
    assert image.std() > 0.01


def test_realised_shares_are_the_configured_ratios_to_one_sequence_and_totals_are_equal(finished):
    ratios = {
        "equal_mix": dict.fromkeys(SOURCES, 0.25),
        "knowledge_heavy": {"openhermes": 0.20, "cosmopedia": 0.40, "magpie": 0.10, "fineweb": 0.30},
    }
    totals = set()
    for strategy in STRATEGIES:
        record = read(finished, f"models/exp3-{strategy}/run.json")
        info = read(finished, f"data/exp3_{strategy}_info.json")
        for source in SOURCES:
            assert abs(record["sequences_per_source"][source] - ratios[strategy][source] * record["sequences"]) < 1
        assert info["sequences_per_source"] == record["sequences_per_source"]
        totals.add(record["tokens"])
    assert len(totals) == 1


def test_every_model_is_evaluated_on_every_source_and_capability(finished):
    for strategy in STRATEGIES:
        perplexity = read(finished, f"results/exp3/{strategy}/perplexity.json")
        assert set(perplexity["sources"]) == set(SOURCES)
        for losses in perplexity["sources"].values():
            low, high = losses["loss_interval"]
            assert low <= losses["loss"] <= high
        capabilities = read(finished, f"results/exp3/{strategy}/capabilities.json")["capabilities"]
        assert set(capabilities) == CAPABILITIES
        assert all(scores["items"] == 6 for scores in capabilities.values())
        selection = read(finished, f"results/exp3/{strategy}/capabilities.json")["selection"]["capabilities"]
        assert all(scores["items"] == 6 for scores in selection.values())


def test_every_generation_is_kept(finished):
    lines = (finished / "results/exp3/equal_mix/generations.jsonl").read_text().splitlines()
    items = read(finished, "data/suites/world.json")["items"]
    assert len(lines) == sum(item["kind"] == "generation" for item in items)


def test_every_row_of_every_source_is_accounted_for(finished):
    for source in SOURCES:
        stats = read(finished, f"data/stats/{source}.json")
        header = read(finished, f"data/tokens/demo/{source}/header.json")
        rows = stats["rows"]
        assert rows["read"] == rows["kept"] + sum(rows["removed"].values()) == 250
        assert sum(split["documents"] for split in header["splits"].values()) == rows["kept"]
        assert stats["tokens"]["demo"] == sum(split["tokens"] for split in header["splits"].values())
        assert stats["bytes"] == sum(split["bytes"] for split in header["splits"].values())


def test_nothing_is_left_to_resume_when_all_is_trained(finished):
    assert list((finished / "checkpoints").glob("*")) == []


def test_the_report_holds_every_figure_with_its_caption(finished, tmp_path):
    snakemake(finished, *TINY, "--report", str(tmp_path / "report.html"))
    report = (tmp_path / "report.html").read_text()
    for figure in ("heatmap", "radar", "training curves", "mixtures"):
        assert figure in report


def test_an_infeasible_mixture_is_refused_by_its_description_and_by_its_training(editable, tmp_path):
    overlay = tmp_path / "greedy.yaml"
    overlay.write_text("experiments: {exp3: {tokens: 4_000_000, max_epochs: {on_excess: refuse}}}")
    for target in ("models/exp3-equal_mix/run.json", "data/exp3_equal_mix_info.json"):
        result = snakemake(editable, target, "--cores", "1", *TINY, str(overlay), check=False)
        assert result.returncode != 0
        assert "max_epochs is 4" in result.stdout
        assert "tokens wanted" in result.stdout
