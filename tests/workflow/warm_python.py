"""Interpreters that have loaded what a command needs, as most of a small one is imports: `python` and `snakemake`.

A server forks for each command, with its arguments, folder, environment and streams. `python` is a function of the
shell of jobs that hands these over, and ends with the exit status of the fork. The project's own modules are loaded by
each fork, from beside its script or Snakefile. Tests that kill or interrupt a command have the real interpreter.
"""

from __future__ import annotations

import array
import atexit
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_CLIENT = """#!{python} -IS
import array, json, os, socket, sys

if not sys.argv[1:] or not sys.argv[1].endswith(".py"):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    streams = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
    server.sendmsg([len(told).to_bytes(8, "little")], streams)
    server.sendall(told)
    sys.exit(int(server.makefile().read() or 1))
"""
_OF_JOBS = """
import contextlib
import accelerate, cyclopts.help.formatters, datasets, lightgbm, matplotlib.backends.backend_agg, matplotlib.figure
import matplotlib.style, pandas, pyarrow.parquet, re2, rensa, scipy.optimize, scipy.stats, tokenizers, torch
from transformers import AutoModelForCausalLM, DynamicCache, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers import GPTNeoXForCausalLM, LlamaForCausalLM
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

with contextlib.suppress(ImportError):
    import awkward, gigatoken
get_checkpoint_conversion_mapping("gpt2")  # builds what every saved model asks for
"""
_OF_SNAKEMAKE = """
import huggingface_hub.hf_api, jsonschema, numpy.testing, pandas, platformdirs, pyarrow.parquet, re2, rensa, requests
import scipy.optimize, scipy.special, scipy.stats, smart_open, snakemake.cli, snakemake.report.html_reporter
"""
_SERVER = """
import array, atexit, contextlib, gc, json, os, runpy, socket, sys, threading


def received(asked):
    streams = array.array("i", [0, 0, 0])
    size, passed, _, _ = asked.recvmsg(8, socket.CMSG_SPACE(3 * streams.itemsize))
    told = asked.makefile("rb").read(int.from_bytes(size, "little"))
    return (*json.loads(told), array.array("i", passed[0][2]))


def run(command, folder, environment, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv, script = command, os.path.abspath(command[0])
    sys.path[0], code = os.path.dirname(script), 1
    try:
        if script.endswith(".py"):
            runpy.run_path(script, run_name="__main__")
        else:
            snakemake.cli.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


gc.collect()
gc.freeze()  # no fork looks through what is loaded, nor copies the memory of it
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind(sys.argv[1])
    listening.listen()
    print("ready", flush=True)
    while True:
        asked, _ = listening.accept()
        if not os.fork():  # one waits for each job
            told = received(asked)
            if not (job := os.fork()):
                run(*told)
            asked.sendall(str(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])).encode())
            os._exit(0)
        asked.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
"""
# What Snakemake sets for a job of one thread is read when libraries are loaded.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


@contextmanager
def warm_python(environment: Mapping[str, str] = os.environ) -> Iterator[dict[str, str]]:
    """This environment of Snakemake's, in which jobs have this `python`."""
    with _server(_OF_JOBS, {**environment, **_THREADS}) as address:
        client, functions = address.with_name("client"), address.with_name("functions")
        functions.write_text(f'python() {{ {client} "$@"; }}\n')
        client.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
        client.chmod(0o755)
        yield {**environment, "BASH_ENV": str(functions)}


def warm_snakemake(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit status of `snakemake` in a folder, and all that it said."""
    told = json.dumps([[str(Path(sys.executable).with_name("snakemake")), *arguments], str(folder), dict(environment)])
    with tempfile.TemporaryFile() as said, Path(os.devnull).open() as nothing, socket.socket(socket.AF_UNIX) as server:
        server.connect(str(_of_snakemake()))
        streams = array.array("i", [nothing.fileno(), said.fileno(), said.fileno()])
        passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)]
        server.sendmsg([len(told.encode()).to_bytes(8, "little")], passed)
        server.sendall(told.encode())
        status = server.makefile().read()
        said.seek(0)
        return int(status or 1), said.read().decode()


@functools.cache
def _of_snakemake() -> Path:
    """The address of this process's server, which ends with it."""
    server = _server(_OF_SNAKEMAKE, os.environ)
    address = server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return address


@contextmanager
def _server(imports: str, environment: Mapping[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        address = Path(folder, "server")
        command = [sys.executable, "-c", imports + _SERVER, str(address)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None and server.stdout.readline() == "ready\n"
                yield address
            finally:
                server.kill()
