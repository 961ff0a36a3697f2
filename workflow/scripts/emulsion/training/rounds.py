"""Rounds: the only place where a training and an online method meet.

A run is cut into as many rounds as its method asks for. Where one begins, the training is observed, the method decides
on a mixture, and the plan draws by it from there on (`SequencePlan.change`). What was decided, and the method's state,
are part of every checkpoint: whether a checkpoint is of a step within a round or between two, a run that resumes from
it sees, decides and learns the same.

The decisions are the run's schedule. Followed again in as many rounds (`methods.follow`), they give the same run, byte
for byte. As the stages of a mixture file they give the same shares, but a plan that knows its stages from the start
looks ahead to the next one, where one that is changed cannot: a few sequences around each boundary come in another
order.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.utils import broadcast_object_list

from emulsion.data.batches import spread_rows
from emulsion.errors import UserError
from emulsion.laws.law import TOTAL
from emulsion.methods.interface import (
    GradientMethod,
    Observation,
    OnlineMethod,
    Probe,
    ProbingMethod,
    WeighingMethod,
    sequences_evaluated,
)
from emulsion.methods.notices import notices
from emulsion.methods.stretches import Stretch, probes_of, stretches
from emulsion.mixture import Mixture, mean_of_stages, read_mixture, stages_of
from emulsion.plan import excess_epochs
from emulsion.training.evidence import Reference
from emulsion.training.gradients import gradient_alignments
from emulsion.training.loop import REMEDY, Training


@dataclass(frozen=True, kw_only=True)
class Prelude:
    """A part of the run before the first round, on the mixture of another method.

    share: of the run's steps
    """

    mixture: Mixture
    share: float

    @classmethod
    def read(cls, file: Path, share: float, sources: Sequence[str]) -> Prelude:
        """From a mixture file; of one of several stages, their mean."""
        stages = stages_of(read_mixture(file)["schedule"])
        return cls(mixture=mean_of_stages(stages).over(list(sources)), share=share)

    def steps(self, of: int) -> int:
        """How many of the steps of a run it takes."""
        return round(self.share * of)


class Rounds:
    """A run on an online method. `run()` takes it from its newest checkpoint, or from the start, to its end."""

    def __init__(
        self,
        training: Training,
        method: OnlineMethod,
        first: list[Mixture],
        *,
        max_epochs: float = 0,
        reference: Reference | None = None,
        prelude: Prelude | None = None,
    ) -> None:
        """first: `opening(method)`; the training's plan begins with the first of them, or with the prelude.

        max_epochs: how often a source may be repeated, 0 for any number.
        reference: of the run that losses are measured against, for excess losses.
        Raises UserError where the rounds do not fit into the run or the reference lacks a source.
        """
        self.training, self.method, self.max_epochs = training, method, max_epochs
        self.reference = reference or Reference()
        self.by_token = method.observes == "excess_losses" and getattr(method, "clip", None) == "token"
        self.weighs = isinstance(method, WeighingMethod) and method.act_on == "loss"
        self.probing = method if isinstance(method, ProbingMethod) else None
        self._gradients: tuple[str, float | None] = ("all", None)
        if isinstance(method, GradientMethod):
            self._gradients = method.parameters, method.validation_share
        steps = training.spec.steps
        self.stretches = stretches(method, steps, prelude.steps(steps) if prelude else 0)
        if method.observes == "excess_losses":
            for source in training.stores:
                if source not in self.reference.losses:
                    raise UserError(f"reference run: has no validation loss of source '{source}'.")
                if self.by_token and source not in self.reference.token_losses:
                    raise UserError(f"reference run: has no losses of the tokens of source '{source}'.")
        # Weights as they go into Mixture(), here and after a checkpoint: it rescales them, by rounding alone.
        self._first = [dict(mixture) for mixture in first]
        self.decided: list[dict[str, float]] = [dict(prelude.mixture) if prelude else self._first[0]]
        self._probes = list(self._first) if self.probing else []
        self._results: list[dict[str, Any]] = []
        self._before: dict[str, float] = {}
        self._updated_at = 0
        self._validations = 0
        training.carried = self

    def run(self, until: int | None = None) -> None:
        """Train to the end, or as far as `after_step` lets it; to step `until`, and save the state it is in there.

        At the step of an update that is the state in which the method is about to decide.
        Raises what `Training.run` does, and UserError where a mixture cannot be drawn or repeats a source too often.
        """
        training = self.training
        last = training.spec.steps if until is None else until
        training.begin(last)
        for number, stretch in enumerate(self.stretches):
            if training.step >= stretch.end:
                continue
            if training.step >= last:
                break
            if training.step == stretch.start:
                self._enter(number, stretch)
            training.run(min(stretch.end, last), save=False)
            if training.step < min(stretch.end, last):
                return
        if last < training.spec.steps:
            training.run(last)

    def schedule(self) -> list[dict[str, Any]]:
        """What was decided, as the `schedule` of a mixture file: [{"until": share of the run, "weights"}]."""
        stages = zip(self.stretches, self.decided, strict=False)
        return [{"until": stretch.end / self.training.spec.steps, "weights": weights} for stretch, weights in stages]

    def notices(self) -> list[str]:
        """What should be noticed of the mixtures decided so far."""
        stages = zip(self.stretches, self.decided, strict=False)
        return notices([weights for stretch, weights in stages if stretch.probe is None and stretch.round >= 0])

    def cost(self) -> dict[str, int]:
        """What observing took: {"validations", "evaluation_tokens"}, and of the training {"probe_tokens"}.

        Tokens whose gradients are taken count once, as those whose losses are; they take three times as long.
        """
        spec, stores, kind = self.training.spec, self.training.stores.values(), self.method.observes
        limit = spec.validation_sequences
        if kind == "gradients":
            limit = sequences_evaluated(limit, len(stores), self._gradients[1])
        rows = sum(len(spread_rows(store.count("validation", spec.context), limit)) for store in stores)
        if kind == "gradients":
            rows += sum(min(store.count("train", spec.context), spec.validation_sequences) for store in stores)
        probes = sum(stretch.end - stretch.start for stretch in self.stretches if stretch.probe is not None)
        return {
            "validations": self._validations,
            "evaluation_tokens": self._validations * rows * spec.context,
            "probe_tokens": self._sequence(probes) * spec.context,
        }

    def state(self) -> dict[str, Any]:
        return {
            "method": self.method.state(),
            "decided": self.decided,
            "drawn": [self._drawn(stretch.start).tolist() for stretch in self._changed()],
            "probes": self._probes,
            "results": self._results,
            "before": self._before,
            "updated_at": self._updated_at,
            "validations": self._validations,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state of a checkpoint; the plan is one that nothing was changed in yet."""
        self.method.restore(state["method"])
        self.decided = state["decided"]
        self._probes, self._results, self._before = state["probes"], state["results"], state["before"]
        self._updated_at, self._validations = state["updated_at"], state["validations"]
        # Without what was drawn, as older checkpoints are, the plan stays as it is, and the receipt refuses to go on.
        for stretch, weights, drawn in zip(self._changed(), self.decided[1:], state.get("drawn", []), strict=False):
            if not self._weighs(stretch):
                self.training.plan.change(self._sequence(stretch.start), Mixture(weights), np.array(drawn))
        if self._weighs(self.stretches[len(self.decided) - 1]):
            self._weigh(self.decided[-1])

    def _changed(self) -> list[Stretch]:
        """The stretches at whose start the mixture was changed so far."""
        return self.stretches[1 : len(self.decided)]

    def _drawn(self, step: int) -> np.ndarray:
        """How many sequences of each source were drawn before a step, [sources]."""
        return self.training.plan.counts(self._sequence(step))

    def _sequence(self, step: int) -> int:
        return step * self.training.spec.batch_sequences

    def _enter(self, number: int, stretch: Stretch) -> None:
        """Observe, decide, and let the plan draw by the decision from here on; the next row of the log tells it."""
        training, started = self.training, time.monotonic()
        remark: dict[str, Any] = {"round": stretch.round + 1}
        if stretch.round == 0 and stretch.probe == (0 if self.probing else None):
            self._updated_at = training.step
        if number > 0 or stretch.probe is not None:
            seen = self._see()
            losses = seen["losses"]
            remark["observed"] = losses
            if number > 0 and self.stretches[number - 1].probe is not None:
                self._keep_probe(self.stretches[number - 1], losses)
            self._before = losses
        if stretch.round < 0:
            weights = self.decided[0]
        elif stretch.probe is not None:
            remark["probe"] = stretch.probe + 1
            if self.probing and stretch.probe == 0 and stretch.round > 0:
                self._probes = [dict(mixture) for mixture in probes_of(self.probing)]
            weights = self._probes[stretch.probe]
        elif stretch.round == 0 and not self.probing:
            weights = self._first[0]
        else:
            weights = dict(self.method.update(self._observe(seen)))
            self._updated_at, self._results = training.step, []
            remark["effects"] = self.method.effects
        if number > 0:
            mixture = Mixture(weights, f"round {stretch.round + 1}")
            if self._weighs(stretch):
                self._weigh(weights)
            else:
                training.plan.change(self._sequence(stretch.start), mixture)
            self.decided.append(weights)
        self._check_epochs(stretch)
        training.remark = {**remark, "mixture": weights}
        training.seconds += time.monotonic() - started

    def _weighs(self, stretch: Stretch) -> bool:
        """Whether the mixture of a stretch weighs losses; the first round's is what sequences are drawn by."""
        return self.weighs and stretch.round > 0

    def _weigh(self, weights: Mapping[str, float]) -> None:
        """Weigh losses by a mixture over the one that sequences are drawn by."""
        drawn = self._first[0]
        self.training.loss_weights = {source: weights[source] / drawn[source] for source in weights}

    def _see(self) -> dict[str, Any]:
        """{"losses", and what else is observed}; that of the main process for all: every process must decide alike."""
        training, kind = self.training, self.method.observes
        if not self.method.held_out:
            seen: dict[str, Any] = {"losses": self._training_losses() if training.accelerator.is_main_process else {}}
        else:
            self._validations += 1
            seen = self._aligned() if kind == "gradients" else self._excess() if self.by_token else {}
            seen = seen or {"losses": training.validate()}
            if kind == "excess_losses" and not self.by_token:
                excess = {source: loss - self.reference.losses[source] for source, loss in seen["losses"].items()}
                seen["excess_losses"] = excess
        if training.accelerator.num_processes > 1:
            shared = [seen]
            broadcast_object_list(shared)
            seen = shared[0]
        return seen

    def _aligned(self) -> dict[str, Any]:
        """Raises UserError where a gradient is not finite."""
        found = gradient_alignments(self.training, *self._gradients)
        for source, product in found.products.items():
            if not all(map(math.isfinite, (found.losses[source], product, found.norms[source]))):
                raise UserError(
                    f"the gradients are not finite after step {self.training.step}, on {source} or others. {REMEDY}"
                )
        return {"losses": found.losses, "gradients": {TOTAL: found.products}, "norms": found.norms}

    def _excess(self) -> dict[str, Any]:
        """Losses over the reference run's token by token, cut at 0 before they are averaged."""
        tokens = self.training.token_losses("validation")
        losses = {source: float(each.mean(dtype=np.float64)) for source, each in tokens.items()}
        if bad := [source for source, loss in losses.items() if not math.isfinite(loss)]:
            raise UserError(f"the loss is not finite after step {self.training.step}, on {', '.join(bad)}. {REMEDY}")
        excess = {}
        for source, each in tokens.items():
            reference = self.reference.token_losses[source]
            if reference.shape != each.shape:
                raise UserError(
                    f"reference run: has losses of {reference.shape} tokens of '{source}', and {each.shape} are read; "
                    "its `validation_sequences` must be those of this run."
                )
            excess[source] = float(np.maximum(each - reference, 0).mean(dtype=np.float64))
        return {"losses": losses, "excess_losses": excess}

    def _training_losses(self) -> dict[str, float]:
        """{source: mean loss of what was drawn of it since the last update}, without one of which nothing was drawn."""
        plan, size = self.training.plan, self.training.spec.batch_sequences
        total, drawn = dict.fromkeys(plan.sizes, 0.0), dict.fromkeys(plan.sizes, 0)
        for row in self.training.log.rows[self._updated_at : self.training.step]:
            sources = plan.sources((row["step"] - 1) * size, row["step"] * size)
            counts = dict(zip(plan.sizes, np.bincount(sources, minlength=len(drawn)).tolist(), strict=True))
            for source, loss in row["source_losses"].items():
                total[source] += loss * counts[source]
                drawn[source] += counts[source]
        return {source: total[source] / count for source, count in drawn.items() if count}

    def _observe(self, seen: Mapping[str, Any]) -> Observation:
        training, kind = self.training, self.method.observes
        return Observation(
            step=training.step,
            steps=training.spec.steps,
            tokens=self._sequence(training.step) * training.spec.context,
            counts=self._counts(self._updated_at, training.step),
            probes=[Probe(**{**probe, "mixture": Mixture(probe["mixture"])}) for probe in self._results]
            if kind == "probes"
            else None,
            **seen,
        )

    def _keep_probe(self, stretch: Stretch, losses: dict[str, float]) -> None:
        counts = self._counts(stretch.start, stretch.end)
        drawn = {"mixture": self.decided[-1], "counts": counts}
        self._results.append({**drawn, "before": self._before, "after": losses})

    def _counts(self, first: int, last: int) -> dict[str, int]:
        """{source: sequences drawn in steps [first, last)}."""
        drawn = self._drawn(last) - self._drawn(first)
        return dict(zip(self.training.plan.sizes, drawn.tolist(), strict=True))

    def _check_epochs(self, stretch: Stretch) -> None:
        """What a method decides is only known now, so a source that is too small for it is too."""
        spec = self.training.spec
        drawn = (self._sequence(stretch.end), spec.context, self.max_epochs)
        if self.max_epochs and (problems := excess_epochs(self.training.plan, *drawn)):
            raise UserError(f"round {stretch.round + 1}, up to step {stretch.end}: {' '.join(problems)}")
