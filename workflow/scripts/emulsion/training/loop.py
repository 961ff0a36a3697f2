"""The training loop: one pass over a plan, on any number of devices, that resumes exactly."""

from __future__ import annotations

import contextlib
import logging
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from tqdm import tqdm

from emulsion.data.batches import read_batch
from emulsion.data.tokens import TokenStore
from emulsion.errors import PassingError, UserError
from emulsion.plan import SequencePlan
from emulsion.seeds import derive_seed
from emulsion.spec import RunSpec
from emulsion.training import checkpoint, devices, micro_batch, receipts, sharding
from emulsion.training.adamw import build_optimizer, learning_rate
from emulsion.training.checkpoint import Origin
from emulsion.training.forward import SequenceLosses, worth_compiling
from emulsion.training.log import TrainingLog
from emulsion.training.owner import Owner
from emulsion.training.runtime import Runtime, choose_precision
from emulsion.training.validation import held_out_losses, held_out_sequence_losses

log = logging.getLogger(__name__)

REMEDY = "Lower the learning rate or the clipping norm, or use a wider precision."


class Carried(Protocol):
    """What takes its course along with a training, so that a checkpoint has to hold its state of the same step."""

    def state(self) -> dict[str, Any]:
        """Plain JSON."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state()` returned."""


