"""The training loop: one pass over a plan, on any number of devices, that resumes exactly."""

from __future__ import annotations

import contextlib
import logging
import math
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from emulsion.batches import Batch, read_batch, spread_rows
from emulsion.errors import UserError
from emulsion.losses import sequence_losses
from emulsion.sampling import SequencePlan
from emulsion.seeds import derive_seed
from emulsion.tokens import TokenStore
from emulsion.training import checkpoint
from emulsion.training.log import TrainingLog
from emulsion.training.optimizer import build_optimizer, learning_rate
from emulsion.training.spec import RunSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """How a run is carried out: nothing here changes what is learned, but for rounding.

    micro_batch         sequences a device takes at once
    checkpoint_seconds  time between checkpoints
    minutes             time the job has, or None; the run saves and stops before it is over
    trackers            of accelerate: tensorboard, wandb, trackio
    tracker_folder      where trackers that write files write them
    after_step          called by every process after every step; says whether to go on
    """

    micro_batch: int
    checkpoint_seconds: float = 120.0
    minutes: float | None = None
    trackers: tuple[str, ...] = ()
    tracker_folder: Path = Path("logs/trackers")
    after_step: Callable[[Training], bool] = lambda training: True


def choose_precision(precision: str) -> str:
    """`auto` is bf16 where the device computes in it, else fp32 (bf16 on most CPUs is 20 times slower)."""
    if precision == "auto":
        return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
    return "no" if precision == "fp32" else precision


