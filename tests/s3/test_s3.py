"""Results on S3-compatible storage, `profiles/s3`, with a server on this machine: the figure is that of a local run."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow_project import copy_project

pytestmark = pytest.mark.s3
TOOLS = ("snakemake-storage-plugin-s3==0.3.6", "moto[server]==5.2.5")
TINY = ("--configfile", "tests/slurm/tiny.yaml")
FIGURE = "figures/exp3_capability_heatmap.png"
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which Snakemake's plugin and the server are found beside what is installed."""
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *TOOLS], check=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, **KEYS, "PATH": path, "PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def endpoint(tools: dict[str, str]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=tools,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port}"
        on_storage(tools, address, "storage.create_bucket(Bucket='studies')")
        yield address
    finally:
        server.kill()
        server.wait()


def on_storage(tools: dict[str, str], endpoint: str, words: str) -> str:
    """What a statement about `storage`, a client of boto3's, prints."""
    made = f"import boto3; storage = boto3.client('s3', endpoint_url='{endpoint}'); {words}"
    done = subprocess.run([sys.executable, "-c", made], env=tools, check=True, capture_output=True, text=True)
    return done.stdout


def make(folder: Path, tools: dict[str, str], *arguments: str) -> str:
    command = ["snakemake", FIGURE, "--cores", "2", *TINY, *arguments]
    done = subprocess.run(command, cwd=folder, env=tools, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_a_figure_made_on_storage_is_that_of_a_local_run(tools: dict[str, str], endpoint: str, tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "study")
    profile = folder / "profiles/s3/profile.yaml"
    text = profile.read_text().replace("s3://your-bucket/your-study", "s3://studies/first")
    profile.write_text(re.sub("# (storage-s3-endpoint-url: ).*", rf"\1{endpoint}", text))
    make(folder, tools, "--profile", "profiles/s3")
    assert not (folder / "figures").exists() and not (folder / "models").exists()
    assert "Nothing to be done" in make(folder, tools, "--profile", "profiles/s3")
    local = copy_project(tmp_path / "local")
    make(local, tools)
    for name in (FIGURE, "models/exp3-equal_mix/model.safetensors"):
        copy = tmp_path / Path(name).name
        on_storage(tools, endpoint, f"storage.download_file('studies', 'first/{name}', '{copy}')")
        assert copy.read_bytes() == (local / name).read_bytes(), name
