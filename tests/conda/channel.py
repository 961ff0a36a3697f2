"""A conda channel with the two packages that envs/*.yaml take from conda-forge: this machine's Python, and pip.

    python channel.py FOLDER PIP_WHEEL

Python is packed from the installation that runs this; it finds its library by a relative path then.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from rattler.index import index_fs
from rattler_build import assemble_package

PLATFORM = "linux-64"
VERSION = sys.version.split()[0]
SHORT = f"{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = ("site-packages", "test", "tests", "idlelib", "__pycache__", "config-*")
PIP = '#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'


def stage_python(folder: Path) -> None:
    """The files of this Python, below a prefix that may be anywhere."""
    here = Path(sys.base_prefix)
    (folder / "bin").mkdir(parents=True)
    programs = [folder / "bin" / name for name in (f"python{SHORT}", "python3", "python")]
    for program in programs:
        shutil.copy2(here / f"bin/python{SHORT}", program)
    shutil.copytree(
        here / f"lib/python{SHORT}", folder / f"lib/python{SHORT}", ignore=shutil.ignore_patterns(*LEFT_OUT)
    )
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        name = sysconfig.get_config_var("INSTSONAME")
        shutil.copy2(Path(sysconfig.get_config_var("LIBDIR"), name), folder / "lib" / name)
        for program in programs:
            subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../lib", program], check=True)


def stage_pip(folder: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder / f"lib/python{SHORT}/site-packages")
    program = folder / "bin/pip"
    program.parent.mkdir(parents=True)
    program.write_text(PIP, encoding="utf-8")
    program.chmod(0o755)


def main(channel: Path, wheel: Path) -> None:
    """Write both packages and the channel's index."""
    stage_python(channel / "staged/python")
    stage_pip(channel / "staged/pip", wheel)
    packages = (("python", VERSION, []), ("pip", wheel.name.split("-")[1], [f"python {SHORT}.*"]))
    for name, version, depends in packages:
        assemble_package(
            name=name,
            version=version,
            target_platform=PLATFORM,
            build_string="0",
            output_dir=channel / PLATFORM,
            files_dir=channel / "staged" / name,
            depends=depends,
            compression_level=1,
        )
    shutil.rmtree(channel / "staged")
    (channel / "noarch").mkdir()
    asyncio.run(index_fs(channel))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
