"""What can be said of the rules without running them."""

import re
import subprocess
from pathlib import Path

import pytest
from workflow_project import ROOT, snakemake

RULE_FILES = sorted((ROOT / "rules").glob("*.smk"))


def rules():
    """(file, name, text) of every rule."""
    for file in [*RULE_FILES, ROOT / "Snakefile"]:
        for block in re.split(r"\n(?=rule )", file.read_text())[1:]:
            yield file.name, re.match(r"rule (\w+):", block)[1], block


@pytest.mark.parametrize(("file", "name", "text"), list(rules()), ids=lambda value: str(value)[:30].split("\n")[0])
def test_every_rule_has_a_docstring_a_log_an_environment_and_a_script_of_its_name(file, name, text):
    assert re.match(rf'rule {name}:\n    """[A-Z].*"""', text)
    if name in ("all", "laws"):  # they only gather
        return
    assert "\n    log:\n" in text
    assert re.search(r'conda:\n +"\.\./envs/\w+\.yaml"', text)
    assert (ROOT / "workflow/scripts" / f"{name}.py").exists()
    assert "message:" not in text and "checkpoint" not in text.split("shell:")[0]


@pytest.mark.parametrize(("file", "name", "text"), list(rules()), ids=lambda value: str(value)[:30].split("\n")[0])
def test_a_rule_that_lists_its_script_lists_all_that_the_script_imports(file, name, text):
    listed = "script=script_file(" in text
    assert listed == ("library=" in text)
    if listed:
        assert f'script=script_file("{name}"),\n        library=imports_of("{name}"),' in text
        assert re.search(r'"(\| )?python \{input.script:q\} ', text)
    elif name not in ("all", "laws"):
        assert re.search(rf"f\"(\| )?python {{script\('{name}'\)}} ", text)


@pytest.mark.parametrize(("file", "name", "text"), list(rules()), ids=lambda value: str(value)[:30].split("\n")[0])
def test_what_grows_with_the_number_of_runs_or_shards_is_no_argument(file, name, text):
    runs = r"of_each_run|[^_]runs_of\(|plan_of|further_records|infos_of_candidates|predicted_mixtures|\[swarm\]\.points"
    grows = re.search(rf"{runs}|paths\.(signatures|clean_documents|token_shards|held_out_ngrams)", text)
    if grows and "shell:" in text:
        assert "\"printf '%s\\\\0' \"" in text and "@- " in text


def test_figures_that_tell_mixtures_by_colour_draw_those_with_the_same_runs_once():
    """Else the colours of those that follow differ from one figure to the next."""
    for _, name, text in rules():
        if name in ("plot_capability_radar", "plot_training_curves"):
            assert "--records {input.records:q} " in text


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.stem)
def test_commands_have_one_option_a_line(file):
    for line in file.read_text().splitlines():
        assert not re.search(r"--[a-z].* --[a-z]|--[a-z].* 2> ", line), line


def test_every_environment_file_exists_and_pins_every_version():
    import yaml

    used = {name for *_, text in rules() for name in re.findall(r'"\.\./envs/(\w+\.yaml)"', text)}
    assert used == {"data.yaml", "train.yaml", "analysis.yaml", "downstream.yaml"}
    for name in used:
        *conda, pip = yaml.safe_load((ROOT / "envs" / name).read_text())["dependencies"]
        assert all(re.fullmatch(r"[\w-]+=[\d.]+", entry) for entry in conda), name
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", entry) for entry in pip["pip"]), name


def test_environments_and_lock_agree_on_versions():
    import yaml

    text = "".join((ROOT / name).read_text() for name in ("requirements.lock", "torch.lock"))
    pairs = re.findall(r"^([\w.-]+)==([^;\s]+)", text, re.MULTILINE)
    lock = {re.sub(r"[._]", "-", name.lower()): version for name, version in pairs}
    for file in (ROOT / "envs").glob("*.yaml"):
        for entry in yaml.safe_load(file.read_text())["dependencies"][-1]["pip"]:
            name, version = entry.split("==")
            if name == "lm-eval":  # asks for an older python-dateutil than the lock has
                continue
            assert lock[re.sub(r"[._]", "-", name.lower())] == version, f"{file.name}: {name}"


def test_every_dependency_but_torch_is_pinned_by_hashes():
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", "")
    for entry in text.splitlines():
        assert re.fullmatch(r"[\w.-]+==[\w.]+( ; .*?)?( +--hash=sha256:[0-9a-f]{64})+", entry), entry[:80]
    assert "--require-hashes" in (ROOT / "Makefile").read_text()


def test_the_workflow_has_no_lint(fresh):
    assert "good condition" in snakemake(fresh, "--lint").stdout


def test_the_rules_are_formatted():
    subprocess.run(["snakefmt", "--check", "Snakefile", "rules"], cwd=ROOT, check=True, capture_output=True)


def test_the_documented_rule_graph_is_the_one_there_is(fresh):
    graph = snakemake(fresh, "--rulegraph", "mermaid-js").stdout
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    edges = sorted(f"    {names[a]} --> {names[b]}" for a, b in re.findall(r"(id\d+) --> (id\d+)", graph))
    expected = "\n".join(["```mermaid", "flowchart LR", *edges, "```"])
    assert edges
    assert expected in (ROOT / "docs/dag.md").read_text(), f"docs/dag.md should hold:\n{expected}"


def test_the_slurm_profile_gives_every_rule_on_a_gpu_its_threads_and_memory():
    import yaml

    profile = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())
    on_gpus = {name for _, name, text in rules() if "gpu=1" in text}
    assert on_gpus == set(profile["set-threads"]) == set(profile["set-resources"])


def test_the_slurm_profile_is_found_by_its_name(fresh):
    output = snakemake(fresh, "--profile", "slurm", "-n").stdout
    assert "train" in output


def test_the_schema_of_the_configuration_is_a_schema():
    import yaml
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(yaml.safe_load(Path("workflow/schemas/config.schema.yaml").read_text()))