class Training:
    """A run in progress. `run()` takes it from its newest checkpoint, or from the start, to its end.

    `turn_to` makes it another run, which starts from the exact state of one that was trained before.

    carried      saved with every checkpoint and restored from it, where there is any
    owner        confirmed before every checkpoint; None: no owner
    remark       more fields for the next step's row of the log
    sharded      whether devices hold parts of the model (`training.sharding`)
    micro_batch  sequences taken at once; halved where the memory of the device is too small for them
    loss_weights {source: what the losses of its sequences are weighed by, to a mean of 1 over a batch}, if any
    """

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
        self.spec, self.stores, self.runtime = spec, stores, runtime
        trackers: Any = list(runtime.trackers) or None
        self.accelerator = Accelerator(
            mixed_precision=choose_precision(spec.precision), log_with=trackers, project_dir=runtime.tracker_folder
        )
        devices.keep_group()
        processes = self.accelerator.num_processes
        self.sharded = runtime.sharding == "full" and processes > 1
        on = self.accelerator.device
        name = torch.cuda.get_device_name(on) if on.type == "cuda" else on.type
        self.circumstances = {"device": name, "processes": processes, "sharded": self.sharded}
        self.micro_batch = micro_batch.fitting(folder, runtime.micro_batch, self.circumstances)
        torch.manual_seed(derive_seed(spec.seed, "initialisation", bits=63))
        self.model = build()
        if not self.sharded:
            self.model.to(self.accelerator.device)
        self.losses = SequenceLosses(self.model)
        if worth_compiling(spec, self.model, on) if runtime.compiled is None else runtime.compiled:
            self.losses.compile_parts()
        if self.sharded:
            self.wrapped = sharding.shard(self.losses, self.accelerator)
        else:
            self.wrapped = self.accelerator.prepare_model(self.losses)
        self.optimizer = build_optimizer(self.model, spec)
        # Only fp16 needs a loss scaler, and with it accelerate's optimiser, which costs time at every step.
        scaled = self.accelerator.scaler is not None
        self.stepper = self.accelerator.prepare_optimizer(self.optimizer) if scaled else self.optimizer
        self.owner: Owner | None = None
        self.turn_to(plan, folder, identity, None)
        self._check_processes()
        if runtime.trackers:
            self.accelerator.init_trackers(folder.name)

    def turn_to(self, plan: SequencePlan, folder: Path, identity: str, origin: Origin | None) -> None:
        """Go over to another run of the same spec: model and optimiser are used again, so it must have an origin."""
        self.plan, self.folder, self.identity, self.origin = plan, folder, identity, origin
        self.drawn = np.zeros(len(plan.sizes), dtype=np.int64)
        self.step, self.seconds, self.saved_step, self.begun = 0, 0.0, -1, False
        self.saved_log: Path | None = None
        self.remark: dict[str, Any] = {}
        self.loss_weights: Mapping[str, float] = {}
        self.carried: Carried | None = None

    def _check_processes(self) -> None:
        processes = self.accelerator.num_processes
        if self.spec.batch_sequences % processes:
            raise UserError(f"a batch of {self.spec.batch_sequences} sequences does not divide by {processes} devices.")

    def run(self, until: int | None = None, *, save: bool = True) -> None:
        """Train to step `until`, by default the last, or as far as `after_step` lets it; again, to continue from there.

        save: whether to leave a checkpoint of exactly that step where it is not the last one. The main process has
        the log. Raises UserError where the loss is not finite or the job is to stop; then all is saved.
        """
        until = self.spec.steps if until is None else until
        self.begin(until)
        started = time.monotonic()
        before = self.seconds
        for _ in self._progress(until):
            self._train_step()
            now = time.monotonic()
            self.seconds = before + now - started
            if not self.runtime.after_step(self):
                return
            job = self.runtime.job
            stop = self.agreed(job.told_to_stop or (self.step < until and job.short_of_time()))
            if self.agreed(stop or now - self.saved_at >= self.runtime.checkpoint_seconds):
                self._save()
            if stop:
                raise PassingError(f"stopped at step {self.step} of {self.spec.steps}, saved; start again to go on.")
        self._check_shares()
        if save and self.saved_step < until < self.spec.steps:
            self._save()
        if until == self.spec.steps:
            speed = self.spec.realised_tokens / max(self.seconds, 1e-9)
            self._tell("%d steps, %d tokens, %.0f tokens/s", self.spec.steps, self.spec.realised_tokens, speed)

    def begin(self, until: int) -> None:
        """Take up the newest state that there is of step `until` at most, once; `run` does so by itself."""
        self.runtime.job.listen()
        if not self.begun:
            # The first process owns the folder by now; the others must not have looked into it before.
            self.accelerator.wait_for_everyone()
            self._resume(until)
            self._check_agreement()
            self.saved_at = time.monotonic()
            if self.accelerator.is_main_process:
                self.log = TrainingLog(self.folder / checkpoint.LOG, self.saved_log)
        self.begun = True
        if until < self.step:
            raise ValueError(f"cannot train to step {until}: {self.step} are done")

    def _check_agreement(self) -> None:
        """A file system may show one process what it does not yet show another."""
        if self.accelerator.num_processes > 1:
            began = torch.tensor([[self.step, self.micro_batch]], device=self.accelerator.device)
            if len({tuple(each) for each in self.accelerator.gather(began).tolist()}) > 1:
                raise PassingError(f"{self.folder}: not all processes see the same checkpoint; start again to go on.")

    def _tell(self, *message: Any) -> None:
        if self.accelerator.is_main_process and not self.runtime.quiet:
            log.info(*message)

    def agreed(self, wish: bool) -> bool:
        """Whether any process wishes it: all must save at the same step, though each has a clock of its own."""
        if self.accelerator.num_processes == 1:
            return wish
        wishes = self.accelerator.gather(torch.tensor([wish], device=self.accelerator.device))
        return bool(wishes.any())

    def _progress(self, until: int) -> Any:
        """Steps still to do, with a bar on a terminal and a line every 5 % in a log."""
        shown = sys.stderr.isatty() and self.accelerator.is_main_process and not self.runtime.quiet
        return tqdm(range(self.step, until), initial=self.step, total=self.spec.steps, disable=not shown)

    def _resume(self, until: int) -> None:
        saved = checkpoint.load(self.folder, self.identity, until, self.model, self.optimizer)
        if saved is not None:
            self.seconds, self.saved_step = saved.state["seconds"], saved.state["step"]
            self.saved_log = saved.log
            if self.carried is not None:
                self.carried.restore(saved.state["carried"])
        elif self.origin is not None:
            saved = checkpoint.load_origin(self.origin, self.model, self.optimizer)
        if saved is None:
            return
        state, self.step = saved.state, saved.state["step"]
        self.drawn = np.array([state["drawn"][source] for source in self.plan.sizes])
        self.plan.go_to(self.step * self.spec.batch_sequences, self.drawn)
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        if self.saved_log is not None:
            receipts.compare(state["receipt"], self.receipt(), self.folder)
            self._tell("resumed at step %d of %d", self.step, self.spec.steps)

    def receipt(self) -> dict[str, Any]:
        """What the next step will be: see `training.receipts`."""
        carried = self.carried.state() if self.carried is not None else None
        return receipts.receipt(self.spec, self.plan, self.stores, self.step, carried)

    def _save(self) -> None:
        main = self.accelerator.is_main_process
        # Of a model in parts every process has to give its own.
        tensors = checkpoint.tensors(self.model, self.optimizer, keep=main) if main or self.sharded else {}
        if main:
            scaler = self.accelerator.scaler
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "drawn": dict(zip(self.plan.sizes, self.drawn.tolist(), strict=True)),
                "scaler": scaler.state_dict() if scaler is not None else None,
                "receipt": self.receipt(),
            }
            if self.carried is not None:
                state["carried"] = self.carried.state()
            if self.owner is not None:
                self.owner.confirm()
            checkpoint.save(self.folder, self.identity, state, tensors, self.log)
            if self.owner is not None:
                self.owner.saved()
        self.saved_step, self.saved_at = self.step, time.monotonic()
        self.accelerator.wait_for_everyone()

    def _train_step(self) -> None:
        """One optimiser step on one batch; adds one row to the log."""
        spec, first = self.spec, self.step * self.spec.batch_sequences
        share = spec.batch_sequences // self.accelerator.num_processes
        mine = first + self.accelerator.process_index * share
        batch = read_batch(self.plan, self.stores, spec.context, mine, mine + share)
        sources = self.plan.sources(first, first + spec.batch_sequences)
        weights = self._weights(sources)[mine - first :][:share] if self.loss_weights else None
        while (own := self._losses_or_none(batch, weights)) is None:
            self.optimizer.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
        found = self.accelerator.gather(own)
        rate = learning_rate(self.step, spec)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        norm = sharding.whole(self.accelerator.clip_grad_norm_(self.model.parameters(), spec.clip))
        self.stepper.step()
        self.optimizer.zero_grad(set_to_none=True)
        # Only now, when all work of the step is in the GPU's queue, wait for its numbers.
        losses = found.cpu().numpy()
        self._check_finite(losses, sources)
        self.drawn += np.bincount(sources, minlength=len(self.drawn))
        self.step += 1
        self._report(losses, sources, rate, float(norm))

    def _losses_or_none(self, batch: np.ndarray, weights: np.ndarray | None) -> torch.Tensor | None:
        """As `_accumulate`; None where memory is too small, and half as many sequences are to be taken at once.

        Raises UserError where one alone is too many, and on several devices, of which the others would wait in a sum
        that this one has begun: the next try takes half as many (`training.micro_batch`).
        """
        if self.spec.model["dropout"]:
            process = self.accelerator.process_index
            torch.manual_seed(derive_seed(self.spec.seed, "dropout", self.step, process, bits=63))
        try:
            return self._accumulate(batch, weights)
        except torch.OutOfMemoryError as error:
            taken = min(self.micro_batch, len(batch))
            small = f"the memory of the GPU is too small for {taken} sequences of {self.spec.context} tokens at once"
            if taken == 1:
                more = "" if self.sharded else ", or several devices with `sharding: full`"
                raise UserError(f"{small}: take a smaller model or context{more}.") from error
            if self.accelerator.num_processes > 1:
                asked = self.runtime.micro_batch
                micro_batch.remember(self.folder, taken // 2, asked, self.circumstances)
                raise PassingError(f"{small}; the next try takes {taken // 2}. Start again to go on.") from error
        self.micro_batch = taken // 2
        log.warning("%s; from here on it is %d. The batch stays as it is.", small, self.micro_batch)
        return None

    def _weights(self, sources: np.ndarray) -> np.ndarray:
        """What the loss of each sequence of a batch is weighed by [sequences], 1 in the mean."""
        each = np.array([self.loss_weights[source] for source in self.plan.sizes])[sources]
        mean = each.mean()
        # A method's weights may fall until they are 0 as numbers; a batch of such sources alone has them all alike.
        return np.asarray(each / mean) if mean > 0 else np.ones_like(each)

    def _accumulate(self, batch: np.ndarray, weights: np.ndarray | None) -> torch.Tensor:
        """Gradients of the mean loss of a batch, micro-batch by micro-batch; returns the losses [sequences].

        batch: token ids [sequences, context + 1]
        weights: of the sequences' losses in that mean, [sequences]; None for 1 each
        """
        whole, losses, first = torch.from_numpy(batch), [], 0
        if self.accelerator.device.type == "cuda":
            whole = whole.pin_memory().to(self.accelerator.device, non_blocking=True)
        pieces = torch.split(whole, self.micro_batch)
        for number, tokens in enumerate(pieces, 1):
            # For whole gradients until the last piece, devices with parts of a model have no room.
            wait = number < len(pieces) and not self.sharded
            with self.accelerator.no_sync(self.wrapped) if wait else contextlib.nullcontext():
                each = self.wrapped(tokens)
                weighed = each
                if weights is not None:
                    weighed = each * torch.as_tensor(weights[first : first + len(tokens)]).to(each)
                self.accelerator.backward(weighed.sum() / len(whole))
            losses.append(each.detach())
            first += len(tokens)
        return torch.cat(losses)

    def _check_finite(self, losses: np.ndarray, sources: np.ndarray) -> None:
        if np.isfinite(losses).all():
            return
        names = list(self.plan.sizes)
        bad = sorted({names[source] for source in sources[~np.isfinite(losses)]})
        batch = ", ".join(sorted({names[source] for source in sources}))
        raise UserError(
            f"the loss is not finite at step {self.step + 1}, on sequences of {', '.join(bad)} (the batch holds "
            f"{batch}). {REMEDY}"
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
            **self.remark,
        }
        self.remark = {}
        if self.step in self.spec.validation_steps():
            row["validation"] = self.validate()
        if self.accelerator.is_main_process:
            self.log.append(row)
            if self.step % max(1, self.spec.steps // 20) == 0 and not sys.stderr.isatty():
                self._tell("step %d/%d, loss %.4f", self.step, self.spec.steps, row["loss"])
        if self.runtime.trackers:
            flat = {f"validation/{name}": loss for name, loss in row.get("validation", {}).items()}
            self.accelerator.log({"loss": row["loss"], "learning_rate": rate, **flat}, step=self.step)

    def validate(self, split: str = "validation") -> dict[str, float]:
        """{source: mean nats per token on this split}, on the same sequences for every run.

        Raises UserError where one is not finite.
        """
        with self.accelerator.autocast():
            losses = held_out_losses(self.losses.evaluate, self.stores, *self._read(split))
        if bad := [source for source, loss in losses.items() if not math.isfinite(loss)]:
            raise UserError(f"the {split} loss is not finite after step {self.step}, on {', '.join(bad)}. {REMEDY}")
        return losses

    def sequence_losses(self, split: str) -> dict[str, np.ndarray]:
        """{source: mean nats per token of each of these sequences [n]}."""
        with self.accelerator.autocast():
            return held_out_sequence_losses(self.losses.evaluate, self.stores, *self._read(split))

    def token_losses(self, split: str) -> dict[str, np.ndarray]:
        """{source: nats of each token of these sequences [n, T], float32}."""
        with self.accelerator.autocast():
            return held_out_sequence_losses(self.losses.evaluate_tokens, self.stores, *self._read(split))

    def _read(self, split: str) -> tuple[str, int, int, int]:
        """What of a split losses are taken on, and how many sequences at once."""
        return split, self.spec.context, self.spec.validation_sequences, self.micro_batch

    def _check_shares(self) -> None:
        """Equal tokens, always: what was drawn must be what was planned."""
        planned = self.plan.counts(self.step * self.spec.batch_sequences)
        if not np.array_equal(planned, self.drawn):
            raise RuntimeError(f"drew {self.drawn.tolist()} sequences per source, planned {planned.tolist()}")