class Training:
    """A run in progress. `run()` takes it from its newest checkpoint, or from the start, to its end."""

    def __init__(
        self,
        spec: RunSpec,
        plan: SequencePlan,
        stores: Mapping[str, TokenStore],
        build: Callable[[], torch.nn.Module],
        folder: Path,
        identity: str,
        runtime: Runtime,
    ) -> None:
        self.spec, self.plan, self.stores, self.runtime = spec, plan, stores, runtime
        self.folder, self.identity = folder, identity
        trackers: Any = list(runtime.trackers) or None
        self.accelerator = Accelerator(
            mixed_precision=choose_precision(spec.precision), log_with=trackers, project_dir=runtime.tracker_folder
        )
        torch.manual_seed(derive_seed(spec.seed, "initialisation", bits=63))
        self.model = build().to(self.accelerator.device)
        self.optimizer = build_optimizer(self.model, spec)
        self.wrapped = self.accelerator.prepare_model(self.model)
        # Only fp16 needs a loss scaler, and with it accelerate's optimiser, which costs time at every step.
        scaled = self.accelerator.scaler is not None
        self.stepper = self.accelerator.prepare_optimizer(self.optimizer) if scaled else self.optimizer
        self.drawn = np.zeros(len(plan.sizes), dtype=np.int64)
        self.step, self.seconds, self.stopping = 0, 0.0, False
        self._check_processes()
        if runtime.trackers:
            self.accelerator.init_trackers(folder.name)

    def _check_processes(self) -> None:
        processes = self.accelerator.num_processes
        if self.spec.batch_sequences % processes:
            raise UserError(f"a batch of {self.spec.batch_sequences} sequences does not divide by {processes} devices.")

    def run(self) -> None:
        """Train to the end, or as far as `after_step` lets it; the main process has the log.

        Raises UserError where the loss is not finite or time is short.
        """
        self._resume()
        if self.accelerator.is_main_process:
            self.log = TrainingLog(self.folder / "training_log.jsonl", self.step)
        with contextlib.suppress(ValueError):  # signals reach the main thread only
            signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        started = saved = time.monotonic()
        before = self.seconds
        for _ in self._progress():
            self._train_step()
            now = time.monotonic()
            self.seconds = before + now - started
            if not self.runtime.after_step(self):
                return
            out_of_time = self._agreed(self.stopping or self._short_of_time(now - started))
            if self._agreed(out_of_time or now - saved >= self.runtime.checkpoint_seconds):
                self._save()
                saved = now
            if out_of_time:
                raise UserError(f"stopped at step {self.step} of {self.spec.steps}, saved; start again to go on.")
        self._check_shares()
        speed = self.spec.realised_tokens / max(self.seconds, 1e-9)
        log.info("%d steps, %d tokens, %.0f tokens/s", self.spec.steps, self.spec.realised_tokens, speed)

    def _agreed(self, wish: bool) -> bool:
        """Whether any process wishes it: all must save at the same step, though each has a clock of its own."""
        if self.accelerator.num_processes == 1:
            return wish
        wishes = self.accelerator.gather(torch.tensor([wish], device=self.accelerator.device))
        return bool(wishes.any())

    def _short_of_time(self, elapsed: float) -> bool:
        """Whether another 5 % of the job's time might not be there any more."""
        minutes = self.runtime.minutes
        return minutes is not None and elapsed > 0.95 * 60 * minutes and self.step < self.spec.steps

    def _progress(self) -> Any:
        """Steps still to do, with a bar on a terminal and a line every 5 % in a log."""
        on_terminal = sys.stderr.isatty() and self.accelerator.is_main_process
        return tqdm(
            range(self.step, self.spec.steps), initial=self.step, total=self.spec.steps, disable=not on_terminal
        )

    def _resume(self) -> None:
        state = checkpoint.load(self.folder, self.identity, self.model, self.optimizer)
        if state is not None:
            self.step, self.seconds = state["step"], state["seconds"]
            self.drawn = np.array([state["drawn"][source] for source in self.plan.sizes])
            if self.accelerator.scaler is not None:
                self.accelerator.scaler.load_state_dict(state["scaler"])
            log.info("resumed at step %d of %d", self.step, self.spec.steps)

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            scaler = self.accelerator.scaler
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "drawn": dict(zip(self.plan.sizes, self.drawn.tolist(), strict=True)),
                "scaler": scaler.state_dict() if scaler is not None else None,
            }
            checkpoint.save(self.folder, self.identity, state, self.model, self.optimizer)
        self.accelerator.wait_for_everyone()

    def _train_step(self) -> None:
        """One optimiser step on one batch; adds one row to the log."""
        spec, first = self.spec, self.step * self.spec.batch_sequences
        share = spec.batch_sequences // self.accelerator.num_processes
        process = self.accelerator.process_index
        if spec.model["dropout"]:
            torch.manual_seed(derive_seed(spec.seed, "dropout", self.step, process, bits=63))
        mine = first + process * share
        batch = read_batch(self.plan, self.stores, spec.context, mine, mine + share)
        losses = self.accelerator.gather(self._accumulate(batch)).float().cpu().numpy()
        sources = self.plan.sources(first, first + spec.batch_sequences)
        self._check_finite(losses, sources)
        rate = learning_rate(self.step, spec)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), spec.clip)
        self.stepper.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.drawn += np.bincount(sources, minlength=len(self.drawn))
        self.step += 1
        self._report(losses, sources, rate, float(norm))

    def _accumulate(self, batch: Batch) -> torch.Tensor:
        """Gradients of the mean loss of a batch, micro-batch by micro-batch; returns the losses [sequences]."""
        losses = []
        sequences = len(batch.tokens)
        for start in range(0, sequences, self.runtime.micro_batch):
            tokens = torch.from_numpy(batch.tokens[start : start + self.runtime.micro_batch])
            tokens = tokens.to(self.accelerator.device, non_blocking=True)
            last = start + self.runtime.micro_batch >= sequences
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                logits = self.wrapped(input_ids=tokens[:, :-1]).logits
                each = cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
                each = each.view(len(tokens), -1).mean(dim=1)
                self.accelerator.backward(each.sum() / sequences)
            losses.append(each.detach())
        return torch.cat(losses)

    def _check_finite(self, losses: np.ndarray, sources: np.ndarray) -> None:
        if np.isfinite(losses).all():
            return
        names = list(self.plan.sizes)
        bad = sorted({names[source] for source in sources[~np.isfinite(losses)]})
        batch = ", ".join(sorted({names[source] for source in sources}))
        raise UserError(
            f"the loss is not finite at step {self.step + 1}, on sequences of {', '.join(bad)} (the batch holds "
            f"{batch}). Lower the learning rate or the clipping norm, or use a wider precision."
        )

    def _report(self, losses: np.ndarray, sources: np.ndarray, rate: float, norm: float) -> None:
        names = list(self.plan.sizes)
        row: dict[str, Any] = {
            "step": self.step,
            "tokens": self.step * self.spec.batch_sequences * self.spec.context,
            "loss": float(losses.mean()),
            "learning_rate": rate,
            "gradient_norm": norm if math.isfinite(norm) else None,
            "source_losses": {names[i]: float(losses[sources == i].mean()) for i in np.unique(sources)},
        }
        if self.step in self.spec.validation_steps():
            row["validation"] = self.validate()
        if self.accelerator.is_main_process:
            self.log.append(row)
            if self.step % max(1, self.spec.steps // 20) == 0 and not sys.stderr.isatty():
                log.info("step %d/%d, loss %.4f", self.step, self.spec.steps, row["loss"])
        if self.runtime.trackers:
            flat = {f"validation/{name}": loss for name, loss in row.get("validation", {}).items()}
            self.accelerator.log({"loss": row["loss"], "learning_rate": rate, **flat}, step=self.step)

    def validate(self) -> dict[str, float]:
        """{source: mean nats per token on its validation split}, on the same sequences for every run."""
        self.model.eval()
        losses = {}
        for source, store in self.stores.items():
            rows = spread_rows(store.count("validation", self.spec.context), self.spec.validation_sequences)
            if not len(rows):
                raise UserError(f"source '{source}' has no validation sequence of {self.spec.context} tokens.")
            tokens = store.read("validation", rows, self.spec.context)
            with self.accelerator.autocast():
                losses[source] = float(sequence_losses(self.model, tokens, self.runtime.micro_batch).mean())
        self.model.train()
        return losses

    def _check_shares(self) -> None:
        """Equal tokens, always: what was drawn must be what was planned."""
        planned = self.plan.counts(self.spec.sequences)
        if not np.array_equal(planned, self.drawn):
            raise RuntimeError(f"drew {self.drawn.tolist()} sequences per source, planned {planned.tolist()}")
