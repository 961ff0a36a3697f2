"""One process for each device that a training uses, on one node or on several, started by torchrun."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import sys
import time
from collections import Counter
from typing import Any

import torch

from emulsion.errors import UserError
from emulsion.seeds import derive_seed
from emulsion.training.job import Job

# torchrun passes on to its processes what tells them to save and stop, and waits for them.
_SIGNALS = ["--signals-to-handle=SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1", "--shutdown-timeout=120"]
# Where torchrun's processes of several nodes meet: ports that systems do not hand out by themselves.
_PORTS = range(20_000, 30_000)
_LOOK_SECONDS = 0.1
_times: Counter[str] = Counter()


def launch(devices: int, nodes: int = 1, threads: int = 1) -> None:
    """Start this same command once per device, where there is more than one; it does not come back then.

    devices: over all nodes. On one node, no more are used than there are; on the processor, if accelerate was told to
    use it (ACCELERATE_USE_CPU), as many processes are started.
    nodes: of a SLURM job, each of which has as many devices; threads: of each process
    Raises UserError where devices do not divide by nodes, or nodes are not those of a SLURM job.
    """
    if "RANK" in os.environ:
        return
    torchrun = [sys.executable, "-m", "torch.distributed.run", *_SIGNALS]
    if nodes == 1:
        on_processor = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes", "y", "on")
        here = devices if on_processor else min(devices, torch.cuda.device_count())
        if here > 1:
            os.execv(sys.executable, [*torchrun, "--standalone", f"--nproc-per-node={here}", *sys.argv])
        return
    if devices % nodes:
        raise UserError(f"{devices} devices do not divide by {nodes} nodes.")
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        raise UserError(f"{nodes} nodes: only a SLURM job has more than one; start with --profile slurm.")
    # A job may run several trainings at once, each of which has a place of its own to meet at.
    own = derive_seed(int(job), "meet", *sys.argv)
    port = _PORTS[own % len(_PORTS)]
    here = devices // nodes
    meet = [f"--nnodes={nodes}", "--rdzv-backend=c10d", f"--rdzv-endpoint={os.uname().nodename}:{port}"]
    each = [*torchrun, *meet, f"--rdzv-id={job}-{own}", f"--nproc-per-node={here}", *sys.argv]
    step = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={here * threads}"]
    # The step that this process is in, if it is in one, has what the job has.
    os.execvp("srun", [*step, "--overlap", "--kill-on-bad-exit", *each])


def threads_of_process(threads: int, nodes: int) -> int:
    """CPU threads of this process: those of a job on one node are shared by all that it started there."""
    return threads if nodes > 1 else max(1, threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def keep_group() -> None:
    """Keep the group that the processes of a training talk in, where there is one, until this process exits.

    Else DDP's reducer may be the last to hold it, and as it goes it waits for gloo's threads without giving up the
    interpreter's lock: for ever, where such a thread needs the lock to let go of a tensor. Python gives the lock up
    where it is the last, but not once the interpreter is about to end.
    """
    if torch.distributed.is_initialized():
        atexit.register(_let_go, torch.distributed.group.WORLD)


def _let_go(group: torch.distributed.ProcessGroup | None) -> None:
    """End a group that a training which failed has left; what is registered with this is held until then.

    Not one of NCCL, which would wait for the other processes, which wait for this one.
    """
    if torch.distributed.is_initialized() and torch.distributed.get_backend() == "gloo":
        torch.distributed.destroy_process_group()


def tell(point: str) -> None:
    """Let the other processes know that the first one has come to a point where they `wait_for` it."""
    if (store := _launchers_store()) is not None:
        with contextlib.suppress(torch.distributed.DistNetworkError):  # torchrun was killed
            store.set(_key(point), "")


def wait_for(point: str, job: Job) -> None:
    """Wait, however long it takes, until the first process tells that it has come to a point, or the job is to stop.

    A barrier of the group would end in an error after ten minutes (NCCL) or thirty (gloo), and cannot be told to stop.
    """
    if (store := _launchers_store()) is None:
        return
    key = _key(point)
    with contextlib.suppress(torch.distributed.DistNetworkError):  # torchrun was killed, and nobody can tell
        while not store.check([key]) and not job.told_to_stop:
            time.sleep(_LOOK_SECONDS)


def _key(point: str) -> str:
    """Of this time that a process comes to a point: all come to it equally often."""
    _times[point] += 1
    return f"emulsion/{point}/{_times[point]}"


@functools.cache
def _launchers_store() -> Any:
    """What torchrun keeps for its processes, whether or not they are in a group yet; None of a process alone."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return torch.distributed.TCPStore(address, port, is_master=False)  # type: ignore[attr-defined]  # it is exported
