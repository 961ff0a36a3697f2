"""One installation serves many studies: other working directories, modules, and the place of the catalog."""

import pytest
from workflow_project import TINY, copy_project, planned, snakemake


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the workflow, and beside it folders of studies."""
    return copy_project(tmp_path_factory.mktemp("installed") / "emulsion")


@pytest.fixture(scope="module")
def shipped(installed):
    """What is planned beside the workflow, of the configuration that comes with it."""
    return planned(installed)


@pytest.fixture
def study(installed, tmp_path):
    """An empty folder."""
    return tmp_path


def module_of(installed, configuration=""):
    return (
        f'{configuration}module emulsion:\n    snakefile:\n        "{installed}/Snakefile"\n'
        f"{'    config:' if configuration else ''}{chr(10) + '        config' if configuration else ''}\n\n"
        "use rule * from emulsion\n"
    )


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_from_an_empty_folder_the_shipped_study_is_planned(installed, shipped, study, snakefile):
    assert planned(study, "-s", f"{installed}/{snakefile}") == shipped
    assert planned(study.parent, "-s", f"{installed}/{snakefile}", "--directory", str(study)) == shipped


def test_overlays_are_laid_over_the_shipped_configuration(installed, study):
    overlay = ("--configfile", f"{installed}/config/full.yaml")
    assert planned(study, "-s", f"{installed}/Snakefile", *overlay) == planned(installed, *overlay)


def test_a_folder_with_its_own_configuration_uses_that(installed, study):
    text = (installed / "config.yaml").read_text()
    (study / "config.yaml").write_text(text.replace("      - conversation_heavy\n", ""))
    plan = planned(study, "-s", f"{installed}/Snakefile")
    assert "experiment=exp3, run=conversation_heavy" not in plan["train"]
    assert "experiment=exp3, run=equal_mix" in plan["train"]


def test_the_workflow_is_a_module(installed, shipped, study):
    (study / "Snakefile").write_text(module_of(installed))
    assert planned(study) == shipped


def test_a_module_takes_the_configuration_of_the_study(installed, study):
    (study / "mine.yaml").write_text((installed / "config.yaml").read_text().replace("seeds: [0]", "seeds: [0, 1]"))
    (study / "Snakefile").write_text(module_of(installed, 'configfile: "mine.yaml"\n\n\n'))
    assert "experiment=exp3, run=equal_mix-seed1" in planned(study)["train"]


def test_results_lie_in_the_working_directory_and_nothing_beside_the_workflow(installed, study, warm):
    before = sorted(installed.rglob("*"))
    (study / "tiny.yaml").write_text((installed / TINY[1]).read_text())
    arguments = ("-s", f"{installed}/Snakefile", "--configfile", "tiny.yaml", "--cores", "2")
    snakemake(study, *arguments, "data/exp3_equal_mix_info.json", environment=warm)
    assert (study / "data/exp3_equal_mix_info.json").exists()
    assert (study / "data/normalized").is_dir()
    after = sorted(file for file in installed.rglob("*") if "__pycache__" not in file.parts)
    assert [file for file in after if file not in before] == []


def test_braces_in_the_path_of_the_workflow_are_refused_in_words(tmp_path):
    said = snakemake(copy_project(tmp_path / "of {mine}"), "--cores", "1", "-n", check=False).stdout
    assert "of {mine}: has braces in its path, which Snakemake takes for wildcards. Move the workflow to a" in said
