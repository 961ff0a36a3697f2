"""A `python` that has loaded what jobs load, for fixtures of hundreds of jobs: most of a small job is imports.

A server forks for each command, with its arguments, folder, environment and streams; `python` is a function of the
shell of jobs that hands these over, and ends with the exit status of the fork. The project's own modules are loaded by
each fork, from beside its script. Tests that kill or interrupt a job have the real interpreter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
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
_SERVER = """
import array, contextlib, json, os, runpy, socket, sys

import accelerate, cyclopts, datasets, matplotlib.figure, pandas, pyarrow.parquet, scipy.optimize, tokenizers, torch
from transformers import AutoModelForCausalLM, DynamicCache, GPT2LMHeadModel, PreTrainedTokenizerFast


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
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


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
    with tempfile.TemporaryDirectory() as folder:
        address, client, functions = f"{folder}/server", Path(folder, "client"), Path(folder, "functions")
        functions.write_text(f'python() {{ {client} "$@"; }}\n')
        client.write_text(_CLIENT.format(python=sys.executable, address=address))
        client.chmod(0o755)
        command = [sys.executable, "-c", _SERVER, address]
        with subprocess.Popen(command, env={**environment, **_THREADS}, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None and server.stdout.readline() == "ready\n"
                yield {**environment, "BASH_ENV": str(functions)}
            finally:
                server.kill()
